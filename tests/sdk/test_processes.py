"""Agents as real processes: killed at bad moments, stopped politely, and the examples at work."""

import signal
from functools import partial

import pytest

from crewhall.sdk import Client, Message
from tests.identity.hall import Org
from tests.sdk.processes import AGENTS, EXAMPLES, AgentProcesses
from tests.sdk.relay import Relay
from tests.sdk.scene import answers_of, messages, read_to, scene
from tests.support.server import AgentClient, Server, token_of
from tests.support.waiting import in_time, until

HOLDING = AGENTS / "holding.py"


async def until_seen(client: Client, message: Message) -> None:
    """Wait until the agent has reacted to the message: it has it, and has not answered yet."""

    async def is_seen() -> bool:
        return "👀" in (await client.messages.get(message.conversation_id, message.id)).reactions

    await until(is_seen)


def has_answered(agent: AgentClient, number: int, said: list[Message]) -> bool:
    """Whether the agent has answered so often."""
    return len(answers_of(said, agent)) >= number


@pytest.mark.rule("X1")
async def test_killed_between_receiving_and_answering_it_answers_once(
    server: Server, org: Org, ada: Client, processes: AgentProcesses
) -> None:
    channel, hired = await scene(server, org)
    first = await processes.start(HOLDING, server.address, hired.key, HOLD="1")
    asked = await ada.messages.post(channel, f"@{hired.code} are you there?")
    await until_seen(ada, asked)
    first.kill()
    await first.wait()
    await processes.start(HOLDING, server.address, hired.key)
    await messages(ada, channel, lambda said: len(said) == 2)
    await read_to(ada, hired, 1)
    said = [message async for message in ada.messages.history(channel)]
    assert answers_of(said, hired) == ["are you there?"]


@pytest.mark.rule("X1")
async def test_killed_between_answering_and_hearing_so_it_answers_once(
    server: Server, org: Org, ada: Client, processes: AgentProcesses, relay: Relay
) -> None:
    channel, hired = await scene(server, org)
    first = await processes.start(HOLDING, relay.address, hired.key, WORDS="first life: ")
    relay.swallow = b"answer:"
    await ada.messages.post(channel, f"@{hired.code} hello")
    await in_time(relay.swallowed.wait(), 20)
    first.kill()
    await first.wait()
    await processes.start(HOLDING, server.address, hired.key, WORDS="second life: ")
    await read_to(ada, hired, 1)
    said = [message async for message in ada.messages.history(channel)]
    assert answers_of(said, hired) == ["first life: hello"]


@pytest.mark.rule("X1")
async def test_killed_again_and_again_it_answers_each_question_once(
    server: Server, org: Org, ada: Client, processes: AgentProcesses
) -> None:
    channel, hired = await scene(server, org)
    total, lives = 24, 4
    for life in range(lives):
        process = await processes.start(HOLDING, server.address, hired.key, WORDS=f"{life}: ", THINK="0.02")
        for n in range(total // lives):
            await ada.messages.post(channel, f"@{hired.code} {life * total // lives + n}")
        await messages(ada, channel, partial(has_answered, hired, life * total // lives + 2))
        process.kill()
        await process.wait()
    await processes.start(HOLDING, server.address, hired.key, WORDS="last: ")
    await read_to(ada, hired, total)
    said = [message async for message in ada.messages.history(channel)]
    assert [int(text.split()[1]) for text in answers_of(said, hired)] == list(range(total))


async def test_sigterm_lets_the_answer_in_flight_finish(
    server: Server, org: Org, ada: Client, processes: AgentProcesses
) -> None:
    channel, hired = await scene(server, org)
    process = await processes.start(HOLDING, server.address, hired.key, THINK="0.5")
    asked = await ada.messages.post(channel, f"@{hired.code} finish this")
    await until_seen(ada, asked)
    process.send_signal(signal.SIGTERM)
    assert await in_time(process.wait(), 20) == 0
    said = [message async for message in ada.messages.history(channel)]
    assert answers_of(said, hired) == ["finish this"]
    await read_to(ada, hired, 1)


async def test_a_refused_key_ends_the_process_with_4(server: Server, processes: AgentProcesses) -> None:
    with pytest.raises(AssertionError):
        await processes.start(HOLDING, server.address, "cwk_" + "x" * 40)
    assert await processes.started[0].wait() == 4


async def test_the_poll_example_counts_votes(server: Server, org: Org, ada: Client, processes: AgentProcesses) -> None:
    channel, hired = await scene(server, org)
    grace = await org.add()
    await processes.start(EXAMPLES / "poll.py", server.address, hired.key)
    await ada.messages.post(channel, f"@{hired.code} Where? | Berlin | Lisbon | online")
    said = await messages(ada, channel, lambda said: len(said) == 2)
    poll = said[1]
    assert (poll.kind, poll.metadata["poll"]["choices"]) == ("question", ["Berlin", "Lisbon", "online"])

    async def can_be_voted_on() -> bool:
        return len((await ada.messages.get(channel, poll.id)).reactions) == 3

    await until(can_be_voted_on)
    await ada.messages.react(channel, poll.id, "🇧")
    async with Client(server.address, token=token_of(grace.api)) as client:
        await client.messages.react(channel, poll.id, "🇧")
        await client.messages.react(channel, poll.id, "🇨")
        await client.messages.post(channel, "result", parent_id=poll.id)
    said = await messages(ada, channel, lambda said: len(answers_of(said, hired)) == 2)
    assert said[-1].parent_id == poll.id
    assert said[-1].content.splitlines()[0].startswith("Lisbon: **2**")
    assert "Leading: **Lisbon**" in said[-1].content
    await ada.messages.post(channel, f"@{hired.code} too few | one")
    said = await messages(ada, channel, lambda said: len(answers_of(said, hired)) == 3)
    assert "two to eight" in said[-1].content


async def test_the_standup_example_sums_up_its_thread(
    server: Server, org: Org, ada: Client, processes: AgentProcesses
) -> None:
    channel, hired = await scene(server, org)
    grace, absent = await org.add(), await org.add()
    for person in (grace, absent):
        await person.api.post(f"/conversations/{channel}/join")
    await processes.start(EXAMPLES / "standup.py", server.address, hired.key)
    await ada.messages.post(channel, f"@{hired.code} start Release week")
    said = await messages(ada, channel, lambda said: len(said) == 2)
    opening = said[1]
    assert opening.metadata["standup"] == "Release week"
    note = await ada.messages.post(channel, "Shipped the client", parent_id=opening.id)
    async with Client(server.address, token=token_of(grace.api)) as client:
        await client.messages.post(channel, "Wrote the tests", parent_id=opening.id)
        await client.messages.post(channel, "done", parent_id=opening.id)
    said = await messages(ada, channel, lambda said: len(answers_of(said, hired)) == 2)
    summary = said[-1]
    assert (summary.parent_id, summary.kind, summary.title) == (opening.id, "insight", "Stand-up summary")
    assert "Release week" in summary.content
    assert summary.content.index("Shipped the client") < summary.content.index("Wrote the tests")
    assert summary.content.count("No note from") == 1
    assert "✅" in (await ada.messages.get(channel, note.id)).reactions
