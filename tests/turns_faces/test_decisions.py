"""Why agents spoke and why not, over HTTP; asking for a turn; who a message would wake before it is sent."""

import asyncio
from typing import Any

import pytest

from tests.support.openai import Say
from tests.support.server import Server
from tests.support.waiting import until
from tests.turns_faces.scene import Scene


async def preview(scene: Scene, content: str, api: Any = None, **fields: Any) -> list[dict[str, Any]]:
    path = f"/conversations/{scene.circle}/messages/preview"
    answer = await (api or scene.owner).post(path, json={"content": content, **fields})
    found: list[dict[str, Any]] = answer.raise_for_status().json()["agents"]
    return found


@pytest.mark.rule("C2", "X12")
async def test_every_decision_says_why_and_names_its_run(scene: Scene):
    run = await scene.asked()
    (decision,) = await scene.decisions()
    assert (decision["outcome"], decision["reason"], decision["cause"]) == ("speak", "asked", "mention")
    assert (decision["run_id"], decision["message_id"]) == (run["id"], run["message_id"])
    assert decision["explanation"] == "Scout answers: Scout was mentioned."
    assert decision["agent"]["id"] == scene.agent.id
    assert decision["author"]["name"] == scene.org.owner.actor.name
    assert decision["epoch"] >= 1


@pytest.mark.rule("C2")
async def test_silence_is_explained_too(scene: Scene):
    (await scene.owner.patch(f"/agents/{scene.agent.id}", json={"status": "inactive"})).raise_for_status()
    asked = await scene.say(f"@{scene.agent.code}, are you there?")
    (decision,) = await until(lambda: scene.decisions(message=asked["id"]))
    assert (decision["outcome"], decision["reason"], decision["run_id"]) == ("silent", "inactive", None)
    assert "takes no turns" in decision["explanation"]
    assert await scene.decisions(agent=(await scene.server.hire(scene.org)).id) == []


async def test_decisions_are_listed_newest_first_page_by_page(scene: Scene):
    runs = [(await scene.asked(Say(f"{n}")))["id"] for n in range(3)]
    path = f"/conversations/{scene.circle}/decisions"
    page = (await scene.owner.get(path, params={"limit": 2})).json()
    assert [one["run_id"] for one in page["items"]] == [runs[2], runs[1]]
    rest = (await scene.owner.get(path, params={"limit": 2, "after": page["next"]})).json()
    assert ([one["run_id"] for one in rest["items"]], rest["next"]) == ([runs[0]], None)


async def test_a_turn_is_asked_for_about_a_message_or_by_a_prompt(scene: Scene):
    said = await scene.say("Nobody is named here.")
    path = f"/conversations/{scene.circle}/turns"
    scene.model.play(Say("Now I say it."))
    accepted = await scene.member.api.post(path, json={"agent_id": scene.agent.id, "message_id": said["id"]})
    assert (accepted.status_code, accepted.json()) == (202, {"trigger_id": said["id"]})
    first = await scene.ended()
    assert (first["cause"], first["message_id"], first["status"]) == ("run_now", said["id"], "succeeded")
    assert first["author"]["id"] == str(scene.member.id)
    scene.model.play(Say("Three things."))
    accepted = await scene.owner.post(path, json={"agent_id": scene.agent.id, "prompt": "Count."})
    assert accepted.status_code == 202
    second = await scene.ended({first["id"]})
    assert (second["prompt"], second["message_id"], second["status"]) == ("Count.", None, "succeeded")
    assert "Count." in scene.model.requests[-1]["messages"][-1]["content"]


@pytest.mark.rule("B1")
async def test_a_turn_asks_for_what_is_there(scene: Scene, server: Server):
    other = await server.make_org("Other")
    foreign = await server.hire(other)
    path = f"/conversations/{scene.circle}/turns"
    for body, status in (
        ({"agent_id": scene.agent.id}, 422),
        ({"agent_id": scene.agent.id, "prompt": "  "}, 422),
        ({"agent_id": scene.agent.id, "message_id": str(scene.org.id)}, 422),
        ({"agent_id": foreign.id, "prompt": "Go."}, 404),
    ):
        answer = await scene.owner.post(path, json=body)
        assert answer.status_code == status, (body, answer.text)
    assert await scene.runs() == []


