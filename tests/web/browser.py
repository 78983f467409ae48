"""People in real browsers: each visitor is a browser context of its own, and every page is watched for errors."""

import asyncio
import os
import shutil
from typing import Any
from weakref import WeakKeyDictionary

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, ViewportSize, WebError, expect
from playwright.async_api import Error as PlaywrightError

from tests.identity.hall import Member
from tests.support.server import Server
from tests.support.waiting import PATIENCE

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--renderer-process-limit=1",  # of each visitor, and none in reserve: starting those took as long as many a page
]  # fmt: skip
CLOSE_S = 20.0
NOWHERE = "/health/live"
"""A page of the server from which nothing follows."""
_KEPT: WeakKeyDictionary[Browser, dict[str, list[BrowserContext]]] = WeakKeyDictionary()
"""The contexts that nobody uses at the moment, by their options."""
REPLACED = "signal is aborted without reason"
"""What the browser says when Turbo gives up reading a page because a newer one was asked for: no fault of the page."""
DESK = {"width": 1280, "height": 720}
PHONE = {"viewport": {"width": 375, "height": 760}, "has_touch": True, "is_mobile": True}


def find_chromium() -> str | None:
    """The Chromium that the test command found, else one on the path."""
    names = ("chromium-headless-shell", "chromium", "google-chrome")
    return os.environ.get("CREWHALL_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


class Visitors:
    """Opens pages of the server for people and for guests, and remembers what the browser complained about."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self._browser = browser
        self._server = server
        self._contexts: list[tuple[dict[str, Any], bool, BrowserContext]] = []
        self.complaints: list[str] = []
        self.tolerated: tuple[str, ...] = ()

    async def visit(self, path: str, member: Member | None = None, **options: Any) -> Page:
        """Open a path as a signed-in person, or as a guest."""
        context = await self.context(member, **options)
        page = context.pages[0] if context.pages else await context.new_page()
        await page.goto(path)
        return page

    async def context(self, member: Member | None = None, *, once: bool = False, **options: Any) -> BrowserContext:
        """A browser of its own. `once`: nobody else is given it, what is done to its clock or sockets would stay."""
        settings = {"base_url": self._server.address, "timezone_id": "UTC", "viewport": DESK, **options}
        kept = _kept(self._browser, settings)
        context = kept.pop() if kept and not once else await self._browser.new_context(**settings)
        self._contexts.append((settings, once, context))
        context.set_default_timeout(20_000 * PATIENCE)
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        if member is not None:
            _, session = await self._server.browse(member)
            await context.add_cookies([{"name": "crewhall_session", "value": session, "url": settings["base_url"]}])
        return context

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(known in message.text for known in self.tolerated):
            self.complaints.append(message.text)

    def _on_error(self, raised: WebError) -> None:
        if str(raised.error) != REPLACED:
            self.complaints.append(str(raised.error))

    async def close(self) -> None:
        """Close what they have open. A browser that is gone answers nothing, and the test has no time-out left."""
        async with asyncio.timeout(CLOSE_S):
            for settings, once, context in self._contexts:
                context.remove_listener("console", self._on_console)
                context.remove_listener("weberror", self._on_error)
                if not once and await _is_emptied(context, settings["viewport"]):
                    _kept(self._browser, settings).append(context)
                else:
                    await context.close()


def _kept(browser: Browser, settings: dict[str, Any]) -> list[BrowserContext]:
    """The contexts with these settings that nobody uses at the moment."""
    return _KEPT.setdefault(browser, {}).setdefault(repr(sorted(settings.items())), [])


async def _is_emptied(context: BrowserContext, size: ViewportSize) -> bool:
    """Leave nothing of its visitor in a context, for the next one: a new one costs as much as a visit, and so does a
    new page, which begins without the process and the scripts of the last."""
    if not context.pages:
        return False
    page, *others = context.pages
    try:
        for other in others:
            await other.close()
        await page.unroute_all()
        await context.unroute_all()
        await context.set_offline(offline=False)
        await page.mouse.move(0, 0)
        await page.set_viewport_size(size)
        await page.goto(NOWHERE)
        await page.evaluate("localStorage.clear(), sessionStorage.clear()")
        await context.clear_cookies()
        await context.clear_permissions()
    except PlaywrightError:
        return False
    return True


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
