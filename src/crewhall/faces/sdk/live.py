"""The live connection: many conversations on one socket that mends itself, without gaps and without doubles."""

import asyncio
import contextlib
import logging
import time
from typing import Any, Self
from uuid import uuid4

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from crewhall.faces.sdk.backoff import delays
from crewhall.faces.sdk.dialling import dial, refusal_of
from crewhall.faces.sdk.errors import CrewhallApiError, NotReachable, SignedOut
from crewhall.faces.sdk.frames import Ack, Event, Frame, RecordEvent, Refused, Resumed, frame, read_frame
from crewhall.faces.sdk.posts import PATIENT, WaitingPosts
from crewhall.faces.sdk.transport import Transport

log = logging.getLogger("crewhall.sdk")
AHEAD = 1000
"""Events kept for a consumer that is slower than the server; beyond, the socket is not read until it catches up."""
MAX_POST = 255 * 1024
PING_EVERY_S = 15.0
SILENT_FOR_S = 40.0
PASSING = (ConnectionClosed, InvalidHandshake, OSError, NotReachable)


class _Subscription:
    """`after` is the last seq given; None until the server has said where "now" is."""

    def __init__(self, after: int | None) -> None:
        self.after = after
        self.resumed = asyncio.Event()


class Live:
    """Iterate over it for events.

    A lost connection is opened again and resumes after the last seq of each conversation; each record is given once,
    in order. Iteration ends when it is closed and raises SignedOut when the token or key is refused for good.

        async with client.live() as live:
            await live.subscribe(conversation_id, after=7)
            async for event in live: ...
    """  # fmt: skip

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._subscriptions: dict[str, _Subscription] = {}
        self._posts = WaitingPosts()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue(AHEAD)
        self._socket: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._later: set[asyncio.Task[None]] = set()
        self._failure: Exception | None = None
        self._heard = 0.0
        self._is_proven = False
        self.connections = 0
        """How many times the socket was opened."""

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep_connected(), name="crewhall live")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the socket; iteration ends."""
        tasks = [task for task in (self._task, *self._later) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._end(None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        event = await self._events.get()
        if event is not None:
            return event
        self._events.put_nowait(None)
        if self._failure is not None:
            raise self._failure
        raise StopAsyncIteration

    @property
    def is_connected(self) -> bool:
        """Whether the socket is open right now."""
        return self._socket is not None

    async def subscribe(self, conversation_id: str, after: int | None = None) -> None:
        """Follow a conversation from after a seq; None follows it from now. Subscribing again starts over."""
        self._subscriptions[conversation_id] = _Subscription(after)
        await self._send(frame("subscribe", conversation=conversation_id, after=after))

    async def unsubscribe(self, conversation_id: str) -> None:
        """Stop following a conversation."""
        if self._subscriptions.pop(conversation_id, None) is not None:
            await self._send(frame("unsubscribe", conversation=conversation_id))

    async def caught_up(self, conversation_id: str) -> None:
        """Wait until everything that had been posted was given; wait beside the iteration, not inside it."""
        await self._subscriptions[conversation_id].resumed.wait()

    async def post(self, conversation_id: str, content: str, *, client_id: str | None = None, **fields: Any) -> Ack:
        """Post over the socket; returns when durable. Sent again after a lost connection, still posted once.

        `fields`: kind, title, parent_id, metadata.
        """
        client_id = client_id or uuid4().hex
        text = frame("post", conversation=conversation_id, content=content, client_id=client_id, **fields)
        if len(text.encode()) > MAX_POST:
            raise CrewhallApiError("too_large", 0, f"A post is at most {MAX_POST // 1024} KiB.")
        acknowledged = self._posts.add(client_id, text)
        if self._failure is not None:
            self._posts.fail_all(self._failure)
        await self._send(text)
        return await asyncio.shield(acknowledged)

    async def typing(self, conversation_id: str) -> None:
        """Show the others that something is being written; dropped while not connected."""
        await self._send(frame("typing", conversation=conversation_id))

    async def heartbeat(self, presence: str = "online") -> None:
        """An agent's sign of life: `online` or `busy`; dropped while not connected."""
        await self._send(frame("heartbeat", presence=presence))

    async def _send(self, text: str) -> None:
        """Send if connected. What matters is sent again on the next connection, so a lost frame is no error."""
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(text)

    async def _keep_connected(self) -> None:
        pauses, renewed = delays(), False
        while True:
            self._is_proven = False
            token = ""
            try:
                token = await self._transport.token()
                await self._converse(token)
            except Exception as error:  # noqa: BLE001 - each either passes or ends the connection
                failure = await self._judge(error, token, renewed=renewed and not self._is_proven)
                if failure is not None:
                    return self._end(failure)
                renewed = isinstance(refusal_of(error), SignedOut)
                log.info("live connection lost: %s", error)
            if self._is_proven:
                pauses = delays()
            await asyncio.sleep(next(pauses))

    async def _judge(self, error: Exception, token: str, *, renewed: bool) -> Exception | None:
        """Give what ends the connection for good; None when trying again may help, with a new token if need be."""
        if not isinstance(error, PASSING):
            return error
        refusal = refusal_of(error)
        if not isinstance(refusal, SignedOut) or renewed:
            return refusal
        try:
            await self._transport.renew(token, refusal)
        except NotReachable:
            return None
        except Exception as ended:  # noqa: BLE001 - any refusal of a renewal ends the connection
            return ended
        return None

    async def _converse(self, token: str) -> None:
        socket = await dial(self._transport, token)
        self._heard = time.monotonic()
        watcher = asyncio.create_task(self._watch(socket))
        try:
            await self._greet(socket)
            while True:
                found = _read(await socket.recv())
                self._is_proven = True
                if found is not None:
                    await self._take(found)
                self._heard = time.monotonic()
        finally:
            self._socket = None
            watcher.cancel()
            await socket.close()

    async def _greet(self, socket: ClientConnection) -> None:
        """Say again what this connection must know; from here on `_send` reaches the server."""
        self._socket = socket
        self.connections += 1
        for conversation_id, subscription in self._subscriptions.items():
            subscription.resumed.clear()
            await socket.send(frame("subscribe", conversation=conversation_id, after=subscription.after))
        for text in self._posts.texts():
            await socket.send(text)

    async def _take(self, found: Frame) -> None:
        match found:
            case Ack():
                self._posts.acknowledge(found)
            case RecordEvent() | Resumed():
                if self._is_news(found):
                    await self._events.put(found)
            case Refused():
                if not self._is_settled(found):
                    await self._events.put(found)
            case _:
                await self._events.put(found)

    def _is_news(self, found: RecordEvent | Resumed) -> bool:
        """Move the subscription on; false for what was given before or is no longer followed."""
        subscription = self._subscriptions.get(found.conversation)
        if subscription is None:
            return False
        if isinstance(found, Resumed):
            subscription.after = max(subscription.after or 0, found.seq)
            subscription.resumed.set()
            return True
        if subscription.after is not None and found.seq <= subscription.after:
            return False
        subscription.after = found.seq
        return True

    def _is_settled(self, refused: Refused) -> bool:
        """Deal with a refusal; false when the consumer must hear of it."""
        if refused.client_id is not None:
            if self._posts.refuse(refused):
                self._again_later(refused)
            return True
        if refused.code in PATIENT and (refused.conversation is None or refused.conversation in self._subscriptions):
            self._again_later(refused)
            return True
        self._subscriptions.pop(refused.conversation or "", None)
        return False

    def _again_later(self, refused: Refused) -> None:
        async def send() -> None:
            await asyncio.sleep(refused.retry_after or 1.0)
            await self._send_again(refused)

        task = asyncio.create_task(send())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _send_again(self, refused: Refused) -> None:
        """Send what was refused for now; where the refusal does not say what it was, every waiting post."""
        subscription = self._subscriptions.get(refused.conversation or "")
        if refused.client_id is None and subscription is not None:
            await self._send(frame("subscribe", conversation=refused.conversation, after=subscription.after))
            return
        for text in self._posts.texts(refused.client_id):
            await self._send(text)

    async def _watch(self, socket: ClientConnection) -> None:
        """Ask for a sign of life; a socket that stays silent is cut off. A full queue is not silence."""
        while True:
            await asyncio.sleep(PING_EVERY_S)
            if self._events.full():
                continue
            if time.monotonic() - self._heard > SILENT_FOR_S:
                socket.transport.abort()
                return
            with contextlib.suppress(ConnectionClosed):
                await asyncio.wait_for(socket.send(frame("ping")), PING_EVERY_S)

    def _end(self, failure: Exception | None) -> None:
        if failure is not None and self._failure is None:
            self._failure = failure
        self._posts.fail_all(self._failure or NotReachable("The live connection was closed."))
        if self._events.full():
            self._events.get_nowait()
        self._events.put_nowait(None)


def _read(text: str | bytes) -> Frame | None:
    try:
        return read_frame(text)
    except msgspec.MsgspecError as error:
        raise CrewhallApiError(
            "unreadable_frame", 0, f"This client cannot read a frame of the server: {error}"
        ) from error
