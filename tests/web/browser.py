"""People in real browsers: each visitor is a browser context of its own, and every page is watched for errors."""

import asyncio
import os
import shutil
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from tests.identity.hall import Member
from tests.support.server import Server

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--renderer-process-limit=1",  # of each visitor, and none in reserve: starting those took as long as many a page
]  # fmt: skip
CLOSE_S = 20.0
REPLACED = "signal is aborted without reason"
"""What the browser says when Turbo gives up reading a page because a newer one was asked for: no fault of the page."""
PHONE = {"viewport": {"width": 375, "height": 760}, "has_touch": True, "is_mobile": True}


def find_chromium() -> str | None:
    """The Chromium that the test command found, else one on the path."""
    return os.environ.get("CREWHALL_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


class Visitors:
    """Opens pages of the server for people and for guests, and remembers what the browser complained about."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self._browser = browser
        self._server = server
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.tolerated: tuple[str, ...] = ()

    async def visit(self, path: str, member: Member | None = None, **options: Any) -> Page:
        """Open a path as a signed-in person, or as a guest."""
        context = await self.context(member, **options)
        page = await context.new_page()
        await page.goto(path)
        return page

    async def context(self, member: Member | None = None, **options: Any) -> BrowserContext:
        """A browser of its own."""
        settings: dict[str, Any] = {"base_url": self._server.address, "timezone_id": "UTC", **options}
        context = await self._browser.new_context(**settings)
        context.set_default_timeout(8000)
        self._contexts.append(context)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self._on_error(str(error.error)))
        if member is not None:
            _, session = await self._server.browse(member)
            await context.add_cookies([{"name": "crewhall_session", "value": session, "url": settings["base_url"]}])
        return context

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(known in message.text for known in self.tolerated):
            self.complaints.append(message.text)

    def _on_error(self, text: str) -> None:
        if text != REPLACED:
            self.complaints.append(text)

    async def close(self) -> None:
        """Close what they have open. A browser that is gone answers nothing, and the test has no time-out left."""
        async with asyncio.timeout(CLOSE_S):
            for context in self._contexts:
                await context.close()


async def connected(page: Page) -> None:
    """Wait until the page's live socket is open."""
    await expect(page.locator("html")).to_have_attribute("data-live", "open")


async def write(page: Page, text: str) -> None:
    """Write a message in the open conversation and send it."""
    field = page.locator(".stream crew-composer textarea")
    await field.fill(text)
    await field.press("Enter")


def message(page: Page, text: str, within: str = ".stream") -> Locator:
    """The message with this text."""
    return page.locator(f"{within} .message").filter(has=page.locator(".content", has_text=text))
