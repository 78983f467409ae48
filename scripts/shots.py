"""Takes the pictures of docs/images (`make shots`): every page of a furnished installation, and some on a phone.

Arguments are words of routes: only pages whose name has one of them are taken (`make shots ARGS="agents inbox"`).
"""

import io
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import uvloop
from PIL import Image
from playwright.async_api import Browser, BrowserContext, async_playwright

from tests.identity.hall import PASSWORD, Member
from tests.support.database import SharedCluster, shared_cluster
from tests.support.furnished import Company, addresses, furnish
from tests.support.furnished.places import GUESTS, ON_A_PHONE, picture_of
from tests.support.openai import ScriptedModel
from tests.support.server import Server
from tests.support.waiting import until
from tests.web.browser import FLAGS, PHONE, find_chromium

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"}
SMALL: dict[str, Any] = {**PHONE, "device_scale_factor": 2, "color_scheme": "dark"}
QUALITY = 82


async def take(browser: Browser, cluster: SharedCluster, words: list[str]) -> None:
    """Furnish an installation, and take a picture of each page that is meant."""
    async with ScriptedModel() as model:
        os.environ["CREWHALL_MODEL_ENDPOINTS"] = f"scripted={model.url}"
        async with Server(cluster.clone("shots")) as server:
            start = _path_of(server.setup_link or "/setup")
            await _picture(browser, server, None, WIDE, {"/setup": start}, words)
            await _set_up(server, start)
            company = await furnish(server, model, "larkfield.example")
            everywhere = addresses(company) | {"/password-reset": await _reset(company)}
            guests = {route: path for route, path in everywhere.items() if route in GUESTS - {"/setup"}}
            inside = {route: path for route, path in everywhere.items() if route not in GUESTS}
            small = {route: path for route, path in everywhere.items() if route in ON_A_PHONE}
            await _picture(browser, server, None, WIDE, guests, words)
            await _picture(browser, server, company.org.owner, WIDE, inside, words)
            await _picture(browser, server, company.org.owner, SMALL, small, words, "-phone")


async def _picture(
    browser: Browser,
    server: Server,
    member: Member | None,
    look: dict[str, Any],
    paths: dict[str, str],
    words: list[str],
    suffix: str = "",
) -> None:
    """Take the picture of each page, as somebody sees it."""
    async with _visit(browser, server, member, look) as context:
        page = await context.new_page()
        for route, path in paths.items():
            name = picture_of(route) + suffix
            if words and not any(word in name for word in words):
                continue
            await page.goto(path, wait_until="networkidle")
            taken = await page.screenshot(animations="disabled")
            Image.open(io.BytesIO(taken)).convert("RGB").save(IMAGES / f"{name}.webp", quality=QUALITY, method=6)
            print(f"{name}.webp", flush=True)


@asynccontextmanager
async def _visit(
    browser: Browser, server: Server, member: Member | None, look: dict[str, Any]
) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(base_url=server.address, timezone_id="UTC", locale="en", **look)
    if member is not None:
        _, session = await server.browse(member)
        await context.add_cookies([{"name": "crewhall_session", "value": session, "url": server.address}])
    yield context
    await context.close()


async def _set_up(server: Server, start: str) -> None:
    """Open the installation, as its first owner does: there are templates of agents then."""
    first = {"email": "ada@first.example", "password": PASSWORD, "name": "Ada", "organization": "First"}
    token = start.partition("token=")[2]
    (await server.client().post("/auth/setup", json={"token": token, **first})).raise_for_status()


async def _reset(company: Company) -> str:
    """Where the mail leads that resets a password."""
    server, email = company.server, company.org.owner.email
    (await server.client().post("/auth/password-reset", json={"email": email})).raise_for_status()

    async def link() -> str:
        mails = getattr(server.services.mailer, "sent", ())
        words = [word for sent in mails if sent.mail.to == email for word in sent.mail.body.split()]
        return next((word for word in words if "/password-reset?" in word), "")

    return _path_of(await until(link))


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


async def _main(cluster: SharedCluster, chromium: str, words: list[str]) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        await take(browser, cluster, words)
        await browser.close()


def main() -> int:
    """Take them; without a Chromium there are none."""
    chromium = find_chromium()
    if chromium is None:
        print("Chromium is missing: set CREWHALL_CHROMIUM to its path.")
        return 1
    logging.disable(logging.WARNING)
    IMAGES.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="crewhall-shots-") as folder:
        Path(folder).chmod(0o755)
        cluster = shared_cluster(Path(folder))
        try:
            uvloop.run(_main(cluster, chromium, sys.argv[1:]))
        finally:
            cluster.release()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
