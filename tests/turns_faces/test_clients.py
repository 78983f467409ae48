"""Turns from a program and from the command line."""

import asyncio
from pathlib import Path

import pytest

from crewhall.sdk import Client, CrewhallApiError, Delivery, Ephemeral, RecordEvent
from tests.cli.conftest import Cli, QuickCli
from tests.support.openai import Say
from tests.support.server import token_of
from tests.support.waiting import bounded, until
from tests.turns_faces.scene import Scene


@pytest.fixture
def terminal(scene: Scene, tmp_path: Path) -> Cli:
    """The owner's command line."""
    return QuickCli(tmp_path, scene.server.address, CREWHALL_TOKEN=token_of(scene.owner))


async def test_a_program_asks_for_a_turn_and_reads_what_became_of_it(scene: Scene):
    scene.model.play(Say("One, two.", tokens=(8, 3)))
    async with Client(scene.server.address, token=token_of(scene.owner)) as client:
        (woken,) = await client.turns.preview(scene.circle, f"@{scene.agent.code}!")
        assert (woken.agent.code, woken.outcome) == (scene.agent.code, "speak")
        await client.turns.ask(scene.circle, scene.agent.id, prompt="Count to two.")
        ended = await scene.ended()
        run = await client.turns.run(ended["id"])
        assert (run.status, run.is_open, run.prompt, run.output_tokens) == ("succeeded", False, "Count to two.", 3)
        assert [found.id async for found in client.turns.runs(conversation_id=scene.circle)] == [run.id]
        steps = [step async for step in client.turns.steps(run.id)]
        assert [step.kind for step in steps] == ["context", "request", "answer", "post"]
        assert steps[0].body is not None
        (decision,) = [one async for one in client.turns.decisions(scene.circle)]
        assert (decision.run_id, decision.cause) == (run.id, "run_now")
        assert (await client.turns.runtime(scene.circle)).epoch >= 1
        with pytest.raises(CrewhallApiError) as refused:
            await client.turns.cancel(run.id)
        assert refused.value.code == "conflict"


async def test_a_program_hears_the_answer_while_it_is_written(scene: Scene):
    scene.model.play(Say("A heron, and then another one."))
    heard = ""
    async with Client(scene.server.address, token=token_of(scene.owner)) as client, client.live() as live:
        await live.subscribe(scene.circle, after=0)
        await client.messages.post(scene.circle, f"@{scene.agent.code}?")
        async with bounded(20):
            async for event in live:
                if isinstance(event, Ephemeral) and event.event == "tokens":
                    assert event.actor is not None
                    assert (event.actor.id, event.at) == (scene.agent.id, len(heard) if event.text else event.at)
                    heard += event.text
                elif (
                    isinstance(event, RecordEvent)
                    and not isinstance(event.record, Delivery)
                    and event.record.author.id == scene.agent.id
                ):
                    break
    assert heard == "A heron, and then another one."


async def test_the_command_line_shows_runs_their_steps_and_why(scene: Scene, terminal: Cli):
    run = await scene.asked(Say("A heron.", tokens=(30, 5)))
    (listed,) = await terminal.ok("runs", scene.circle, "--agent", f"@{scene.agent.code}")
    assert (listed["id"], listed["status"]) == (run["id"], "succeeded")
    assert await terminal.ok("runs", "--status", "failed") == []
    shown = await terminal.ok("run", run["id"])
    assert (shown["run"]["answer_id"], len(shown["steps"])) == (run["answer_id"], 4)
    (why,) = await terminal.ok("decisions", scene.circle, "--message", run["message_id"])
    assert why["explanation"] == "Scout answers: Scout was mentioned."
    said = await terminal.run("run", run["id"])
    assert "30 in, 5 out" in said.out
    assert "A heron." in said.out
    assert "Circle" in (await terminal.run("runs")).out
    for words in (["run", "nope"], ["cancel", "nope"], ["approve", "nope"], ["refuse", "no", "no"], ["approvals", "x"]):
        refused = await terminal.run(*words)
        assert (refused.code, f"{words[1]} is no id" in refused.err) == (2, True), refused.err
    assert "Scout was mentioned" in (await terminal.run("decisions", scene.circle)).out


@pytest.mark.rule("X12")
async def test_what_an_agent_noted_of_a_long_conversation_is_open_to_its_members(scene: Scene, terminal: Cli):
    assert "Nothing" not in (await terminal.run("summaries", scene.circle)).out
    for number in range(20):
        await scene.say(f"{number} ".ljust(2400, "."))
    run = await scene.asked(Say("All was quiet."), Say("Yes."))
    async with Client(scene.server.address, token=token_of(scene.member.api)) as client:
        (noted,) = [one async for one in client.turns.summaries(scene.circle)]
    assert (noted.summary, noted.agent.code, noted.run_id) == ("All was quiet.", scene.agent.code, run["id"])
    (listed,) = await terminal.ok("summaries", scene.circle)
    assert listed["up_to_seq"] == noted.up_to_seq
    assert "All was quiet." in (await terminal.run("summaries", scene.circle)).out
    page = await scene.member.api.get(f"{scene.server.address}/c/{scene.circle}/summaries")
    assert f"Summary of {noted.messages} earlier messages" in page.text
    inspected = await scene.owner.get(f"{scene.server.address}/runs/{run['id']}")
    assert "sum up what came before" in inspected.text
    assert f"{noted.messages} earlier messages" in inspected.text


async def test_the_command_line_asks_for_a_turn_and_stops_it(scene: Scene, terminal: Cli):
    hold = asyncio.Event()
    scene.model.play(Say("A heron that never lands.", hold=hold))
    asked = await terminal.run("ask", scene.circle, f"@{scene.agent.code}", "Say", "it.")
    assert (asked.code, "Asked." in asked.out) == (0, True)
    (run,) = await until(lambda: scene.runs(status="running"))
    assert run["prompt"] == "Say it."
    stopped = await terminal.run("cancel", run["id"])
    assert stopped.code == 0, stopped.err
    assert (await scene.ended())["status"] == "canceled"
    hold.set()
    again = await terminal.run("cancel", run["id"])
    assert (again.code, "[conflict]" in again.err) == (1, True)
    unknown = await terminal.run("run", scene.circle)
    assert (unknown.code, "[not_found]" in unknown.err) == (1, True)
