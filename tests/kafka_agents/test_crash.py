"""Crewhall is killed while an agent at Kafka is told and heard: each message comes in the end, and is answered once."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.kafka_agents.program import Programs
from tests.support.effort import EFFORT
from tests.support.kafka import SharedBroker
from tests.support.site import Process, Site
from tests.support.tails import tail
from tests.support.waiting import until

ROUNDS, ASKED = 2 * EFFORT, 12


@pytest.fixture
async def site(broker: SharedBroker) -> AsyncIterator[Site]:
    home = Path(tempfile.mkdtemp(prefix="crewhall-kafka-"))
    site = Site(home / "home")
    site.server = Process(site.home, CREWHALL_KAFKA_BOOTSTRAP=broker.bootstrap, CREWHALL_KAFKA_PREFIX=f"t{tail()}")
    try:
        yield site
    finally:
        await site.close()
        shutil.rmtree(home, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(300 * EFFORT)
@pytest.mark.rule("X1")
async def test_each_message_is_given_and_each_answer_posted_once_whoever_is_killed_when(
    site: Site, programs: Programs
) -> None:
    await site.server.start()
    token = await site.sign_in()

    async def ask(method: str, path: str, /, **body: Any) -> Any:
        return await site.call(token, method, path, **body)

    agent = await ask("POST", "/agents", name="Relay", code="relay")
    member = {"member_type": "agent", "member_id": agent["id"]}
    circle = (await ask("POST", "/conversations", kind="group", title="Circle", members=[member]))["id"]
    await ask("POST", f"/agents/{agent['id']}/topics")

    async def is_ready() -> Any:
        topics = await ask("GET", f"/agents/{agent['id']}/topics")
        return topics if topics["state"] == "ready" else None

    program = programs.start(await until(is_ready))
    asked: list[str] = []
    given: list[str] = []
    for _ in range(ROUNDS):
        for number in range(ASKED):
            message = await ask("POST", f"/conversations/{circle}/messages", content=f"@relay {number}")
            asked.append(message["id"])
        for number in range(ASKED // 2):  # some of them are given, some said is on its way, when everything ends
            given.append((await program.next())["message"]["id"])
            await program.say(circle, f"answer {len(given)}.{number}")
        await site.server.kill()
        await site.server.start()
    while set(given) != set(asked):
        given.append((await program.next())["message"]["id"])
    assert list(dict.fromkeys(given)) == asked  # in order, however often

    async def answers() -> list[str] | None:
        found = await ask("GET", f"/conversations/{circle}/messages?limit=200")
        mine = [item["content"] for item in found["items"] if item["author"]["type"] == "agent"]
        return mine if len(mine) >= ROUNDS * (ASKED // 2) else None

    said = await until(answers)
    assert len(said) == len(set(said)) == ROUNDS * (ASKED // 2)
    assert said == sorted(said, key=lambda words: [int(part) for part in words.split()[1].split(".")])
