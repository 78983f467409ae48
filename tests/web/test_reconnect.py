"""The server goes and comes back: the page says so, resumes, and misses nothing."""

import asyncio
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.identity.hall import PASSWORD, Org
from tests.support.server import Server
from tests.support.site import OWNER, Site
from tests.support.waiting import in_time
from tests.web.browser import Visitors, connected, message, write


@pytest.mark.rule("X2")
@pytest.mark.timeout(120)
@pytest.mark.slow
async def test_a_page_outlives_a_restart_of_the_server(browser: Browser, tmp_path: Path):
    site = Site(tmp_path / "home")
    try:
        await site.server.start()
        context = await browser.new_context(base_url=site.server.url, timezone_id="UTC")
        page = await context.new_page()
        await page.goto("/login")
        await page.get_by_label("Email").fill(OWNER)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await connected(page)
        await write(page, "before")
        await expect(message(page, "before")).to_have_attribute("data-status", "sent")

        await site.server.kill()
        await expect(page.get_by_text("The connection is away")).to_be_visible()
        await write(page, "meanwhile")
        await expect(message(page, "meanwhile")).to_have_attribute("data-status", "failed")

        beside = site.beside()
        await beside.start()
        token = await _sign_in(beside.url)
        general = page.url.rsplit("/", 1)[1]
        await _post(beside.url, token, general, "written elsewhere")
        await site.server.start()
        await page.evaluate("window.dispatchEvent(new Event('online'))")  # so that no wait between tries is sat out
        await expect(page.locator("html")).to_have_attribute("data-live", "open")
        await expect(page.get_by_text("The connection is away")).to_be_hidden()
        await expect(message(page, "written elsewhere")).to_be_visible()
        await expect(message(page, "meanwhile")).to_have_attribute("data-status", "sent")
        shown = await _texts(page)
        assert sorted(shown) == ["before", "meanwhile", "written elsewhere"]
        await page.reload()
        assert await _texts(page) == shown
        await context.close()
    finally:
        await site.close()


async def _texts(page: Page) -> list[str]:
    await expect(page.locator(".stream .message")).to_have_count(3)
    return [text.strip() for text in await page.locator(".stream .message .content").all_inner_texts()]


async def _sign_in(url: str) -> str:
    async with httpx.AsyncClient(base_url=url, verify=False) as api:
        answer = await api.post("/api/v1/auth/login", json={"email": OWNER, "password": PASSWORD})
    return str(answer.raise_for_status().json()["access_token"])


async def _post(url: str, token: str, conversation: str, content: str) -> None:
    async with httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {token}"}, verify=False) as api:
        answer = await api.post(f"/api/v1/conversations/{conversation}/messages", json={"content": content})
    answer.raise_for_status()


async def test_a_person_signed_out_elsewhere_is_led_to_the_door(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("WebSocket", "401")
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    await connected(page)
    (await org.owner.api.post("/auth/logout-everywhere")).raise_for_status()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.rule("X1")
async def test_what_was_not_confirmed_is_sent_after_a_reload(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("net::ERR",)
    where = await server.general(org)
    page = await visitors.visit(f"/c/{where}", org.owner)
    await connected(page)
    await page.route("**/api/v1/conversations/*/messages", lambda route: route.abort())
    for text in ("never arrived", "neither did this"):
        await write(page, text)
        await expect(message(page, text)).to_have_attribute("data-status", "failed")
    await expect(message(page, "never arrived")).to_have_count(1)
    await message(page, "neither did this").get_by_role("button", name="Discard").click()
    await expect(message(page, "neither did this")).to_have_count(0)
    await page.unroute("**/api/v1/conversations/*/messages")
    await page.reload()
    await expect(message(page, "never arrived")).to_have_attribute("data-status", "sent")
    posted = [item["content"] for item in (await org.owner.api.get(f"/conversations/{where}/messages")).json()["items"]]
    assert posted == ["never arrived"]
    assert await _unsent(page) == []


@pytest.mark.rule("X1")
async def test_a_message_whose_answer_was_lost_stands_once(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("net::ERR",)
    where = await server.general(org)
    page = await visitors.visit(f"/c/{where}", org.owner)
    await connected(page)

    async def lose_the_answer(route: Route) -> None:
        await route.fetch()
        await expect(message(page, "unheard")).to_have_attribute("data-status", "sent")
        await route.abort()
        lost.set()

    lost = asyncio.Event()
    await page.route("**/api/v1/conversations/*/messages", lose_the_answer)
    await write(page, "unheard")
    await in_time(lost.wait(), 10)
    await page.unroute("**/api/v1/conversations/*/messages")
    await write(page, "the next")
    await expect(message(page, "the next")).to_have_attribute("data-status", "sent")
    await expect(message(page, "unheard")).to_have_attribute("data-status", "sent")
    assert await _unsent(page) == []


async def _unsent(page: Page) -> list[str]:
    found: list[str] = await page.evaluate("Object.keys(sessionStorage).filter(key => key.includes('unsent'))")
    return found


async def test_a_page_out_of_reach_leaves_the_one_that_is_here(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("net::ERR",)
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    await connected(page)
    here = page.url
    await page.route("**/people", lambda route: route.abort())
    await page.get_by_role("link", name="People").click()
    await expect(page.get_by_text("There is no connection to the server.")).to_be_visible()
    await expect(page).to_have_url(here)
    await page.unroute("**/people")
    await page.get_by_role("link", name="People").click()
    await expect(page.get_by_role("heading", name="People")).to_be_visible()
    visitors.complaints = [told for told in visitors.complaints if "Failed to fetch" not in told]
