"""The live WebSocket: many conversations on one connection, commands in, frames out."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import UUID

import msgspec

from crewhall.agents import AgentParts, Presence
from crewhall.conversations import AccessCache, Posting, Verb
from crewhall.faces.live.commands import (
    UNREADABLE,
    Command,
    Heartbeat,
    Ping,
    Post,
    Subscribe,
    Typing,
    Unsubscribe,
    decoder,
    subject_of,
    unreadable,
)
from crewhall.faces.live.frames import error_frame, frame_of
from crewhall.faces.live.hub import Hub
from crewhall.faces.live.listener import GOING_AWAY, SIGNED_OUT, TOO_MANY, Listener
from crewhall.faces.plumbing.problems import MEDIA_TYPE, as_crewhall_error, problem_of
from crewhall.faces.plumbing.routers import API_PREFIX
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.errors import FORBIDDEN, INVALID, MALFORMED, NOT_FOUND, CrewhallError
from crewhall.kernel.limits import RateLimit
from crewhall.kernel.verified import Verified
from crewhall.ports.live import Ephemeral
from crewhall.ports.message_log import NewRecord

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PATH = f"{API_PREFIX}/live"
ORIGIN_REFUSED = 4403
MAX_SUBSCRIPTIONS = 1_000
MAX_PENDING = 64
COMMANDS = RateLimit("live commands", burst=2_000, per_second=1_000)
PONG = frame_of({"type": "pong"})


class LiveSocket:
    """The endpoint: one `Connection` per socket."""

    def __init__(self, services: Services, hub: Hub) -> None:
        self._services = services
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket until it closes."""
        await receive()
        if scope["path"] != PATH:
            await _refuse_address(send)
            return
        actor: Actor | None = scope.get("actor")
        if actor is None or actor.org_id is None:
            refused: CrewhallError | None = scope.get("refused")
            await send({"type": "websocket.accept"})
            await _send_away(send, _close_code(refused), refused.code if refused else "unauthenticated")
            return
        await send({"type": "websocket.accept"})
        try:
            self._hub.check_room(actor)
        except CrewhallError as error:
            await _send_away(send, TOO_MANY, error.code)
            return
        connection = Connection(self._services, self._hub, actor, scope["verified"], send)
        await connection.serve(receive)


async def _refuse_address(send: Send) -> None:
    """Answer the request to become a socket as any other request to an unknown address."""
    error = NOT_FOUND(f"No socket is taken at this address. Open {PATH}.")
    headers = [(b"content-type", MEDIA_TYPE.encode())]
    await send({"type": "websocket.http.response.start", "status": error.kind.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": msgspec.json.encode(problem_of(error))})


async def _send_away(send: Send, code: int, reason: str) -> None:
    await send({"type": "websocket.close", "code": code, "reason": reason})


def _close_code(refused: CrewhallError | None) -> int:
    """What a refused caller is told: to sign in, that its site may not, or to come back later."""
    if refused is not None and refused.code == "cross_origin":
        return ORIGIN_REFUSED
    return GOING_AWAY if refused is not None and "retry_after" in refused.fields else SIGNED_OUT


class Connection:
    """One open socket of one actor."""

    def __init__(self, services: Services, hub: Hub, actor: Actor, verified: Verified, send: Send) -> None:
        self._services = services
        self._hub = hub
        self._actor = actor
        self._send = send
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener = Listener(verified, self._send_text, self._close)
        self._subscribed: set[UUID] = set()

    async def serve(self, receive: Receive) -> None:
        """Read commands until the client goes. An agent is present while its socket is open."""
        self._hub.attach(self._listener)
        try:
            async with contextlib.AsyncExitStack() as stack:
                if self._actor.type is ActorType.AGENT:
                    await stack.enter_async_context(self._services.part(AgentParts).presence.held(self._actor))
                while (message := await receive())["type"] == "websocket.receive":
                    if not self._listener.closed:  # a client may go on talking for as long as it reads no farewell
                        await self._take(message)
        finally:
            self._hub.detach(self._listener)
            for task in tuple(self._tasks):
                task.cancel()

    async def _send_text(self, text: str, _seq: int | None) -> None:
        await self._send({"type": "websocket.send", "text": text})

    def _close(self, code: int) -> None:
        async def close() -> None:
            with contextlib.suppress(Exception):
                await self._send({"type": "websocket.close", "code": code})

        self._start(close())

    def _start(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, message: MutableMapping[str, Any]) -> None:
        """Read one command. Slow ones run beside, so that posts of one socket share a commit."""
        text = message.get("text") or message.get("bytes") or b""
        try:
            self._services.limiter.check(COMMANDS, self._actor.id)
            command = decoder.decode(text)
        except UNREADABLE as error:
            self._listener.push(error_frame(unreadable(error, text), **subject_of(text)))
            return
        except CrewhallError as error:
            self._listener.push(error_frame(error, **subject_of(text)))
            return
        if isinstance(command, Ping):
            self._listener.push(PONG)
            return
        while len(self._tasks) >= MAX_PENDING:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        if isinstance(command, Post):
            await self._post(command)
        else:
            self._start(self._answer(command, lambda: self._run(command)))

    async def _post(self, command: Post) -> None:
        """Compose in the order of the socket, wait for the commit beside it: order holds, and commits are shared."""
        try:
            record = await self._services.part(Posting).compose(self._actor, command.conversation, command)
        except Exception as error:  # noqa: BLE001 - every error goes to the client in the one form
            self._refuse(command, error)
        else:
            self._start(self._answer(command, lambda: self._append(command, record)))

    async def _append(self, command: Post, record: NewRecord) -> None:
        posted = await self._services.part(Posting).append(self._actor, record, Verb.POST)
        self._listener.push(
            frame_of({
                "type": "ack",
                "conversation": command.conversation,
                "client_id": command.client_id,
                "id": posted.message.id,
                "seq": posted.message.seq,
                "created_at": posted.message.created_at,
            })
        )  # fmt: skip

    async def _answer(self, command: Command, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work; an error goes to the client."""
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - every error goes to the client in the one form
            self._refuse(command, error)

    def _refuse(self, command: Command, error: Exception) -> None:
        about = {name: getattr(command, name, None) for name in ("conversation", "client_id")}
        self._listener.push(error_frame(as_crewhall_error(error), **about))

    async def _run(self, command: Command) -> None:
        match command:
            case Subscribe():
                await self._subscribe(command)
            case Unsubscribe():
                self._subscribed.discard(command.conversation)
                self._hub.unsubscribe(self._listener, command.conversation)
            case Typing():
                access = await self._services.part(AccessCache).access(self._actor, command.conversation, Verb.POST)
                self._hub.emit(self._actor, Ephemeral(access.org_id, command.conversation, "typing", {}))
            case Heartbeat():
                if self._actor.type is not ActorType.AGENT:
                    raise FORBIDDEN("Only agents send heartbeats.")
                await self._services.part(AgentParts).presence.say(self._actor, Presence(command.presence))
            case _:
                raise MALFORMED("This command is not known.")

    async def _subscribe(self, command: Subscribe) -> None:
        access = await self._services.part(AccessCache).access(self._actor, command.conversation, Verb.READ)
        self._subscribed.add(command.conversation)
        if len(self._subscribed) > MAX_SUBSCRIPTIONS:
            self._subscribed.discard(command.conversation)
            raise INVALID(f"One socket follows at most {MAX_SUBSCRIPTIONS} conversations. Open another.")
        await self._hub.subscribe(self._listener, access.org_id, command.conversation, command.after)
