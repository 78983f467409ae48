"""What a page says about a conversation fits its kind."""

import pytest
from playwright.async_api import expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors, message


async def test_each_kind_begins_in_its_own_words(visitors: Visitors, server: Server, org: Org):
    grace = await org.add()
    agent = await server.hire(org, "scout", name="Scout")

    async def opened(**body: object) -> str:
        return str((await org.owner.api.post("/conversations", json=body)).raise_for_status().json()["id"])

    person = await opened(kind="direct", members=[{"member_type": "user", "member_id": str(grace.id)}])
    scout = await opened(kind="direct", members=[{"member_type": "agent", "member_id": agent.id}])
    group = await opened(kind="group", title="Launch week", members=[{"member_type": "agent", "member_id": agent.id}])
    channel = await server.channel(org.owner, name="plans")
    page = await visitors.visit("/c", org.owner)
    for where, heading, hint, field in (
        (person, "Your conversation with Ada Lovelace begins here", "between the two of you.", "Write to Ada Lovelace"),
        (scout, "Your conversation with Scout begins here", "answers without being mentioned", "Write to Scout"),
        (group, "The group “Launch week” begins here", "Only its members", "Write in Launch week"),
        (channel, "This is where #plans begins", "may read along", "Write in #plans"),
    ):
        await page.goto(f"/c/{where}")
        await expect(page.get_by_role("heading", name=heading)).to_be_visible()
        await expect(page.locator(".beginning")).to_contain_text(hint)
        await expect(page.get_by_placeholder(field)).to_be_visible()
    await page.goto(f"/c/{scout}/about")
    await expect(page.get_by_role("heading", name="You and Scout")).to_be_visible()


async def test_the_first_channel_leads_to_the_first_agent(visitors: Visitors, server: Server, org: Org):
    general = await server.general(org)
    page = await visitors.visit(f"/c/{general}", org.owner)
    other = await visitors.visit(f"/c/{general}", await org.add())
    await expect(other.get_by_role("heading", name="This is where #general begins")).to_be_visible()
    await expect(other.get_by_role("link", name="Make an agent")).to_have_count(0)
    await page.get_by_role("link", name="Make an agent").click()
    await expect(page.get_by_role("heading", name="New agent")).to_be_visible()
    await server.hire(org, "scout", name="Scout")
    await page.goto(f"/c/{general}")
    await expect(page.locator(".beginning")).to_contain_text("Write the first message")
    (await org.owner.api.post(f"/conversations/{general}/messages", json={"content": "hello"})).raise_for_status()
    await page.goto(f"/c/{general}")
    await expect(page.get_by_role("heading", name="This is where #general begins")).to_be_visible()
    await expect(page.get_by_role("link", name="Make an agent")).to_have_count(0)


@pytest.mark.rule("E4")
async def test_an_alert_never_hides_under_the_message_before_it(visitors: Visitors, server: Server, org: Org):
    where = await server.channel(org.owner)
    page = await visitors.visit(f"/c/{where}", org.owner)
    for kind, content in (("metric", "three of four"), ("alert", "all is red"), ("alert", "still red")):
        posted = await org.owner.api.post(f"/conversations/{where}/messages", json={"content": content, "kind": kind})
        posted.raise_for_status()
    for _ in ("live", "loaded"):
        await expect(message(page, "all is red").locator(".kind")).to_be_visible()
        await expect(message(page, "all is red").locator(".kind")).to_have_text("Alert")
        await expect(message(page, "still red")).to_have_attribute("data-grouped", "1")
        await page.reload()
