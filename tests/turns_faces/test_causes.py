"""What sets turns off beside messages: quick tasks and schedules, over HTTP, from programs and the command line."""

from pathlib import Path
from typing import Any

import pytest

from crewhall.sdk import Client
from tests.cli.conftest import QuickCli
from tests.support.openai import Say
from tests.support.server import Server, token_of
from tests.support.waiting import until
from tests.turns_faces.scene import ENDED, Scene


async def run_ended(api: Any, run_id: str) -> dict[str, Any]:
    """Wait for the end of a run."""

    async def look() -> dict[str, Any] | None:
        run: dict[str, Any] = (await api.get(f"/runs/{run_id}")).raise_for_status().json()
        return run if run["status"] in ENDED else None

    return await until(look)


@pytest.mark.rule("B4")
async def test_a_quick_task_runs_with_one_call(scene: Scene, server: Server):
    path = f"/agents/{scene.agent.id}/quick-tasks"
    first = (await scene.owner.post(path, json={"title": "Birds", "prompt": "Which bird?", "icon": "🐦"})).json()
    last = (await scene.owner.post(path, json={"title": "Plants", "prompt": "Which plant?"})).json()
    assert (await scene.owner.post(path, json={"title": " ", "prompt": "x"})).status_code == 422
    scene.model.play(Say("A heron."))
    started = (await scene.member.api.post(f"{path}/{first['id']}/run", json={})).raise_for_status().json()
    run = started["run"]
    assert (run["cause"], run["author"]["id"], started["outcome"]) == ("quick_task", str(scene.member.id), "speak")
    ended = await run_ended(scene.member.api, run["id"])
    assert (ended["status"], ended["conversation"]["kind"]) == ("succeeded", "direct")
    there = f"/conversations/{started['conversation_id']}/messages"
    said = (await scene.member.api.get(there)).raise_for_status().json()["items"]
    assert [one["content"] for one in said] == ["Which bird?", "A heron."]
    # In a conversation with others it says whom it asks; an agent's program without a model is asked as well.
    scene.model.play(Say("A fern."))
    here = {"conversation_id": scene.circle}
    again = (await scene.member.api.post(f"{path}/{last['id']}/run", json=here)).raise_for_status().json()
    assert (await run_ended(scene.owner, again["run"]["id"]))["status"] == "succeeded"
    remote = await server.hire(scene.org)
    task = await scene.owner.post(f"/agents/{remote.id}/quick-tasks", json={"title": "Ping", "prompt": "Ping?"})
    told = await scene.owner.post(f"/agents/{remote.id}/quick-tasks/{task.json()['id']}/run", json={})
    assert (await run_ended(scene.owner, told.json()["run"]["id"]))["reason"] == "delivered"
    # Switched off it is out of sight, and nobody runs it; in another order it is another list.
    off = await scene.owner.patch(f"{path}/{first['id']}", json={"enabled": False, "order_index": 9})
    assert (off.json()["enabled"], off.json()["prompt"]) == (False, "Which bird?")
    assert [one["title"] for one in (await scene.member.api.get(path)).json()["items"]] == ["Plants"]
    assert [one["title"] for one in (await scene.owner.get(path)).json()["items"]] == ["Plants", "Birds"]
    assert (await scene.member.api.post(f"{path}/{first['id']}/run", json={})).status_code == 409
    # Who may not write there, or manage the agent, may not either.
    assert (await scene.stranger.api.post(f"{path}/{last['id']}/run", json=here)).status_code == 404
    for refused in (
        await scene.member.api.post(path, json={"title": "Mine", "prompt": "x"}),
        await scene.member.api.patch(f"{path}/{last['id']}", json={"title": "Mine"}),
        await scene.member.api.delete(f"{path}/{last['id']}"),
    ):
        assert refused.status_code == 403
    other = await server.make_org("Elsewhere")
    assert (await other.owner.api.post(f"{path}/{last['id']}/run", json={})).status_code == 404
    assert (await scene.owner.delete(f"{path}/{last['id']}")).status_code == 204


async def test_programs_and_the_command_line_give_tasks_and_make_schedules(scene: Scene, tmp_path: Path):
    terminal = QuickCli(tmp_path, scene.server.address, CREWHALL_TOKEN=token_of(scene.owner))
    code = scene.agent.code
    async with Client(scene.server.address, token=token_of(scene.owner)) as client:
        task = await client.agents.add_quick_task(scene.agent.id, "Birds", "Which bird?", icon="🐦")
        assert (await client.agents.change_quick_task(scene.agent.id, task.id, category="nature")).category == "nature"
        schedule = await client.schedules.make(
            scene.agent.id, name="Morning", prompt="Which bird?", cron="0 9 * * 1-5", timezone="Asia/Tokyo",
            conversation_id=scene.circle,
        )  # fmt: skip
        assert [one.id async for one in client.schedules.list(agent_id=scene.agent.id)] == [schedule.id]
        assert [moment.hour for moment in schedule.upcoming] == [0, 0, 0]
    assert [one["title"] for one in await terminal.ok("quick-task", "list", code)] == ["Birds"]
    assert (await terminal.ok("quick-task", "add", code, "Plants", "Which", "plant?", "--at", "0"))["order_index"] == 0
    assert (await terminal.ok("quick-task", "change", code, "plants", "--off"))["enabled"] is False
    assert (await terminal.run("quick-task", "remove", code, "Plants")).code == 0
    scene.model.play(Say("A heron."))
    started = await terminal.ok("quick-task", "run", code, "Birds", "--in", scene.circle)
    await run_ended(scene.owner, started["run"]["id"])
    (listed,) = await terminal.ok("schedule", "list", "--in", scene.circle)
    assert listed["id"] == schedule.id
    assert "09:00 (Asia/Tokyo)" in (await terminal.run("schedule", "list")).out
    made = await terminal.ok("schedule", "make", code, "Which", "plant?", "--cron", "0 * * * *", "--name", "Hourly")
    assert (made["prompt"], made["conversation"]["kind"]) == ("Which plant?", "direct")
    assert (await terminal.ok("schedule", "change", made["id"], "--cron", "5 * * * *"))["cron"] == "5 * * * *"
    wrong = await terminal.run("schedule", "change", made["id"], "--cron", "5 * * *")
    assert (wrong.code, "five fields" in wrong.err) == (1, True)
    assert (await terminal.ok("schedule", "pause", made["id"]))["pause_reason"] == "by_hand"
    assert "paused" in (await terminal.run("schedule", "list")).out
    assert (await terminal.ok("schedule", "resume", "hourly"))["pause_reason"] is None
    scene.model.play(Say("A fern."))
    began = await terminal.run("schedule", "run", made["id"])
    assert (began.code, "crewhall run" in began.out) == (0, True)
    twin = await terminal.ok("schedule", "make", code, "Which?", "--cron", "0 * * * *", "--name", "Hourly")
    several = await terminal.run("schedule", "delete", "Hourly", "--yes")
    assert (several.code, "2 schedules are called Hourly" in several.err) == (1, True)
    for one in (made, twin):
        assert (await terminal.run("schedule", "delete", one["id"], "--yes")).code == 0
    (left,) = await terminal.ok("schedule", "list")
    assert left["name"] == "Morning"
