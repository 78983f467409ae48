"""Runs over HTTP: what a turn did, to whom it is shown, and how it is stopped."""

import asyncio
from typing import Any

import httpx
import pytest

from crewhall.runtime.queries import list_runs
from tests.notifications.ways import told as notified
from tests.support.openai import Fail, Say, Use
from tests.support.server import Server
from tests.support.waiting import until
from tests.turns_faces.scene import Scene


@pytest.mark.rule("X12")
async def test_a_run_tells_what_set_it_off_what_it_used_and_how_it_ended(scene: Scene):
    run = await scene.asked(Say("A **heron**.", tokens=(31, 9)))
    asked = (await scene.owner.get(f"/conversations/{scene.circle}/messages")).json()["items"]
    question, answer = asked[-2:]
    assert (answer["content"], answer["client_id"]) == ("A **heron**.", f"run:{run['id']}")
    shown = (await scene.owner.get(f"/runs/{run['id']}")).raise_for_status().json()
    assert {key: shown[key] for key in run if key != "updated_at"} == {
        key: run[key] for key in run if key != "updated_at"
    }
    assert (shown["status"], shown["reason"], shown["cause"]) == ("succeeded", "answered", "mention")
    assert (shown["message_id"], shown["exchange_id"]) == (question["id"], question["id"])
    assert (shown["answer_id"], shown["answer_seq"]) == (answer["id"], answer["seq"])
    assert shown["agent"] == {"id": scene.agent.id, "code": scene.agent.code, "name": "Scout"}
    assert shown["author"] == {"type": "user", "id": str(scene.org.owner.id), "name": scene.org.owner.actor.name}
    assert shown["conversation"]["title"] == "Circle"
    assert (shown["requests"], shown["input_tokens"], shown["output_tokens"]) == (1, 31, 9)
    assert shown["model"] == "scripted:scripted-1"
    assert (shown["may_inspect"], shown["may_cancel"]) == (True, False)


@pytest.mark.rule("X12")
async def test_its_steps_show_what_the_agent_was_given_and_did(scene: Scene):
    (await scene.owner.patch(f"/agents/{scene.agent.id}", json={"tools": ["read_messages"]})).raise_for_status()
    run = await scene.asked(Use([("read_messages", {"limit": 3})], tokens=(20, 4)), Say("A heron.", tokens=(40, 3)))
    steps = await scene.steps(run["id"])
    assert [step["kind"] for step in steps] == [
        "context", "request", "answer", "call", "result", "request", "answer", "post",
    ]  # fmt: skip
    context, _, first, call, result, *_ = steps
    assert "The word is heron." in context["body"]["instructions"]
    assert context["body"]["lines"][-1]["content"].startswith("What is it")
    assert (first["input_tokens"], first["output_tokens"]) == (20, 4)
    assert call["tool"] == result["tool"] == "read_messages"
    assert (call["key"], call["body"]["arguments"]) == (result["key"], {"limit": 3})
    assert result["duration_ms"] is not None
    assert [step["ordinal"] for step in steps] == list(range(8))


@pytest.mark.rule("X12")
async def test_who_may_only_read_sees_that_it_happened_but_not_inside(scene: Scene):
    run = await scene.asked()
    for api in (scene.member.api, scene.agent.api):
        shown = (await api.get(f"/runs/{run['id']}")).raise_for_status().json()
        assert (shown["status"], shown["may_inspect"]) == ("succeeded", False)
        answer = await api.get(f"/runs/{run['id']}/steps")
        assert {step["kind"] for step in answer.json()["items"]} >= {"context", "request", "answer", "post"}
        assert all(step["body"] is None for step in answer.json()["items"])
        assert "The word is heron" not in answer.text
    assert (await scene.steps(run["id"]))[0]["body"]["instructions"]


@pytest.mark.rule("X12")
async def test_an_agents_owner_sees_inside_it(scene: Scene):
    given = {"owner_user_id": str(scene.member.id)}
    (await scene.owner.patch(f"/agents/{scene.agent.id}", json=given)).raise_for_status()
    run = await scene.asked()
    assert (await scene.member.api.get(f"/runs/{run['id']}")).json()["may_inspect"] is True
    assert (await scene.steps(run["id"], scene.member.api))[0]["body"]["instructions"]


@pytest.mark.rule("B1", "C3")
async def test_a_stranger_another_tenant_and_a_guest_see_nothing(scene: Scene, server: Server):
    run = await scene.asked()
    other = await server.make_org("Other")
    circle = scene.circle
    reads = [f"/runs/{run['id']}", f"/runs/{run['id']}/steps", f"/runs?conversation={circle}"]
    reads += [f"/conversations/{circle}/decisions", f"/conversations/{circle}/runtime",
              f"/conversations/{circle}/summaries"]  # fmt: skip
    writes: list[tuple[str, dict[str, Any] | None]] = [
        (f"/runs/{run['id']}/cancel", None),
        (f"/conversations/{circle}/turns", {"agent_id": scene.agent.id, "prompt": "Go."}),
        (f"/conversations/{circle}/messages/preview", {"content": "hi"}),
    ]
    strangers = {scene.admin.api: 404, scene.stranger.api: 404, other.owner.api: 404, server.client(): 401}
    for api, status in strangers.items():
        for path in reads:
            await _refused(api.get(path), status)
        for path, body in writes:
            await _refused(api.post(path, json=body), status)
    for api in (scene.admin.api, scene.stranger.api, other.owner.api):
        assert (await api.get("/runs")).json() == {"items": [], "next": None}
    assert (await other.owner.api.get("/runs", params={"agent": scene.agent.id})).status_code == 404


