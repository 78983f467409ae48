"""Agents on pages: made, given a key that is shown once, connected, talked to, deleted."""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import expect

from crewhall.sdk import Agent, IncomingMessage
from tests.architecture.source import ROOT
from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors, connected, message, write


async def test_an_agent_is_made_and_its_key_is_shown_once(visitors: Visitors, server: Server, org: Org):
    page = await visitors.visit("/agents", org.owner)
    await page.get_by_role("link", name="Make the first agent").click()
    await page.get_by_label("Name", exact=True).fill("Scout")
    await page.get_by_label("Mentioned as").fill("Not A Code")
    visitors.tolerated = ("422",)
    await page.get_by_role("button", name="Make the agent").click()
    await expect(page.locator("#error-code")).to_be_visible()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Scout")
    await page.get_by_label("Mentioned as").fill("scout")
    await page.get_by_role("button", name="Make the agent").click()
    await expect(page.get_by_text("No key yet")).to_be_visible()

    await page.get_by_label("Label of the new key").fill("laptop")
    await page.get_by_role("button", name="New key").click()
    key = await page.get_by_label("Agent key").input_value()
    assert re.fullmatch(r"cwk_\S{40,}", key)
    await expect(page.get_by_label("How to start it")).to_contain_text(f"export CREWHALL_AGENT_KEY={key}")
    await expect(page.get_by_label("How to start it")).to_contain_text(f"export CREWHALL_URL={server.address}")
    await expect(page.get_by_label("Example program")).not_to_contain_text("cwk_")
    assert (await server.client(key).get("/me")).json()["agent"]["code"] == "scout"

    await page.goto(page.url)
    await expect(page.get_by_label("Agent key")).to_have_count(0)
    await expect(page.get_by_role("row").filter(has_text="laptop")).to_contain_text(key[:12])
    await page.get_by_role("button", name="Rotate").click()
    assert (await page.get_by_label("Agent key").input_value()) != key
    await page.goto(re.sub(r"/credentials.*", "", page.url))
    await page.get_by_role("row").filter(has_text="laptop").get_by_role("button", name="Revoke").first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await expect(page.get_by_text("The key is revoked.")).to_be_visible()


async def test_the_page_shows_the_program_of_the_readme_and_it_answers(
    visitors: Visitors, server: Server, org: Org, monkeypatch: pytest.MonkeyPatch
):
    """What the page says is run as it stands, but for `run`, which would take over the process."""
    hired = await server.hire(org, "echo", name="Echo")
    page = await visitors.visit(f"/agents/{hired.id}", org.owner)
    program = (await page.get_by_label("Example program").text_content() or "").strip()
    for text in ("README.md", "docs/agents.md"):
        assert program in (ROOT / text).read_text()
    monkeypatch.setenv("CREWHALL_URL", server.address)
    monkeypatch.setenv("CREWHALL_AGENT_KEY", hired.key)
    named: dict[str, Any] = {}
    exec(program.removesuffix("agent.run()"), named)
    await page.goto(f"/c/{await server.general(org)}")
    await connected(page)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(named["agent"].serve(stop))
        await write(page, "@echo hello")
        answer = page.locator(".stream .message[data-author-type='agent'] .content")
        await expect(answer).to_have_text("You said: hello")
        stop.set()


async def test_a_person_and_a_connected_agent_talk(visitors: Visitors, server: Server, org: Org):
    hired = await server.hire(org, "echo", name="Echo")
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    await connected(page)
    dot = page.locator(f"crew-sidebar [data-presence-of='{hired.id}']")
    await expect(dot).to_have_attribute("data-presence", "offline")
    agent = Agent(server.address, key=hired.key)

    @agent.on_mention
    async def answer(said: IncomingMessage) -> None:
        await said.reply("**heard** you")

    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(agent.serve(stop))
        await expect(dot).to_have_attribute("data-presence", "online")
        await write(page, "@echo hello")
        heard = message(page, "heard you")
        await expect(heard.locator("strong")).to_have_text("heard")
        await expect(heard.locator(".author")).to_have_text("Echo")
        await expect(heard.locator(".tag").first).to_have_text("agent")
        stop.set()


async def test_a_persona_is_changed_and_an_agent_deleted(visitors: Visitors, server: Server, org: Org):
    hired = await server.hire(org, "scout", name="Scout")
    page = await visitors.visit(f"/agents/{hired.id}", org.owner)
    await page.get_by_label("Name", exact=True).fill("Ranger")
    await page.get_by_label("Instructions").fill("Be brief.")
    await page.get_by_label("Capabilities").fill("maps, weather")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="Ranger", level=1)).to_be_visible()
    shown = (await org.owner.api.get(f"/agents/{hired.id}")).json()
    assert (shown["instructions"], shown["capabilities"]) == ("Be brief.", ["maps", "weather"])
    await page.get_by_role("button", name="Write").click()
    await expect(page.get_by_role("heading", name="Ranger", level=1)).to_be_visible()
    await page.goto(f"/agents/{hired.id}")
    await page.get_by_role("button", name="Delete", exact=True).first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("No agents yet")).to_be_visible()


async def test_a_member_may_look_but_not_change(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("403",)
    hired = await server.hire(org, "scout", name="Scout")
    page = await visitors.visit(f"/agents/{hired.id}", await org.add())
    await expect(page.get_by_role("heading", name="Scout")).to_be_visible()
    await expect(page.get_by_role("button", name="Save")).to_have_count(0)
    await expect(page.get_by_role("heading", name="Keys")).to_have_count(0)
    await page.goto("/agents/new")
    await expect(page.get_by_role("heading", name="Not allowed")).to_be_visible()
