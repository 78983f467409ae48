"""What opens over pages, the drawer of a phone, and the theme."""

from playwright.async_api import expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import PHONE, Visitors, connected, message, write
from tests.web.judging import check


async def test_open_menus_and_dialogs_are_usable(visitors: Visitors, server: Server, org: Org):
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    await connected(page)
    await write(page, "A question")
    target = message(page, "A question")
    await expect(target).to_have_attribute("data-status", "sent")
    await target.hover()
    await target.get_by_role("button", name="More actions").click()
    await check(page, "message menu")
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("menuitem", name="Copy text")).to_be_focused()
    await page.keyboard.press("Escape")
    await target.get_by_role("button", name="Add a reaction").click()
    await check(page, "emoji")
    await page.keyboard.press("Escape")
    await page.locator(".switcher").click()
    await check(page, "switcher")
    await page.goto("/people")
    await page.get_by_role("button", name="Invite", exact=True).click()
    await check(page, "invite")


async def test_the_sidebar_is_a_drawer_on_a_phone(visitors: Visitors, server: Server, org: Org):
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner, **PHONE)
    sidebar = page.locator("#sidebar")
    await expect(sidebar).to_be_hidden()
    await page.get_by_role("button", name="Open the menu").click()
    await expect(sidebar).to_be_visible()
    await check(page, "drawer")
    await page.keyboard.press("Escape")
    await expect(sidebar).to_be_hidden()
    await expect(page.get_by_role("button", name="Open the menu")).to_be_focused()
    await page.get_by_role("button", name="Open the menu").click()
    await sidebar.get_by_role("link", name="Agents").click()
    await expect(page.get_by_role("heading", name="Agents", level=1)).to_be_visible()
    await expect(sidebar).to_be_hidden()


async def test_the_theme_is_chosen_kept_and_rendered_by_the_server(visitors: Visitors, org: Org):
    page = await visitors.visit("/settings", org.owner, color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(paper)
    await page.get_by_role("button", name="Dark", exact=True).click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    answer = await page.request.get("/settings")
    assert 'data-theme="dark"' in await answer.text()
    await page.reload()
    assert await page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != light
    await page.get_by_role("button", name="System").click()
    await expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")


async def test_what_was_done_is_said_on_the_page_that_one_sees_next(server: Server, org: Org):
    browser, _ = await server.browse(org.owner)
    browser.base_url = server.address
    browser.headers.update({"origin": server.address, "accept": "text/html"})
    cookie = {"cookie": f"{browser.headers.get('cookie', '')}; crewhall_flash=Saved%20for%20good."}
    for not_looked_at in ({"turbo-frame": "keys-list"}, {"sec-fetch-dest": "empty"}, {"sec-purpose": "prefetch"}):
        answer = await browser.get("/settings/groups", headers=cookie | not_looked_at)
        assert "Saved for good." not in answer.text
        assert "crewhall_flash" not in answer.headers.get("set-cookie", "")
    for looked_at in ({}, {"sec-fetch-dest": "document"}, {"sec-fetch-dest": "empty", "x-turbo-request-id": "1"}):
        answer = await browser.get("/settings/groups", headers=cookie | looked_at)
        assert "Saved for good." in answer.text
        assert "crewhall_flash=" in answer.headers["set-cookie"]
