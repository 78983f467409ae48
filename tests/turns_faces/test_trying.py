"""Trying an agent out: the answer is heard while it comes, counted, and posted nowhere."""

import asyncio
import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.async_api import expect

from crewhall.kernel.actor import system_actor
from crewhall.runtime.schemas import TryRequest
from crewhall.runtime.trying import Trial, Trials
from crewhall.sdk import Client
from tests.cli.conftest import QuickCli
from tests.support.openai import Fail, Say
from tests.support.server import token_of
from tests.support.waiting import until
from tests.turns_faces.scene import THINKS, Scene
from tests.web.browser import Visitors
from tests.web.judging import check


async def tried(scene: Scene, api: httpx.AsyncClient | None = None, **asked: Any) -> list[dict[str, Any]]:
    """What happened while the agent was tried out."""
    body = {"prompt": "What is it?", **asked}
    answer = (await (api or scene.owner).post(f"/agents/{scene.agent.id}/try", json=body)).raise_for_status()
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]


@pytest.mark.rule("C9", "C12")
async def test_an_agent_is_tried_out_with_what_is_not_saved_and_nothing_is_posted(scene: Scene):
    scene.model.play(Say("A heron.", tokens=(30, 5)))
    price = {"provider": "scripted", "model": "*", "input_price": "1000", "output_price": "2000"}
    (await scene.owner.post("/prices", json=price)).raise_for_status()
    config = THINKS | {"temperature": 0.9}
    began, *words, done = await tried(scene, instructions="Speak of birds.", model_config=config)
    assert (began["type"], began["model"]) == ("began", "scripted:scripted-1")
    assert "".join(one["text"] for one in words) == done["text"] == "A heron."
    assert (done["input_tokens"], done["output_tokens"], done["cost"], done["currency"]) == (30, 5, "0.040000", "USD")
    (sent,) = scene.model.requests
    assert sent["temperature"] == 0.9
    assert "Speak of birds." in str(sent["messages"][0])
    assert "Be terse." not in str(sent["messages"])
    assert "tools" not in sent
    assert "What is it?" in str(sent["messages"][-1])
    saved = (await scene.owner.get(f"/agents/{scene.agent.id}")).json()
    assert (saved["instructions"], saved["model_config"]) == ("Be terse. The word is heron.", THINKS)
    assert await scene.runs() == []
    for place in (scene.circle, saved["inbox_id"]):
        async with scene.server.db.transaction(scene.org.owner.actor) as tx:
            count = "select count(*) from message_records where conversation_id = %(id)s"
            assert await tx.value(count, {"id": place}) == 0
    usage = (await scene.owner.get("/usage", params={"agent": scene.agent.id})).json()
    assert "0.04" in json.dumps(usage)


