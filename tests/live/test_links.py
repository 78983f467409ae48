"""The links between processes: one to each, however many reasons there are at once to make it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Self
from uuid import UUID

import pytest

from crewhall.faces.live.hub import Hub
from crewhall.faces.live.peers import CHANNEL, Peers, ProcessStanding
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Database
from crewhall.kernel.ids import new_id
from crewhall.kernel.process_kinds import ProcessKind
from crewhall.kernel.signals import Signals
from crewhall.kernel.verified import VerifiedTokens
from crewhall.ports.live import Ephemeral
from crewhall.ports.memory_log import MemoryMessageLog
from crewhall.ports.message_log import LogState
from tests.support.database import SharedCluster
from tests.support.waiting import bounded


class Other:
    """Another process, as the processes' table and its listener show it. It greets only while it is let."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.id = new_id()
        self.links = 0
        self.let = asyncio.Event()
        self.called = asyncio.Event()
        self.lines: asyncio.Queue[bytes] = asyncio.Queue()
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._hear, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        async with self._db.transaction(None) as tx:
            await tx.run(
                "insert into processes (id, kind, address, lease_until) "
                "values (%(id)s, 'serve', %(address)s, now() + interval '1 minute')",
                {"id": self.id, "address": f"{host}:{port}"},
            )
            await tx.run("select pg_notify('crewhall_processes', %(id)s)", {"id": str(self.id)})
        return self

    async def __aexit__(self, *_: object) -> None:
        for writer in self._writers:
            writer.close()
        self._server.close()
        async with self._db.transaction(None) as tx:
            await tx.run("delete from processes where id = %(id)s", {"id": self.id})

    def hang_up(self) -> None:
        """Cut the links that were made."""
        for writer in self._writers:
            writer.transport.abort()

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.links += 1
        self._writers.append(writer)
        self.called.set()
        await self.let.wait()
        writer.write(b"a challenge\n")
        while line := await reader.readline():
            self.lines.put_nowait(line)


@pytest.fixture(scope="module")
def noticed() -> asyncio.Queue[str]:
    """The registrations that were heard of."""
    return asyncio.Queue()


@pytest.fixture(scope="module")
async def peers(
    cluster: SharedCluster, worker_id: str, noticed: asyncio.Queue[str]
) -> AsyncIterator[tuple[Peers, Database]]:
    urls = cluster.clone(f"links_{worker_id}")
    db, signals = Database(urls.app), Signals(urls.app)
    await db.open()
    made = Peers(db, Hub(MemoryMessageLog(), VerifiedTokens()), signals, "127.0.0.1")
    signals.subscribe(CHANNEL, noticed.put_nowait)
    await signals.start()
    await made.start()
    yield made, db
    await made.stop()
    await signals.stop()
    await db.close()


def typing_of(org: UUID) -> tuple[Actor, Ephemeral]:
    actor = Actor(type=ActorType.USER, id=new_id(), org_id=org, name="Ada")
    return actor, Ephemeral(org, None, "presence", {})


async def test_a_process_is_linked_once_whatever_asks_for_it_at_the_same_moment(peers: tuple[Peers, Database]) -> None:
    own, db = peers
    async with bounded(10), Other(db) as other:
        linking = [asyncio.create_task(own._link()) for _ in range(3)]  # beside the notice of its registration
        await other.called.wait()
        for _ in range(10):  # as long as each takes to read who is there, and longer
            async with db.transaction(None) as tx:
                await tx.value("select true")
        other.let.set()
        await asyncio.gather(*linking)
        assert len((await other.lines.get()).strip()) == 64
        own._forward(*typing_of(new_id()))
        assert b"presence" in await other.lines.get()
        assert (other.links, other.lines.qsize()) == (1, 0)


async def test_a_process_that_comes_while_another_is_linked_is_not_overlooked(
    peers: tuple[Peers, Database], noticed: asyncio.Queue[str]
) -> None:
    _, db = peers
    async with bounded(10), Other(db) as slow:
        await slow.called.wait()
        async with Other(db) as late:
            while await noticed.get() != str(late.id):
                pass
            slow.let.set()
            late.let.set()
            assert len((await late.lines.get()).strip()) == 64
            assert (slow.links, late.links) == (1, 1)


async def test_a_process_that_does_not_know_how_far_its_log_is_says_so(peers: tuple[Peers, Database]) -> None:
    _, db = peers
    about = ProcessStanding(ProcessKind.WORKER, log_state=lambda: LogState("kafka", None))
    signals = Signals(db.url)
    unknowing = Peers(db, Hub(MemoryMessageLog(), VerifiedTokens()), signals, "127.0.0.1", about)
    await unknowing.start()
    try:
        async with db.transaction(None) as tx:
            shown = await tx.values("select log_lag from processes where kind = 'worker'")
        assert shown == [None]
    finally:
        await unknowing.stop()


async def test_a_link_that_was_cut_is_made_again(peers: tuple[Peers, Database]) -> None:
    own, db = peers
    async with bounded(10), Other(db) as other:
        other.let.set()
        assert len((await other.lines.get()).strip()) == 64
        other.hang_up()
        while own._links[other.id].is_open:
            await asyncio.sleep(0)
        await own._link()
        assert len((await other.lines.get()).strip()) == 64
        assert other.links == 2
