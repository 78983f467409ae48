"""Turns in the running product: from a post to the words on the socket to the answer in the log."""

import asyncio
from typing import Any

import msgspec
import psycopg
import pytest

from tests.conversations.ways import post
from tests.support.openai import Say
from tests.support.server import POOL, Server, frames_until, token_of
from tests.support.waiting import bounded, until
from tests.taking.hall import SCRIPTED

OPEN = """
select count(*) from pg_stat_activity
where datname = current_database() and usename = 'crewhall_app' and backend_type = 'client backend'
"""


@pytest.fixture(scope="module")
async def served(cluster, worker_id, model):
    """The product, with the scripted model for an endpoint."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CREWHALL_MODEL_ENDPOINTS", f"scripted={model.url}")
        name = f"taking_served_{worker_id}"
        async with Server(cluster.clone(name)) as running:
            yield running
        cluster.drop(name)


async def frames_of(socket, wanted) -> list[dict[str, Any]]:
    """Read frames up to the first that is wanted."""
    frames: list[dict[str, Any]] = []
    async with bounded(20):
        while not frames or not wanted(frames[-1]):
            frames.append(msgspec.json.decode(await socket.recv()))
    return frames


@pytest.mark.rule("X3", "C12")
async def test_a_mention_is_answered_word_by_word_and_then_for_good(served, model):
    org = await served.make_org()
    agent = await served.hire(org, "thinker", model_config=SCRIPTED)
    general = await served.general(org)
    model.play(Say("Hello, I think. " * 20, piece=4))
    async with served.live(token_of(org.owner.api)) as socket:
        await socket.send(msgspec.json.encode({"type": "subscribe", "conversation": general, "after": None}).decode())
        await frames_until(socket, "resumed")
        await post(org.owner, general, f"@{agent.code} hello?")

        def is_answer(frame):
            return frame["type"] == "record" and frame["record"]["author"]["id"] == agent.id

        frames = await frames_of(socket, is_answer)
    words = [frame for frame in frames if frame.get("event") == "tokens" and "text" in frame]
    assert words[0]["actor"] == {"type": "agent", "id": agent.id, "name": "thinker"}
    text = "".join(frame["text"] for frame in words)
    assert frames[-1]["record"]["content"].startswith(text)
    assert len(text) > 100


async def test_a_process_keeps_within_its_connections(served, cluster, worker_id, model):
    """Its pool, the log's writer, LISTEN, and two for jobs (docs/scaling.md)."""
    org = await served.make_org()
    model.script = lambda _request: Say("Yes.")
    agents = [await served.hire(org, f"busy{number}", model_config=SCRIPTED) for number in range(3)]
    general = await served.general(org)
    said = " ".join(f"@{agent.code}" for agent in agents)
    await asyncio.gather(*(post(org.owner, general, f"{said} {number}") for number in range(40)))

    async def answered():
        items = (await org.owner.api.get("/runs", params={"conversation": general})).raise_for_status().json()["items"]
        return {run["agent"]["id"] for run in items if run["status"] == "succeeded"} == {one.id for one in agents}

    await until(answered)
    with psycopg.connect(cluster.superuser(f"taking_served_{worker_id}")) as connection:
        row = connection.execute(OPEN).fetchone()
    assert row is not None
    assert row[0] <= POOL + 4


@pytest.mark.rule("D14")
async def test_a_newcomer_finds_a_guide_and_a_scribe_that_answer(cluster, worker_id):
    name = f"taking_first_{worker_id}"
    async with Server(cluster.clone(name)) as fresh:
        assert fresh.setup_link is not None
        token = fresh.setup_link.partition("token=")[2]
        asked = {"token": token, "name": "Ada", "email": "ada@example.org", "password": "correct horse battery",
                 "organization": "Acme"}  # fmt: skip
        made = (await fresh.client().post("/auth/setup", json=asked)).raise_for_status().json()
        api = fresh.client(made["access_token"])
        agents = (await api.get("/agents")).raise_for_status().json()["items"]
        assert {(agent["code"], agent["presence"]) for agent in agents} == {
            ("guide", "online"), ("librarian", "online"), ("scribe", "online"),
        }  # fmt: skip
        channels = (await api.get("/conversations", params={"kind": "channel"})).raise_for_status().json()["items"]
        general = next(channel["id"] for channel in channels if channel["name"] == "general")
        path = f"/conversations/{general}/messages"
        (await api.post(path, json={"content": "@guide how do I make a backup?"})).raise_for_status()

        async def answers():
            items = (await api.get(path)).raise_for_status().json()["items"]
            return [item["content"] for item in items if item["author"]["type"] == "agent"]

        (answer,) = await until(answers)
        assert f"{fresh.address}/help/backup" in answer
    cluster.drop(name)