async def _refused(asking: Any, status: int) -> None:
    answer: httpx.Response = await asking
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == {401: "unauthenticated", 404: "not_found"}[status]


async def test_runs_are_listed_newest_first_page_by_page_and_filtered(scene: Scene):
    first, second, third = [await scene.asked(Say(f"Heron {n}.")) for n in range(3)]
    page = (await scene.owner.get("/runs", params={"limit": 2})).json()
    assert [run["id"] for run in page["items"]] == [third["id"], second["id"]]
    rest = (await scene.owner.get("/runs", params={"limit": 2, "after": page["next"]})).json()
    assert ([run["id"] for run in rest["items"]], rest["next"]) == ([first["id"]], None)
    other = await scene.server.hire(scene.org, "other")
    assert (await scene.owner.get("/runs", params={"agent": other.id})).json()["items"] == []
    assert len(await scene.runs(agent=scene.agent.id, status="succeeded")) == 3
    assert await scene.runs(status="failed") == []
    for query in ({"after": "nonsense"}, {"limit": 0}, {"status": "never"}):
        refused = await scene.owner.get("/runs", params=query)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid"), query


async def test_steps_are_listed_page_by_page(scene: Scene):
    run = await scene.asked()
    every = await scene.steps(run["id"])
    seen, after = [], None
    while True:
        query = {"limit": 3} | ({"after": after} if after else {})
        page = (await scene.owner.get(f"/runs/{run['id']}/steps", params=query)).raise_for_status().json()
        seen += page["items"]
        if (after := page["next"]) is None:
            break
    assert seen == every


async def test_an_open_run_is_cancelled_while_its_tokens_stream(scene: Scene):
    hold = asyncio.Event()
    scene.model.play(Say("It is a heron that never lands.", hold=hold))
    await scene.say(f"What is it, @{scene.agent.code}?")
    (run,) = await until(lambda: _streaming(scene))
    shown = (await scene.member.api.get(f"/runs/{run['id']}")).json()
    assert shown["may_cancel"] is True
    canceled = await scene.member.api.post(f"/runs/{run['id']}/cancel")
    assert canceled.status_code == 200
    assert canceled.json()["cancel_requested_at"] is not None
    ended = await scene.ended()
    hold.set()
    assert (ended["status"], ended["reason"], ended["answer_id"]) == ("canceled", "canceled", None)
    assert ended["canceled_by"]["id"] == str(scene.member.id)
    lately = await scene.owner.get(f"{scene.server.address}/agents/{scene.agent.id}/activity")
    assert f"{ended['canceled_by']['name']} stopped it." in lately.text
    again = await scene.owner.post(f"/runs/{run['id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


@pytest.mark.rule("E4", "C12")
async def test_who_stops_a_turn_in_a_thread_is_not_told_of_it_and_others_are(scene: Scene):
    root = await scene.say("Of herons.", api=scene.member.api)
    await scene.say("I know one.", parent_id=root["id"])
    hold = asyncio.Event()
    scene.model.play(Say("It is a heron that never lands.", hold=hold))
    await scene.say(f"What is it, @{scene.agent.code}?", api=scene.member.api, parent_id=root["id"])
    (run,) = await until(lambda: _streaming(scene))
    (await scene.member.api.post(f"/runs/{run['id']}/cancel")).raise_for_status()
    await scene.ended()
    hold.set()

    async def is_told() -> bool:
        told = await notified(scene.server, scene.org.owner)
        return ("reply", "Crewhall") in {(one["kind"], one["actor"]["name"]) for one in told}

    await until(is_told)  # who wrote in the thread, too
    mine = [(one["kind"], one["actor"]["name"]) for one in await notified(scene.server, scene.member)]
    assert "Crewhall" not in {name for _, name in mine}


async def _streaming(scene: Scene) -> list[dict[str, Any]]:
    return await scene.runs(status="running") if scene.model.streaming else []


@pytest.mark.rule("B12")
async def test_a_failed_run_says_why_in_words(scene: Scene):
    run = await scene.asked(Fail(401))
    assert (run["status"], run["reason"]) == ("failed", "model_failed")
    assert "refused our key" in run["detail"]


async def test_a_remote_agents_run_is_its_delivery(scene: Scene):
    remote = await scene.server.hire(scene.org)
    scene.circle = await scene.group([("agent", remote.id)])
    await scene.say(f"hello @{remote.code}")
    run = await scene.ended()
    assert (run["status"], run["reason"], run["is_remote"]) == ("succeeded", "delivered", True)
    assert await scene.steps(run["id"]) == []


async def test_a_list_is_planned_for_its_page_however_often_it_was_asked(scene: Scene):
    actor = scene.org.owner.actor
    async with scene.server.db.transaction(actor) as tx:
        for _ in range(12):
            await list_runs(tx, actor)
        kept = await tx.values("select generic_plans from pg_prepared_statements where statement like '%from runs x%'")
    assert kept
    assert set(kept) == {0}
