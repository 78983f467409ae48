"""Dates and times as a person's locale writes them."""

import re

from playwright.async_api import expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors, connected

GERMAN, AMERICAN = re.compile(r"\d\d\.\d\d\.20\d\d, \d\d:\d\d"), re.compile(r"^\d\d:\d\d\s(AM|PM)$")
PLAIN = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d")


async def test_dates_and_times_are_written_as_the_viewer_s_locale_has_them(
    visitors: Visitors, server: Server, org: Org
):
    general, ada = await server.general(org), await org.add()
    path = f"/conversations/{general}/messages"
    before = (await org.owner.api.post(path, json={"content": "before"})).raise_for_status().json()
    (await org.owner.api.post(path, json={"content": "below", "parent_id": before["id"]})).raise_for_status()
    (await ada.api.patch("/me", json={"locale": "en-US"})).raise_for_status()
    page = await visitors.visit(f"/c/{general}", ada)
    times = page.locator("main .message time")
    await expect(times.first).to_have_text(AMERICAN)
    await connected(page)
    (await org.owner.api.post(path, json={"content": "after"})).raise_for_status()
    await expect(page.locator(".message").last).to_contain_text("after")
    await expect(times.last).to_have_text(AMERICAN)
    await page.get_by_role("link", name="1 reply").click()  # which the server writes, into the page as it stands
    for time in (times.first, page.locator(".thread .message time").last):
        await expect(time).to_have_text(AMERICAN)
    await page.goto("/settings")
    await page.get_by_label("Dates and times as in").fill("de")
    await page.get_by_role("button", name="Save").first.click()
    await expect(page.locator("body")).to_have_attribute("data-locale", "de")
    await expect(page.locator("main time").first).to_have_text(GERMAN)
    visitors.tolerated = ("status of 422",)
    await page.get_by_label("Dates and times as in").fill("no language")
    await page.get_by_role("button", name="Save").first.click()
    await expect(page.locator("[aria-invalid=true]")).to_have_attribute("name", "locale")
    owner = await visitors.visit("/settings", org.owner)
    await expect(owner.locator("main time").first).to_have_text(PLAIN)


async def test_what_no_browser_knows_is_written_as_ever(visitors: Visitors, server: Server, org: Org):
    (await org.owner.api.patch("/me", json={"locale": "en-a1"})).raise_for_status()
    page = await visitors.visit("/settings", org.owner)
    await expect(page.locator("body")).to_have_attribute("data-locale", "en-a1")
    await expect(page.locator("main time").first).to_have_text(PLAIN)
