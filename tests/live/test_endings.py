"""Whoever loses access or a login hears and says nothing more, whatever was under way at that moment."""

import asyncio
import time
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import msgspec
import pytest

from crewhall.conversations import AccessCache, Verb
from crewhall.faces.live.hub import Hub
from crewhall.faces.live.listener import GOING_AWAY, MAX_QUEUE, Listener
from crewhall.faces.live.recheck import Rechecks
from crewhall.faces.live.socket import Connection
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.kernel.verified import Verified, VerifiedTokens
from crewhall.ports.memory_log import MemoryMessageLog
from crewhall.ports.message_log import Advanced, Author, NewRecord, Record, Watcher
from tests.identity.hall import Org
from tests.support.server import Server, token_of
from tests.support.waiting import bounded, in_time

ORG = new_id()


class Reader:
    """A listener that reads only while it is let."""

    def __init__(self, actor: Actor | None = None, **fields: Any) -> None:
        actor = actor or Actor(type=ActorType.USER, id=new_id(), org_id=ORG)
        self.frames: list[dict[str, Any]] = []
        self.let = asyncio.Event()
        self.heard = asyncio.Condition()
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.listener = Listener(Verified(actor, (), **fields), self._read, self.closed.set_result)

    async def _read(self, text: str, _seq: int | None) -> None:
        await self.let.wait()
        async with self.heard:
            self.frames.append(msgspec.json.decode(text))
            self.heard.notify_all()

    async def until(self, kind: str, count: int = 1) -> None:
        async with bounded(5), self.heard:
            await self.heard.wait_for(lambda: [frame["type"] for frame in self.frames].count(kind) >= count)