@pytest.mark.rule("C9")
async def test_a_budget_that_is_used_up_and_a_missing_key_are_said_in_words(scene: Scene, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    *_, failed = await tried(scene, model_config={"provider": "openai", "model": "gpt-4o"})
    assert (failed["type"], failed["reason"]) == ("failed", "model_unavailable")
    assert failed["detail"] == "There is no key for openai: set CREWHALL_OPENAI_API_KEY on the server."
    scene.model.play(Fail(401, {"message": "no such key", "type": "auth", "code": "invalid_api_key"}))
    *_, failed = await tried(scene)
    assert failed["detail"].startswith("scripted refused our key.")
    budget = {"agent_id": scene.agent.id, "period": "total", "strictness": "hard", "run_limit": 2}
    (await scene.owner.post("/budgets", json=budget)).raise_for_status()
    scene.model.play()
    *_, failed = await tried(scene)
    assert failed["reason"] == "budget"
    assert scene.model.requests == []


@pytest.mark.rule("E1", "B1")
async def test_only_who_manages_the_agent_tries_it_out(scene: Scene):
    other = await scene.server.make_org("Other")
    path, body = f"/agents/{scene.agent.id}/try", {"prompt": "Hello?"}
    scene.model.play()
    agents = (scene.member.api, 403), (scene.agent.api, 403), (other.owner.api, 404), (scene.server.client(), 401)
    for api, status in agents:
        assert (await api.post(path, json=body)).status_code == status
    assert scene.model.requests == []
    scene.model.play(Say("Yes."))
    *_, done = await tried(scene, scene.admin.api)
    assert done["text"] == "Yes."
    run = (await scene.member.api.get(f"/runs/{done['run_id']}")).status_code
    assert run == 404, "what was tried is for nobody else to read"


async def test_one_at_a_time_and_who_stops_listening_stops_it(scene: Scene):
    hold = asyncio.Event()
    scene.model.play(Say("A heron, or so", hold=hold))
    async with Client(scene.server.address, token=token_of(scene.owner)) as client:
        hearing = client.agents.try_out(scene.agent.id, "What?")
        async for event in hearing:
            if event.text:
                break
        second = await scene.owner.post(f"/agents/{scene.agent.id}/try", json={"prompt": "And?"})
        assert (second.status_code, second.json()["code"]) == (409, "conflict")
        await hearing.aclose()

    async def again() -> bool:
        scene.model.play(Say("Free."))
        answer = await scene.owner.post(f"/agents/{scene.agent.id}/try", json={"prompt": "And?"})
        return answer.status_code == 200

    while not await again():
        await asyncio.sleep(0.05)
    hold.set()


async def test_who_leaves_as_it_begins_stops_it_and_one_that_nobody_hears_ends(scene: Scene):
    trials = scene.server.services.part(Trials)

    async def begin() -> Trial:
        return await trials.begin(scene.org.owner.actor, UUID(scene.agent.id), TryRequest(prompt="Hi"))

    async def latest() -> str:
        async with scene.server.db.transaction(system_actor(scene.org.id)) as tx:
            sql = "select status from runs where agent_id = %(id)s order by id desc limit 1"
            return str(await tx.value(sql, {"id": scene.agent.id}))

    async def has_succeeded() -> bool:
        return await latest() == "succeeded"

    scene.model.play()
    events = (await begin()).events()
    await anext(events)
    await events.aclose()
    assert await latest() == "canceled"
    scene.model.play(Say("Nobody hears."))
    await begin()
    assert await until(has_succeeded)


async def test_an_agent_without_a_model_is_refused_and_the_guide_needs_no_key(scene: Scene):
    path = f"/agents/{scene.agent.id}/try"
    refused = await scene.owner.post(path, json={"prompt": "Hello?", "model_config": {}})
    assert (refused.status_code, refused.json()["detail"]) == (422, "Choose a provider and a model first.")
    guide = {"provider": "crewhall", "model": "guide"}
    *_, done = await tried(scene, prompt="how do I make a backup?", model_config=guide)
    assert done["text"].startswith("**Backup and restore")
    assert done["html"].startswith("<p><strong>Backup and restore")


async def test_the_command_line_tries_an_agent_out(scene: Scene, tmp_path):
    terminal = QuickCli(tmp_path, scene.server.address, CREWHALL_TOKEN=token_of(scene.owner))
    scene.model.play(Say("A heron."))
    said = await terminal.run("agent", "try", scene.agent.code, "What", "is it?", "--temperature", "0.1")
    assert "A heron." in said.out
    assert "scripted:scripted-1: " in said.out
    assert scene.model.requests[0]["temperature"] == 0.1
    failed = await terminal.run("agent", "try", scene.agent.code, "Hi", "--model", "openai:gpt-4o")
    assert "CREWHALL_OPENAI_API_KEY" in failed.err


async def test_the_box_shows_the_answer_and_what_it_took(visitors: Visitors, scene: Scene):
    scene.model.play(Say("A heron, most likely.", tokens=(30, 5)))
    page = await visitors.visit(f"/agents/{scene.agent.id}", scene.org.owner)
    box = page.locator("crew-try")
    await page.get_by_label("Instructions").fill("Speak of birds.")
    await page.get_by_label("Temperature").fill("0.5")
    await box.get_by_label("Prompt").fill("What bird?")
    await box.get_by_role("button", name="Try it").click()
    await expect(box.locator("[data-answer]")).to_have_text("A heron, most likely.")
    await expect(box.locator("[data-took]")).to_contain_text("30 tokens read, 5 written")
    await expect(box.locator("[data-answer]")).to_have_attribute("data-done", "")
    (sent,) = scene.model.requests
    assert (sent["temperature"], "Speak of birds." in str(sent["messages"])) == (0.5, True)
    await check(page, "an agent tried out")
