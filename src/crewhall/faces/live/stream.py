"""The live stream of one conversation as server-sent events: the same frames, `id:` is the seq."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, QueryParameter
from litestar.response import Stream

from crewhall.conversations import AccessCache, Verb
from crewhall.faces.live.frames import error_frame
from crewhall.faces.live.hub import Hub
from crewhall.faces.live.listener import Listener
from crewhall.faces.plumbing.dependencies import AnyRequest
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.verified import Verified
from crewhall.ports.message_log import MAX_SEQ

log = logging.getLogger(__name__)
KEEPALIVE_S = 20.0
MAX_AHEAD = 64

After = Annotated[int | None, QueryParameter(ge=0, le=MAX_SEQ)]
LastEventId = Annotated[str | None, HeaderParameter(name="Last-Event-ID", pattern=r"^[0-9]{0,18}$")]
"""Refused where it is no seq: beginning from now instead would leave a gap that nobody sees."""


class EventStream:
    """A listener whose frames are read by an HTTP response."""

    def __init__(self, verified: Verified) -> None:
        self._events: asyncio.Queue[str] = asyncio.Queue(MAX_AHEAD)
        self._closed = asyncio.Event()
        self.listener = Listener(verified, self._put, lambda _code: self._closed.set())

    async def _put(self, text: str, seq: int | None) -> None:
        head = f"id: {seq}\n" if seq is not None else ""
        await self._events.put(f"{head}data: {text}\n\n")

    def _subscribed(self, task: asyncio.Task[None]) -> None:
        """End a stream that could not be begun (the database is away): its reader comes back and begins again."""
        if not task.cancelled() and (error := task.exception()):
            log.warning("a stream could not be begun", extra={"reason": str(error).strip()})
            self._closed.set()

    async def events(self, hub: Hub, begin: Callable[[Listener], Coroutine[Any, Any, None]]) -> AsyncIterator[str]:
        """Give event after event until the reader goes or is cut off; a comment now and then keeps proxies awake.

        `begin` subscribes the listener, which is attached by then. Where too many were begun at the same moment, the
        one event says so.
        """
        try:
            hub.attach(self.listener)
        except CrewhallError as error:
            yield f"data: {error_frame(error).text}\n\n"
            return
        subscribing = asyncio.create_task(begin(self.listener))
        subscribing.add_done_callback(self._subscribed)
        closed = asyncio.create_task(self._closed.wait())
        waiting = asyncio.create_task(self._events.get())
        try:
            yield "retry: 1000\n\n"
            while not self._closed.is_set():
                done, _ = await asyncio.wait(
                    {waiting, closed}, timeout=KEEPALIVE_S, return_when=asyncio.FIRST_COMPLETED
                )
                if waiting in done:
                    event = waiting.result()
                    waiting = asyncio.create_task(self._events.get())
                    yield event
                elif not done:
                    yield ": still here\n\n"
        finally:
            for task in (subscribing, closed, waiting):
                task.cancel()
            hub.detach(self.listener)


@get(
    "/{conversation_id:uuid}/stream",
    summary="Follow a conversation (server-sent events)",
    description=(
        "Every log record after `after` (or `Last-Event-ID`, which wins), then live; beyond the newest record only "
        "what is live. `resumed` says up to which seq all was sent. The frames of the socket."
    ),
    media_type="text/event-stream",
)
async def stream_conversation(
    conversation_id: FromPath[UUID],
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: After = None,
    last_event_id: LastEventId = None,
) -> Stream:
    """Follow one conversation."""
    cache, hub = services.part(AccessCache), services.part(Hub)
    await cache.access(actor, conversation_id, Verb.READ)
    hub.check_room(actor)
    start = int(last_event_id) if last_event_id else after

    async def begin(listener: Listener) -> None:
        # Asked once more, and nothing awaits before subscribing: from here on changes of membership reach the listener.
        access = await cache.access(actor, conversation_id, Verb.READ)
        await hub.subscribe(listener, access.org_id, conversation_id, start)

    events = EventStream(request.scope["verified"]).events(hub, begin)  # type: ignore[typeddict-item]
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Stream(events, media_type="text/event-stream", headers=headers)
