"""The running part of an agent: from its inbox and its channels to its handlers, and the markers behind them."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, TypeVar

from crewhall.faces.sdk.backoff import delays
from crewhall.faces.sdk.client import Client
from crewhall.faces.sdk.errors import CrewhallApiError, NotReachable, SignedOut
from crewhall.faces.sdk.frames import Event, RecordEvent, Refused
from crewhall.faces.sdk.handlers import MENTION, MESSAGE, REPLY, Handlers
from crewhall.faces.sdk.incoming import IncomingMessage, Post, Voice
from crewhall.faces.sdk.lanes import Lanes
from crewhall.faces.sdk.live import Live
from crewhall.faces.sdk.marker import Marker
from crewhall.faces.sdk.records import Delivery, Message
from crewhall.faces.sdk.resources import Me

log = logging.getLogger("crewhall.sdk")
T = TypeVar("T")
WAITING = 1000
HEARTBEAT_S = 20.0
BUSY_STATUS = 500


class Manner(Protocol):
    """How an agent wants to be run."""

    channels: tuple[str, ...]
    concurrency: int
    answer_agents: bool
    grace_s: float


class Service:
    """One connected agent."""

    def __init__(self, manner: Manner, client: Client, handlers: Handlers) -> None:
        self._manner = manner
        self._client = client
        self._handlers = handlers
        self._lanes = Lanes(manner.concurrency, WAITING)
        self._live: Live = client.live()
        self._markers: dict[str, Marker] = {}
        self._inbox_id = ""
        self._id = ""
        self._voice = Voice(self._post, self._react, self._typing, "")
        self._moved = asyncio.Event()

    async def introduce(self) -> Me:
        """Learn who the agent is; waits for a server that is not there yet."""
        me = await patiently(self._client.me)
        if me.agent is None or me.inbox_id is None:
            raise CrewhallApiError("not_an_agent", 0, "This token is not an agent's key.")
        self._id, self._inbox_id = me.agent.id, me.inbox_id
        self._voice = Voice(self._post, self._react, self._typing, me.agent.code)
        return me

    async def serve(self, stop: asyncio.Event) -> None:
        """Handle what comes until told to stop; then finish what runs and save the markers."""
        sources = [await self._inbox(), *[await self._channel(name) for name in self._manner.channels]]
        self._markers = {marker.conversation_id: marker for marker in sources}
        async with self._live:
            for marker in sources:
                await self._live.subscribe(marker.conversation_id, after=marker.saved)
            log.info("listening as @%s", self._voice.name)
            saving = asyncio.create_task(self._save_markers())
            beating = asyncio.create_task(self._beat())
            reading = asyncio.create_task(self._read())
            stopping = asyncio.create_task(stop.wait())
            try:
                watched: set[asyncio.Future[None] | asyncio.Task[bool] | asyncio.Task[None]] = {
                    self._lanes.failure, reading, stopping,
                }  # fmt: skip
                await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _cancel(reading, stopping, beating)
                await self._lanes.close(self._manner.grace_s)
                await _cancel(saving)
            await self._finish(reading)

    async def _finish(self, reading: "asyncio.Task[None]") -> None:
        failures = [future for future in (self._lanes.failure, reading) if future.done() and not future.cancelled()]
        for future in failures:
            error = future.exception()
            if error is not None:
                raise error
        for marker in self._markers.values():
            with contextlib.suppress(NotReachable, CrewhallApiError):
                await self._save(marker, retry_for=5.0)

    async def _inbox(self) -> Marker:
        return await self._marker(self._inbox_id)

    async def _channel(self, name: str) -> Marker:
        """Follow a channel, joining it first: from where the agent was, or from now."""
        found = await patiently(lambda: self._client.conversations.find(name))
        if not found.is_member:
            await patiently(lambda: self._client.conversations.join(found.id))
        return await self._marker(found.id)

    async def _marker(self, conversation_id: str) -> Marker:
        conversation = await patiently(lambda: self._client.conversations.get(conversation_id))
        return Marker(conversation_id, conversation.last_read_seq)

    async def _read(self) -> None:
        async for event in self._live:
            await self._take(event)

    async def _take(self, event: Event) -> None:
        if isinstance(event, Refused) and event.conversation is not None:
            self._leave(event.conversation, CrewhallApiError(event.code, 0, event.detail))
        if not isinstance(event, RecordEvent) or event.conversation not in self._markers:
            return
        marker = self._markers[event.conversation]
        incoming = await self._incoming(event)
        if incoming is None:
            marker.finish(event.seq)
            self._moved.set()
            return
        marker.begin(event.seq)
        message, reason = incoming
        await self._lanes.put(message.conversation_id, lambda: self._handle(message, reason, marker, event.seq))

    def _leave(self, conversation_id: str, error: CrewhallApiError) -> None:
        """Follow a conversation no longer that the agent has lost; without its inbox it cannot go on."""
        if conversation_id == self._inbox_id and not self._lanes.failure.done():
            self._lanes.failure.set_exception(error)
        if self._markers.pop(conversation_id, None) is not None:
            log.warning("no longer following %s: %s", conversation_id, error.detail)

    async def _incoming(self, event: RecordEvent) -> tuple[Message, str] | None:
        """The message to handle and why; None for what is not for the handlers."""
        record = event.record
        if isinstance(record, Delivery):
            message, reason = record.metadata.message, record.metadata.reason
            is_followed = message.conversation_id in self._markers
            if is_followed and (reason == MESSAGE or reason not in self._handlers.by_reason):
                return None  # the channel's own stream brings it
        elif isinstance(record, Message):
            message, reason = record, MESSAGE
            if MENTION in self._handlers.by_reason and self._id in message.mentions:
                return None  # the inbox brings it
            if REPLY in self._handlers.by_reason and await self._answers_me(message):
                return None
        else:
            return None
        is_own = message.author.id == self._id
        is_idle_talk = message.author.type == "agent" and not self._manner.answer_agents
        return None if is_own or is_idle_talk or message.deleted_at is not None else (message, reason)

    async def _answers_me(self, message: Message) -> bool:
        if message.parent_id is None:
            return False
        parent_id = message.parent_id
        try:
            parent = await patiently(lambda: self._client.messages.get(message.conversation_id, parent_id))
        except SignedOut:
            raise
        except CrewhallApiError:
            return False  # the agent has just lost sight of the conversation
        return parent.author.id == self._id

    async def _handle(self, message: Message, reason: str, marker: Marker, seq: int) -> None:
        handler = self._handlers.find(reason, is_direct=reason == MESSAGE and marker.conversation_id == self._inbox_id)
        if handler is not None:
            await self._handlers.handle(handler, lambda: IncomingMessage(message, reason, self._voice))
        marker.finish(seq)
        self._moved.set()

    async def _post(self, message: Message, post: Post, client_id: str) -> Message:
        thread = message.parent_id or (message.id if post.thread else None)
        kind = post.kind or ("answer" if client_id.startswith("answer:") else None)
        return await self._client.messages.post(
            message.conversation_id,
            post.content,
            kind=kind,
            title=post.title,
            files=post.files,
            parent_id=thread,
            metadata={**(post.metadata or {}), "answers": message.id},
            client_id=client_id,
        )

    async def _react(self, message: Message, emoji: str) -> None:
        await self._client.messages.react(message.conversation_id, message.id, emoji)

    async def _typing(self, message: Message) -> None:
        await self._live.typing(message.conversation_id)

    async def _save_markers(self) -> None:
        while True:
            await self._moved.wait()
            self._moved.clear()
            for marker in list(self._markers.values()):
                try:
                    await patiently(partial(self._save, marker))
                except CrewhallApiError as error:
                    self._leave(marker.conversation_id, error)

    async def _save(self, marker: Marker, retry_for: float | None = None) -> None:
        seq = marker.seq
        if seq > marker.saved:
            await self._client.conversations.mark_read(marker.conversation_id, seq, retry_for=retry_for)
            marker.saved = seq

    async def _beat(self) -> None:
        while True:
            await self._live.heartbeat("busy" if self._lanes.is_full else "online")
            await asyncio.sleep(HEARTBEAT_S)


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the server can be reached; raises what else goes wrong."""
    for pause in delays():
        try:
            return await ask()
        except NotReachable as error:
            log.info("waiting: %s", error)
        except CrewhallApiError as error:
            if error.status < BUSY_STATUS:
                raise
            log.info("waiting: %s", error)
        await asyncio.sleep(pause)
    raise AssertionError("unreachable")


async def _cancel(*tasks: asyncio.Task[None] | asyncio.Task[bool]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
