"""Turns in a browser: an answer while it is written, who will be woken, one run, why agents spoke, the forms."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.openai import Fail, Say, Use
from tests.support.waiting import until
from tests.turns_faces.scene import THINKS, Scene
from tests.web.browser import PHONE, Visitors, connected, message, write
from tests.web.judging import PHONE_DARK, check

ANSWER = "A heron, most likely: they stand still for long before they strike."


async def begun(scene: Scene, page: Page) -> tuple[asyncio.Event, dict[str, Any]]:
    """Ask in the open conversation; returns what lets the model go on, and the run."""
    hold = asyncio.Event()
    scene.model.play(Say(ANSWER, piece=20, hold=hold))
    await connected(page)
    await write(page, f"@{scene.agent.code} what bird is it?")
    await expect(page.locator(".streaming .content")).to_have_text(ANSWER[:20])
    (run,) = await scene.runs(status="running")
    return hold, run


@pytest.mark.rule("X12")
async def test_an_answer_is_seen_while_it_is_written_and_then_once(visitors: Visitors, scene: Scene):
    page = await visitors.visit(f"/c/{scene.circle}", scene.org.owner)
    other = await visitors.visit(f"/c/{scene.circle}", scene.member)
    await connected(other)
    hold, _ = await begun(scene, page)
    await expect(other.locator(".streaming .content")).to_have_text(ANSWER[:20])
    await check(page, "an answer being written")
    hold.set()
    await expect(message(page, ANSWER)).to_have_count(1)
    for one in (page, other):
        await expect(one.locator(".streaming")).to_have_count(0)
        await expect(one.locator(".messages:not(.writing) .message")).to_have_count(2)


async def test_whoever_may_write_stops_it(visitors: Visitors, scene: Scene):
    page = await visitors.visit(f"/c/{scene.circle}", scene.org.owner)
    hold, run = await begun(scene, page)
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator(".streaming")).to_have_count(0)
    hold.set()
    ended = await scene.ended()
    assert (ended["id"], ended["status"]) == (run["id"], "canceled")
    said = page.locator(".messages:not(.writing) .message")
    await expect(said).to_have_count(2)
    await expect(said.last).to_contain_text("was stopped by")


async def test_the_composer_says_who_will_be_woken(visitors: Visitors, scene: Scene):
    page = await visitors.visit(f"/c/{scene.circle}", scene.org.owner)
    field, hint = page.locator(".stream crew-composer textarea"), page.locator(".stream [data-wakes]")
    await field.fill("nobody is named")
    await expect(hint).to_be_empty()
    await field.fill(f"@{scene.agent.code} are you there?")
    await expect(hint).to_have_text("Scout will answer")
    await field.fill("")
    await expect(hint).to_be_empty()
    (await scene.owner.patch(f"/agents/{scene.agent.id}", json={"status": "maintenance"})).raise_for_status()
    await field.fill(f"@{scene.agent.code}?")
    await expect(hint).to_have_text("Scout takes no turns: it is switched off or deleted.")
    second = await scene.server.hire(scene.org, name="Clerk", model_config=THINKS)
    third = await scene.server.hire(scene.org, name="Ferry", model_config=THINKS)
    away = await scene.server.hire(scene.org, name="Robot")
    for one in (second, third, away):
        body = {"member_type": "agent", "member_id": one.id}
        (await scene.owner.post(f"/conversations/{scene.circle}/members", json=body)).raise_for_status()
    await field.fill(f"@{second.code} @{third.code} @{away.code} @{scene.agent.code}, who is there?")
    await expect(hint).to_have_text(
        "Clerk, Ferry will answer; offline, reads it later: Robot; Scout takes no turns: it is switched off or deleted."
    )
    assert (await scene.owner.get(f"/conversations/{scene.circle}/messages")).json()["items"] == []


async def test_who_answers_on_another_day_is_said_with_the_day(visitors: Visitors, scene: Scene):
    works = datetime.now(UTC) + timedelta(days=3)
    hours = {"enabled": True, "working_hours": {f"{works:%a}".lower(): "9-17"}}
    (await scene.owner.patch(f"/agents/{scene.agent.id}", json={"scheduling_config": hours})).raise_for_status()
    page = await visitors.visit(f"/c/{scene.circle}", scene.org.owner)
    await page.locator(".stream crew-composer textarea").fill(f"@{scene.agent.code} are you there?")
    hint = page.locator(".stream [data-wakes]")
    await expect(hint).to_have_text(re.compile(f"^later: Scout from {works:%Y-%m-%d} "))


async def test_in_a_direct_conversation_it_says_so_without_a_name(visitors: Visitors, scene: Scene):
    members = [{"member_type": "agent", "member_id": scene.agent.id}]
    opened = await scene.owner.post("/conversations", json={"kind": "direct", "members": members})
    page = await visitors.visit(f"/c/{opened.json()['id']}", scene.org.owner)
    await page.locator(".stream crew-composer textarea").fill("hello")
    await expect(page.locator(".stream [data-wakes]")).to_have_text("Scout will answer")


@pytest.mark.rule("X12")
async def test_a_run_is_opened_from_its_answer_and_shows_what_it_saw(visitors: Visitors, scene: Scene):
    (await scene.owner.patch(f"/agents/{scene.agent.id}", json={"tools": ["read_messages"]})).raise_for_status()
    run = await scene.asked(Use([("read_messages", {"limit": 2})], tokens=(20, 4)), Say(ANSWER, tokens=(1200, 9)))
    page = await visitors.visit(f"/c/{scene.circle}", scene.org.owner)
    answer = message(page, ANSWER)
    await answer.hover()
    await answer.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name="How it came about").click()
    await expect(page).to_have_url(f"{scene.server.address}/runs/{run['id']}")
    await expect(page.locator(".stats")).to_contain_text("1,220")
    steps = page.locator(".waterfall > li")
    await expect(steps).to_have_count(6)
    await steps.nth(1).locator("summary").click()
    await expect(steps.nth(1)).to_contain_text("The word is heron.")
    await steps.nth(3).locator("summary").click()
    await expect(steps.nth(3)).to_contain_text('"limit": 2')
    await check(page, "a run, opened")
    stranger = await visitors.visit(f"/runs/{run['id']}", scene.member)
    await expect(stranger.locator(".waterfall > li")).to_have_count(6)
    await expect(stranger.locator("main summary")).to_have_count(0)
    assert "The word is heron" not in await stranger.content()


@pytest.mark.rule("C3")
async def test_a_stranger_finds_no_page(visitors: Visitors, scene: Scene):
    run = await scene.asked()
    visitors.tolerated = ("404",)
    for path in (f"/runs/{run['id']}", f"/c/{scene.circle}/decisions", f"/runs?conversation={scene.circle}"):
        page = await visitors.visit(path, scene.stranger)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert "Scout" not in await page.locator("main").inner_text(), path
    guest = await visitors.visit(f"/runs/{run['id']}")
    await expect(guest).to_have_url(f"{scene.server.address}/login?next=%2Fruns%2F{run['id']}")


async def test_a_run_under_way_is_followed_and_stopped_on_its_page(visitors: Visitors, scene: Scene):
    page = await visitors.visit(f"/c/{scene.circle}", scene.org.owner)
    hold, run = await begun(scene, page)
    watching = await visitors.visit(f"/runs/{run['id']}", scene.member)
    await connected(watching)
    await watching.get_by_role("button", name="Stop").click()
    await expect(watching.locator(".page-head .badge")).to_have_text("canceled")
    hold.set()
    await scene.ended()


@pytest.mark.rule("C2")
async def test_why_an_agent_spoke_and_why_not_stands_with_the_message(visitors: Visitors, scene: Scene):
    await scene.asked()
    (await scene.owner.patch(f"/agents/{scene.agent.id}", json={"status": "inactive"})).raise_for_status()
    silent = await scene.say(f"@{scene.agent.code}, once more?")
    await until(lambda: scene.decisions(message=silent["id"]))
    page = await visitors.visit(f"/c/{scene.circle}", scene.member)
    asked = message(page, "once more?")
    await asked.hover()
    await asked.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name="Who was woken").click()
    await expect(page.locator(".verdict")).to_have_count(1)
    await expect(page.locator(".verdict")).to_contain_text("takes no turns")
    (await scene.owner.patch(f"/agents/{scene.agent.id}", json={"status": "active"})).raise_for_status()
    scene.model.play(Say("Asked again, I say heron."))
    await page.get_by_label("Who").select_option(label=f"Scout (@{scene.agent.code})")
    await page.get_by_role("button", name="Run now").click()
    await expect(message(page, "Asked again, I say heron.")).to_be_visible()
    await page.goto(f"/c/{scene.circle}/decisions?message={silent['id']}")
    await expect(page.locator(".verdict")).to_have_count(2)
    await page.get_by_role("link", name="Show all").click()
    await expect(page.locator(".verdict")).to_have_count(3)
    await page.get_by_role("link", name="the turn").first.click()
    await expect(page.get_by_role("heading", name="A turn of Scout")).to_be_visible()


async def test_the_forms_set_model_tools_hours_and_policy(visitors: Visitors, scene: Scene):
    visitors.tolerated = ("422",)
    page = await visitors.visit(f"/agents/{scene.agent.id}", scene.org.owner)
    form = page.locator("form[action$='/thinking']")
    await form.get_by_label("Provider").fill("crewhall")
    await form.get_by_label("Model").fill("")
    await form.get_by_role("button").click()
    await expect(form.locator(".error")).to_have_text(
        "A provider and a model belong together; leave both empty for a program of yours."
    )
    await form.get_by_label("Model").fill("guide")
    await form.get_by_label("Temperature").fill("0.4")
    await form.get_by_label("read_messages").check()
    await form.get_by_label("Keeps working hours").check()
    await form.get_by_label("Hours", exact=True).fill("mon 9-17, fri 9-15")
    await form.get_by_label("Timezone").fill("Europe/Berlin")
    await form.get_by_role("button").click()
    await expect(page.locator(".toast")).to_have_text("Saved.")
    agent = (await scene.owner.get(f"/agents/{scene.agent.id}")).json()
    assert agent["model_config"] == {"provider": "crewhall", "model": "guide", "temperature": 0.4}
    assert agent["tools"] == ["read_messages"]
    assert agent["scheduling_config"] == {
        "enabled": True, "timezone": "Europe/Berlin", "working_hours": {"mon": "9-17", "fri": "9-15"},
    }  # fmt: skip
    await expect(form.get_by_label("Hours", exact=True)).to_have_value("mon 9-17, fri 9-15")
    await page.goto(f"/c/{scene.circle}/about")
    policy = page.locator("form[action$='/policy']")
    await policy.get_by_label("Answer unasked").check()
    await policy.get_by_label("Answer each other").uncheck()
    await policy.get_by_label("Rounds", exact=True).fill("5")
    await policy.get_by_role("button").click()
    await expect(page.locator(".toast")).to_have_text("Saved.")
    shown = (await scene.owner.get(f"/conversations/{scene.circle}")).json()["agent_policy"]
    assert shown == {
        "auto_trigger": True, "multi_agent_enabled": False, "max_agent_rounds": 5, "agent_cooldown_seconds": 15,
    }  # fmt: skip


async def test_nothing_serious_on_pages_of_turns_that_have_much_to_show(visitors: Visitors, scene: Scene):
    run = await scene.asked(Use([("nothing", {})]), Say("word" * 200))
    failed = await scene.asked(Fail(401))
    page = await (await visitors.context(scene.org.owner, **PHONE_DARK)).new_page()
    for path in ("/runs", f"/runs/{run['id']}", f"/runs/{failed['id']}", f"/c/{scene.circle}/about"):
        await page.goto(path)
        await expect(page.locator("h1").first).to_be_visible()
        for one in await page.locator(".waterfall details").all():
            await one.locator("summary").click()
        await check(page, path)


async def test_the_hint_fits_a_phone(visitors: Visitors, scene: Scene):
    page = await visitors.visit(f"/c/{scene.circle}", scene.org.owner, **PHONE)
    await page.locator(".stream crew-composer textarea").fill(f"@{scene.agent.code} hi")
    await expect(page.locator(".stream [data-wakes]")).to_be_visible()
    await check(page, "the hint")
