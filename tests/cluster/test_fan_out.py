"""What concerns nobody on a process costs it nothing but the notice: no read, whatever is written elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from crewhall.kernel.ids import new_id
from crewhall.kernel.process_kinds import ProcessKind
from crewhall.ports.message_log import Author, NewRecord, topic_of
from tests.identity.hall import Org
from tests.live.test_socket import say
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker
from tests.support.server import Server, frames_until, token_of
from tests.support.tails import tail

MANY, NAMED = 200, 173
"""More conversations than one notice has room for."""
RENEWAL = 2
"""What a process asks every twenty seconds to keep its lease."""


@pytest.fixture(scope="module")
async def pair(cluster: SharedCluster, worker_id: str) -> AsyncIterator[tuple[Server, Server]]:
    urls = cluster.clone(f"fan_out_{worker_id}")
    async with Server(urls, kind=ProcessKind.SERVE) as here, Server(urls, kind=ProcessKind.SERVE) as there:
        yield here, there


@pytest.fixture(scope="module")
async def kafka_pair(
    cluster: SharedCluster, broker: SharedBroker, worker_id: str
) -> AsyncIterator[tuple[Server, Server]]:
    """Two servers on Kafka, and who projects for them."""
    urls = cluster.clone(f"fan_out_kafka_{worker_id}")
    kafka = {"LOG": "kafka", "KAFKA_BOOTSTRAP": broker.bootstrap, "KAFKA_PREFIX": f"t{tail()}"}
    shared = {"KAFKA_TOPICS": "shared", "KAFKA_PARTITIONS": "2"}
    serve, project = ProcessKind.SERVE, ProcessKind.PROJECTOR
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (kafka | shared).items():
            patch.setenv(f"CREWHALL_{name}", value)
        async with Server(urls, kind=project), Server(urls, kind=serve) as here, Server(urls, kind=serve) as there:
            patch.undo()  # other servers of this module are on their own log
            yield here, there


@pytest.fixture(params=["pair", "kafka_pair"])
def either_pair(request: pytest.FixtureRequest) -> tuple[Server, Server]:
    """Two servers, on either log."""
    found: tuple[Server, Server] = request.getfixturevalue(request.param)
    return found


class Reads:
    """Counts what a process reads of the log, and how often it asks its database for anything."""

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self.of: list[UUID] = []
        self._pool = server.db.pool
        self._before = self._asked()
        read = server.services.log.read

        async def counted(org_id: UUID, conversation_id: UUID, **rest: Any) -> Any:
            self.of.append(conversation_id)
            return await read(org_id, conversation_id, **rest)

        monkeypatch.setattr(server.services.log, "read", counted)

    def _asked(self) -> int:
        return int(self._pool.get_stats().get("requests_num", 0))

    @property
    def transactions(self) -> int:
        return self._asked() - self._before


async def test_posts_that_nobody_here_follows_are_not_read(
    either_pair: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
):
    here, there = either_pair
    org = await here.make_org()
    followed, other = await here.channel(org.owner), await here.channel(org.owner)
    async with there.live(token_of(org.owner.api)) as socket:
        await socket.send(say("subscribe", conversation=followed, after=0))
        await frames_until(socket, "resumed")
        reads = Reads(there, monkeypatch)
        for n in range(50):
            await org.owner.api.post(f"/conversations/{other}/messages", json={"content": str(n)})
        await org.owner.api.post(f"/conversations/{followed}/messages", json={"content": "for you"})
        assert (await frames_until(socket, "record"))[-1]["record"]["content"] == "for you"
        assert set(reads.of) == {UUID(followed)}, "notices come in order: those of the others have been heard"
        assert reads.transactions <= len(reads.of) + RENEWAL


async def test_a_batch_of_very_many_conversations_stirs_those_alone_that_it_holds(
    pair: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
):
    here, there = pair
    org = await here.make_org()
    idle = [UUID(await here.channel(org.owner)) for _ in range(3)]
    many = await conversations(here, org)
    batches: list[int] = []
    monkeypatch.setattr("crewhall.adapters.postgres.message_log.append_batch_size.observe", batches.append)
    async with there.live(token_of(org.owner.api)) as socket:
        for conversation in (*idle, many[0], many[-1]):
            await socket.send(say("subscribe", conversation=str(conversation), after=0))
            await frames_until(socket, "resumed")
        reads = Reads(there, monkeypatch)
        author = Author.of(org.owner.actor)
        appended = await asyncio.gather(
            *[
                here.services.log.append(
                    NewRecord(org_id=org.id, conversation_id=one, author=author, content="all at once")
                )
                for one in many
            ]
        )
        assert {one.seq for one in appended} == {1}
        assert max(batches) > NAMED, "they went in one batch"
        heard = [(await frames_until(socket, "record"))[-1]["conversation"] for _ in range(2)]
        assert set(heard) == {str(many[0]), str(many[-1])}
        assert set(reads.of) == {many[0], many[-1]}


async def conversations(server: Server, org: Org) -> list[UUID]:
    """Many channels, made at once."""
    made = [new_id() for _ in range(MANY)]
    async with server.db.transaction(org.owner.actor) as tx:
        for one in made:
            await tx.run(
                "insert into conversations (id, org_id, kind, type, name, topic, owner_type, owner_user_id) "
                "values (%(id)s, %(org)s, 'channel', 'public', %(name)s, %(topic)s, 'user', %(user)s)",
                {"id": one, "org": org.id, "name": one.hex, "topic": topic_of(one), "user": org.owner.id},
            )
            await server.services.log.create(tx, org.id, one)
    return made