@pytest.mark.rule("C5")
async def test_the_runtime_shows_which_process_decides(scene: Scene):
    before = (await scene.member.api.get(f"/conversations/{scene.circle}/runtime")).raise_for_status().json()
    assert (before["open_runs"], before["waiting_triggers"]) == (0, 0)
    hold = asyncio.Event()
    scene.model.play(Say("Held back.", hold=hold))
    await scene.say(f"@{scene.agent.code}?")
    await until(lambda: scene.runs(status="running"))
    (decision,) = await scene.decisions()
    during = (await scene.member.api.get(f"/conversations/{scene.circle}/runtime")).json()
    hold.set()
    assert (during["status"], during["open_runs"]) == ("active", 1)
    assert during["epoch"] == decision["epoch"]
    assert during["controller_id"] is not None
    assert during["lease_until"] is not None
    await scene.ended()


@pytest.mark.rule("C2")
async def test_a_preview_says_whom_a_message_wakes_and_posts_nothing(scene: Scene):
    (woken,) = await preview(scene, f"@{scene.agent.code}, what is it?", scene.member.api)
    assert woken["agent"] == {"id": scene.agent.id, "code": scene.agent.code, "name": "Scout"}
    assert (woken["cause"], woken["outcome"], woken["reason"], woken["is_remote"], woken["presence"]) == (
        "mention", "speak", "asked", False, "online",
    )  # fmt: skip
    assert await preview(scene, "nobody in particular") == []
    assert await preview(scene, "") == []
    assert await preview(scene, f"`@{scene.agent.code}` in code") == []
    assert await scene.decisions() == []
    assert (await scene.owner.get(f"/conversations/{scene.circle}/messages")).json()["items"] == []


@pytest.mark.rule("C2")
async def test_a_preview_knows_replies_policy_and_standing(scene: Scene):
    run = await scene.asked()
    (woken,) = await preview(scene, "and now?", parent_id=run["answer_id"])
    assert (woken["cause"], woken["outcome"]) == ("reply", "speak")
    policy = {"agent_policy": {"auto_trigger": True, "agent_cooldown_seconds": 600}}
    (await scene.owner.patch(f"/conversations/{scene.circle}", json=policy)).raise_for_status()
    (woken,) = await preview(scene, "just saying")
    assert (woken["cause"], woken["outcome"], woken["reason"]) == ("auto", "wait", "cooldown")
    assert woken["until"] is not None
    outside = await scene.server.hire(scene.org)
    found = {one["agent"]["id"]: one for one in await preview(scene, f"@{outside.code}")}
    assert (found[outside.id]["outcome"], found[outside.id]["reason"]) == ("silent", "not_here")
    assert (found[outside.id]["presence"], found[outside.id]["is_remote"]) == ("offline", True)
    (await scene.owner.patch(f"/agents/{scene.agent.id}", json={"status": "maintenance"})).raise_for_status()
    (woken,) = await preview(scene, f"@{scene.agent.code}")
    assert (woken["outcome"], woken["reason"]) == ("silent", "inactive")


@pytest.mark.rule("C2")
async def test_what_was_previewed_is_what_is_decided(scene: Scene):
    outside = await scene.server.hire(scene.org)
    content = f"@{scene.agent.code} and @{outside.code}, please"
    scene.model.play(Say("Here."))
    foretold = {one["agent"]["id"]: (one["outcome"], one["reason"]) for one in await preview(scene, content)}
    asked = await scene.say(content)

    async def both() -> list[dict[str, Any]]:
        found = await scene.decisions(message=asked["id"])
        return found if len(found) == 2 else []

    decided = {one["agent"]["id"]: (one["outcome"], one["reason"]) for one in await until(both)}
    assert decided == foretold
    await scene.ended()