class Log(MemoryMessageLog):
    """Another process writes: watchers are told by `tell`, and `meanwhile` happens while a reading finds nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.tell: Watcher = lambda _advanced: None
        self.meanwhile = asyncio.Event()
        self.early: list[Advanced] = []

    def watch(self, watcher: Watcher) -> None:
        self.tell = watcher

    async def read(self, org_id: UUID, conversation_id: UUID, *, after: int, limit: int) -> list[Record]:
        if self.early:
            self.tell(self.early.pop())
            return []
        return await super().read(org_id, conversation_id, after=after, limit=limit)

    async def fill(self, conversation: UUID, count: int) -> None:
        for n in range(count):
            author = Author(ActorType.USER, new_id(), "Ada")
            await self.append(NewRecord(org_id=ORG, conversation_id=conversation, author=author, content=str(n)))


async def _topic(count: int) -> tuple[Log, Hub, UUID]:
    log, conversation = Log(), new_id()
    await log.create(None, ORG, conversation)
    hub = Hub(log, VerifiedTokens())
    await log.fill(conversation, count)
    return log, hub, conversation


@pytest.mark.rule("C3")
async def test_who_still_reads_history_is_asked_again_too():
    log, hub, conversation = await _topic(MAX_QUEUE)
    reader = Reader()
    hub.attach(reader.listener)
    subscribing = asyncio.create_task(hub.subscribe(reader.listener, ORG, conversation, 0))
    await asyncio.sleep(0)
    assert hub.subscriptions(conversation) == [reader.listener]
    while not reader.listener.full:
        await asyncio.sleep(0)
    assert hub.subscriptions(conversation) == [reader.listener]
    hub.unsubscribe(reader.listener, conversation)
    reader.let.set()
    await subscribing
    await log.fill(conversation, 1)
    log.tell(None)
    reader.listener.push(cast(Any, type("Frame", (), {"text": '{"type":"pong"}', "seq": None})))
    await reader.until("pong")
    assert not {"resumed", MAX_QUEUE} & {frame.get("seq", frame["type"]) for frame in reader.frames}


@pytest.mark.rule("X2")
async def test_an_advance_during_an_early_reading_is_followed():
    log, hub, conversation = await _topic(0)
    reader = Reader()
    reader.let.set()
    hub.attach(reader.listener)
    await hub.subscribe(reader.listener, ORG, conversation, 0)
    await reader.until("resumed")
    await log.fill(conversation, 1)
    log.early = [Advanced(conversation, -1, 1, None)]
    log.tell(None)
    await reader.until("record")
    assert reader.frames[-1]["seq"] == 1


async def test_a_conversation_that_nobody_waits_for_is_not_kept():
    log, hub, conversation = await _topic(1)
    reader = Reader()
    hub.attach(reader.listener)
    subscribing = asyncio.create_task(hub.subscribe(reader.listener, ORG, conversation, 0))
    await asyncio.sleep(0)
    subscribing.cancel()
    hub.detach(reader.listener)
    await asyncio.gather(subscribing, return_exceptions=True)
    reader = Reader()
    reader.let.set()
    hub.attach(reader.listener)
    await log.fill(conversation, 1)
    await hub.subscribe(reader.listener, ORG, conversation, None)
    await reader.until("resumed")
    assert reader.frames == [{"type": "resumed", "conversation": str(conversation), "seq": 2}]


@pytest.mark.rule("D10")
async def test_a_connection_ends_when_its_token_does():
    _, hub, _ = await _topic(0)
    lasting, ending = Reader(expires_at=time.time() + 3600), Reader(expires_at=time.time() + 0.01)
    for reader in (lasting, ending):
        hub.attach(reader.listener)
    assert await in_time(ending.closed, 5) == GOING_AWAY
    assert not lasting.closed.done()
    for reader in (lasting, ending):
        hub.detach(reader.listener)


@pytest.mark.rule("A5")
async def test_who_is_revoked_on_the_way_in_is_sent_away():
    tokens = VerifiedTokens()
    actor = Actor(type=ActorType.AGENT, id=new_id(), org_id=ORG)

    async def verify(_token: str, _org: str | None, _address: str | None) -> Verified:
        return Verified(actor, (f"agent:{actor.id}",))

    tokens.register("cwk_", verify)
    verified, hub = await tokens.resolve("cwk_x"), Hub(Log(), tokens)
    codes: list[int] = []

    async def send(_text: str, _seq: int | None) -> None: ...

    hub.attach(Listener(verified, send, codes.append))
    assert codes == []
    late = Listener(verified, send, codes.append)
    tokens.drop(f"agent:{actor.id}")
    await tokens.resolve("cwk_x")
    hub.attach(late)
    assert codes == [GOING_AWAY]


@pytest.mark.rule("A5")
async def test_who_was_signed_out_says_nothing_more_however_slowly_they_read(server: Server, org: Org):
    member, channel = await org.add("member"), await server.general(org)
    verified = await server.services.verified.resolve(token_of(member.api))
    arriving: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    closing = asyncio.Event()

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "websocket.close":
            closing.set()
        await asyncio.Event().wait()

    connection = Connection(server.services, server.hub, verified.actor, verified, send)
    serving = asyncio.create_task(connection.serve(arriving.get))
    await asyncio.sleep(0)
    await member.api.post("/auth/logout-everywhere")
    await in_time(closing.wait(), 5)
    post = {"type": "post", "conversation": channel, "content": "still here", "client_id": "1"}
    await arriving.put({"type": "websocket.receive", "text": msgspec.json.encode(post).decode()})
    await arriving.put({"type": "websocket.disconnect"})
    await serving
    assert (await org.owner.api.get(f"/conversations/{channel}/messages")).json()["items"] == []


class _Slow:
    """A database in which something happens after each reading, before its reader has gone on."""

    def __init__(self, db: Database) -> None:
        self.db, self.hear = db, db.hear
        self.then: list[Any] = []

    @asynccontextmanager
    async def transaction(self, actor: Actor | None) -> AsyncIterator[Tx]:
        async with self.db.transaction(actor) as tx:
            yield tx
        for happen in self.then:
            await happen()
        self.then.clear()


@pytest.mark.rule("C3")
async def test_access_that_is_taken_away_while_it_is_read_is_not_given(server: Server, org: Org):
    private, member = await server.channel(org.owner, type="private"), await org.add("member")
    path = f"/conversations/{private}/members"
    await org.owner.api.post(path, json={"member_type": "user", "member_id": str(member.id)})
    slow = _Slow(server.db)
    cache = AccessCache(cast(Database, slow), server.services.signals)
    assert (await cache.access(member.actor, UUID(private), Verb.READ)).is_member
    cache.forget(UUID(private))

    async def remove() -> None:
        await org.owner.api.delete(f"{path}/user/{member.id}")

    slow.then = [remove]
    with pytest.raises(CrewhallError) as refused:
        await cache.access(member.actor, UUID(private), Verb.READ)
    assert refused.value.code == "not_found"


@pytest.mark.parametrize(("type_", "questions"), [("public", 1), ("private", 3)])
async def test_a_join_asks_for_each_listener_only_where_members_alone_may_read(
    server: Server, org: Org, type_: str, questions: int
):
    channel, members = await server.channel(org.owner, type=type_), [await org.add("member") for _ in range(3)]
    hub, cache = Hub(Log(), VerifiedTokens()), AccessCache(server.db, server.services.signals)
    count = 0

    class Asked:
        async def access(self, actor: Actor, conversation_id: UUID, verb: Verb) -> Any:
            nonlocal count
            count += 1
            return await cache.access(actor, conversation_id, verb)

    readers = [Reader(member.actor) for member in members]
    for reader in readers:
        reader.let.set()
        hub.attach(reader.listener)
        await hub.subscribe(reader.listener, org.id, UUID(channel), None)
    checks = Rechecks(hub, cast(AccessCache, Asked()), server.services.signals)
    await checks._check(UUID(channel))
    assert count == questions
    assert len(hub.subscriptions(UUID(channel))) == (3 if type_ == "public" else 0)
