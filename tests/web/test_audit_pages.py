"""#audit and the audit log as owners and admins see them, and as others do not."""

import re

import pytest
from playwright.async_api import expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import PHONE, Visitors, connected, message

CHANNEL = re.compile(r"^audit\b")
"""Its link in the sidebar; how much is unread there follows."""


@pytest.mark.rule("E3", "C10")
async def test_an_act_is_told_in_the_channel_while_one_looks(visitors: Visitors, server: Server, org: Org):
    page = await visitors.visit("/", org.owner)
    await page.locator(".sidebar").get_by_role("link", name=CHANNEL).click()
    await connected(page)
    await expect(page.locator(".stream crew-composer")).to_have_text("Only Crewhall itself writes here.")
    agent = await server.hire(org, "scout")
    told = message(page, "Ada Lovelace created a key for agent scout.")
    await expect(told).to_be_visible()
    await expect(page.locator(".stream .message").filter(has_text=agent.key)).to_have_count(0)
    await told.hover()
    await expect(told.get_by_role("button", name="Add a reaction")).to_be_hidden()
    await expect(told.get_by_role("link", name="Reply in a thread")).to_be_hidden()
    await told.get_by_role("button", name="More actions").click()
    await expect(page.get_by_role("menuitem", name="Copy link")).to_be_visible()
    for name in ("Pin", "Edit", "Delete"):
        await expect(page.get_by_role("menuitem", name=name)).to_be_hidden()


@pytest.mark.rule("E3")
async def test_a_member_sees_no_such_channel(visitors: Visitors, org: Org):
    visitors.tolerated = ("403", "404")
    owner = await visitors.visit("/", org.owner)
    path = await owner.locator(".sidebar").get_by_role("link", name=CHANNEL).get_attribute("href")
    assert path is not None
    page = await visitors.visit("/", await org.add())
    await expect(page.locator(".sidebar").get_by_role("link", name=CHANNEL)).to_have_count(0)
    for closed in (path, "/audit"):
        await page.goto(closed)
        await expect(page.get_by_text("created #general")).to_have_count(0)
        await expect(page.locator("main, body").first).to_contain_text("Only" if closed == "/audit" else "no such")


async def test_the_log_is_read_on_a_phone(visitors: Visitors, org: Org):
    email = "somebody.with.a.very.long.address@department.subsidiary.example.org"
    (await org.owner.api.post("/invitations", json={"email": email})).raise_for_status()
    page = await visitors.visit("/audit", org.owner, **PHONE)
    act = page.get_by_role("listitem").filter(has_text=f"Ada Lovelace invited {email} as member")
    await act.locator("summary").click()
    await expect(act.locator(".facts")).to_contain_text(email)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await act.get_by_role("link", name="member.invited").click()
    await expect(page.get_by_role("list", name="Audit log").get_by_role("listitem")).to_have_count(1)
    await page.get_by_role("link", name="Show everything").click()
    await expect(page.get_by_text("created #general")).to_be_visible()
