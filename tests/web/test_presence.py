"""Whether an agent is there: dots and words, wherever a page shows it, as it comes and goes."""

import re

import pytest
from playwright.async_api import expect

from crewhall.agents.lifecycle import AgentParts
from crewhall.sdk import Client
from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors, connected

LOCAL = """moment => new Date(moment).toLocaleTimeString(
    "en-GB", { timeZone: "Asia/Tokyo", hour: "2-digit", minute: "2-digit" })"""


@pytest.mark.rule("E2")
async def test_an_agent_is_seen_coming_and_going(
    visitors: Visitors, server: Server, org: Org, monkeypatch: pytest.MonkeyPatch
):
    hired = await server.hire(org, "scout", name="Scout")
    opened = await org.owner.api.post(
        "/conversations", json={"kind": "direct", "members": [{"member_type": "agent", "member_id": hired.id}]}
    )
    direct = opened.raise_for_status().json()["id"]
    paths = ("/agents", f"/agents/{hired.id}", f"/c/{direct}")
    pages = [await visitors.visit(path, org.owner) for path in paths]
    for page in pages:
        await connected(page)
        await expect(page.locator("main .seen")).to_have_text("never connected")
    fresh = await server.channel(org.owner)
    for page in pages:  # the sidebar comes anew, and says no more of it than it did
        await expect(page.locator(f"#sidebar [data-conversation='{fresh}']")).to_have_count(1)
        await expect(page.locator("main .seen")).to_have_text("never connected")
    # Silence counts sooner than the 90 seconds of every day.
    monkeypatch.setattr(server.services.part(AgentParts).presence, "timeout_s", 1.0)
    async with Client(server.address, token=hired.key) as client, client.live():
        for page in pages:
            await expect(page.locator("main .seen")).to_have_text("online")
            await expect(page.locator("main [data-presence-of]").first).to_have_attribute("data-presence", "online")
    for page in pages:
        await expect(page.locator("main .seen")).to_have_text(re.compile(r"^last seen \d{4}-\d\d-\d\d \d\d:\d\d$"))
        await expect(page.locator("main [data-presence-of]").first).to_have_attribute("data-presence", "offline")
    await pages[0].reload()
    await expect(pages[0].locator("main .seen")).to_have_text(re.compile("^last seen"))


async def test_times_stand_in_the_zone_of_whoever_looks(visitors: Visitors, org: Org):
    page = await visitors.visit("/settings", org.owner, timezone_id="Asia/Tokyo")
    # The first page learns the zone from the browser, the next one is rendered in it.
    for _ in ("localised", "rendered"):
        shown = page.locator("time").first
        moment = await shown.get_attribute("datetime")
        local = await page.evaluate(LOCAL, moment)
        await expect(shown).to_have_text(re.compile(f" {local}$"))
        await page.reload()
