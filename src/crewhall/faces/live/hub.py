"""The hub of one process: follows the log, and pushes each record to the listeners of its conversation.

A conversation's history and its live records are one stream: a listener says the last seq it has, is given what came
after it in order, and joins the live listeners at the moment when nothing is missing.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from uuid import UUID

from psycopg import OperationalError

from crewhall.faces.live.frames import Frame, ephemeral_frame, record_frame, resumed_frame
from crewhall.faces.live.listener import GOING_AWAY, SIGNED_OUT, Listener
from crewhall.faces.live.topic import Topic
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import define_error
from crewhall.kernel.telemetry import live_sockets
from crewhall.kernel.verified import VerifiedTokens
from crewhall.ports.live import Ephemeral
from crewhall.ports.message_log import Advanced, MessageLog

log = logging.getLogger(__name__)
READ_SIZE = 200
RETRY_S, LAST_RETRY_S = 0.2, 2.0
MOST_PER_ACTOR = 64
COME_BACK_S = 10
TOO_MANY_CONNECTIONS = define_error("too_many_connections", 429, "Too many live connections")


class Hub:
    """Topics and listeners. Everything runs on the loop's thread; nothing is locked."""

    def __init__(
        self, message_log: MessageLog, verified: VerifiedTokens, *, most_per_actor: int = MOST_PER_ACTOR
    ) -> None:
        self._log = message_log
        self._verified = verified
        self._most_per_actor = most_per_actor
        self._held: Counter[UUID] = Counter()
        self._topics: dict[UUID, Topic] = {}
        self._opening: dict[UUID, asyncio.Task[Topic]] = {}
        self._coming: Counter[UUID] = Counter()
        self._listeners: dict[Listener, dict[UUID, object]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.forward: Callable[[Actor, Ephemeral], None] = lambda _actor, _frame: None
        """Hands ephemeral frames to the other processes; set by the composition."""
        message_log.watch(self._on_advance)
        verified.on_revoked(self._on_revoked)

    # -- listeners

    def check_room(self, actor: Actor) -> None:
        """Raise TOO_MANY_CONNECTIONS when somebody holds as many connections to this process as one may."""
        if self._held[actor.id] >= self._most_per_actor:
            raise TOO_MANY_CONNECTIONS(
                f"You hold {self._most_per_actor} live connections, the most that one may. Close one, or follow more "
                "conversations on one socket.",
                limit=self._most_per_actor,
                retry_after=COME_BACK_S,
            )

    def attach(self, listener: Listener) -> None:
        """Count a new connection, until it is detached; raises TOO_MANY_CONNECTIONS.

        It ends with what authenticated it, at once where that was revoked on the way here: who comes back is asked
        anew.
        """
        self.check_room(listener.actor)
        self._held[listener.actor.id] += 1
        self._listeners[listener] = {}
        live_sockets.inc()
        until = listener.verified.expires_at
        if not self._verified.holds(listener.verified):
            listener.close(GOING_AWAY)
        elif until is not None:
            left = max(0.0, until - time.time())
            listener.expiry = asyncio.get_running_loop().call_later(left, listener.close, GOING_AWAY)

    def detach(self, listener: Listener) -> None:
        """Forget a connection and all it listened to."""
        if listener not in self._listeners:
            return
        for conversation_id in self._listeners.pop(listener):
            self._leave(listener, conversation_id)
        self._held[listener.actor.id] -= 1
        if not self._held[listener.actor.id]:
            del self._held[listener.actor.id]
        live_sockets.dec()
        listener.end()
        if listener.expiry is not None:
            listener.expiry.cancel()

    async def subscribe(self, listener: Listener, org_id: UUID, conversation_id: UUID, after: int | None) -> None:
        """Send what came after `after` (None: nothing), then `resumed`, then what is live. The caller checks access."""
        if listener not in self._listeners:
            return
        self.unsubscribe(listener, conversation_id)
        subscription = object()
        self._listeners[listener][conversation_id] = subscription
        self._coming[conversation_id] += 1
        try:
            topic = await self._topic(org_id, conversation_id)
            topic.interested.add(listener)
        finally:
            self._coming[conversation_id] -= 1
            if not self._coming[conversation_id]:
                del self._coming[conversation_id]
                if conversation_id in self._topics:
                    self._forget_unless_wanted(conversation_id, self._topics[conversation_id])
        if after is not None and after > topic.last_seq:
            await self._reach(topic, conversation_id, after)
        sent = topic.last_seq if after is None else min(after, topic.last_seq)
        while sent < topic.last_seq and self._holds(listener, conversation_id, subscription):
            for frame in await self._missed(topic, conversation_id, sent):
                listener.push(frame)
                sent = frame.seq or sent
            await listener.room()
        # Nothing awaits between the last look at the tail and joining: no record slips between history and live.
        if self._holds(listener, conversation_id, subscription):
            listener.push(resumed_frame(conversation_id, sent))
            topic.listeners.add(listener)
        elif conversation_id not in self._listeners.get(listener, ()):
            self._leave(listener, conversation_id)

    async def _reach(self, topic: Topic, conversation_id: UUID, seq: int) -> None:
        """Bring a tail that lags as far as its reader, who has read on in another process: nothing is sent twice."""
        seq = min(seq, await self._log.head(topic.org_id, conversation_id))
        while topic.last_seq < seq:
            topic.deliver(await self._log.read(topic.org_id, conversation_id, after=topic.last_seq, limit=READ_SIZE))

    def _holds(self, listener: Listener, conversation_id: UUID, subscription: object) -> bool:
        return not listener.closed and self._listeners.get(listener, {}).get(conversation_id) is subscription

    def unsubscribe(self, listener: Listener, conversation_id: UUID) -> bool:
        """Stop sending a conversation's records; tells whether they were sent until now."""
        followed = conversation_id in self._listeners.get(listener, ())
        if followed:
            del self._listeners[listener][conversation_id]
            self._leave(listener, conversation_id)
        return followed

    def subscriptions(self, conversation_id: UUID) -> list[Listener]:
        """Who follows a conversation, live or still reading its history: for checking their access again."""
        return [listener for listener, followed in self._listeners.items() if conversation_id in followed]

    def connections(self, org_id: UUID, actor_id: UUID) -> list[Listener]:
        """The connections that somebody has in an organization."""
        return [one for one in self._listeners if one.actor.id == actor_id and one.actor.org_id == org_id]

    def close(self) -> None:
        """Close every connection: the process is going away, readers resume elsewhere."""
        for listener in list(self._listeners):
            listener.close(GOING_AWAY)

    # -- ephemeral frames

    def emit(self, actor: Actor, frame: Ephemeral) -> None:
        """See ports.live.Live: send to our listeners and hand to the other processes."""
        self.emit_here(actor, frame)
        self.forward(actor, frame)

    def emit_here(self, actor: Actor, frame: Ephemeral) -> None:
        """Send to the listeners of this process only."""
        if frame.conversation_id is not None:
            topic = self._topics.get(frame.conversation_id)
            listeners = tuple(topic.listeners) if topic else ()
        else:
            listeners = tuple(one for one in self._listeners if one.actor.org_id == frame.org_id)
        made: Frame | None = None
        for listener in listeners:
            if listener.actor.id != actor.id:
                made = made or ephemeral_frame(actor, frame)
                listener.push(made)

    # -- following the log

    def _on_advance(self, advanced: Advanced | None) -> None:
        if advanced is None:
            for conversation_id, known in self._topics.items():
                known.heard += 1
                known.target = max(known.target, known.last_seq + 1)
                self._follow(conversation_id, known)
            return
        topic = self._topics.get(advanced.conversation_id)
        if topic is None or advanced.last_seq <= topic.last_seq:
            return
        if advanced.records is not None and advanced.previous_seq == topic.last_seq:
            topic.deliver(advanced.records)
            return
        topic.heard += 1
        topic.target = max(topic.target, advanced.last_seq)
        self._follow(advanced.conversation_id, topic)

    def _follow(self, conversation_id: UUID, topic: Topic) -> None:
        """Read what the log has beyond the tail, one task per topic at most."""
        if not topic.following:
            topic.following = True
            task = asyncio.create_task(self._catch_up(conversation_id, topic))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _catch_up(self, conversation_id: UUID, topic: Topic) -> None:
        retry = RETRY_S
        try:
            while topic.last_seq < topic.target and self._topics.get(conversation_id) is topic:
                heard = topic.heard
                try:
                    records = await self._log.read(topic.org_id, conversation_id, after=topic.last_seq, limit=READ_SIZE)
                except OperationalError as error:  # every topic says so while the database is away: in one line
                    log.warning("the log could not be read", extra={"reason": str(error).strip()})
                    await asyncio.sleep(retry)
                    retry = min(retry * 2, LAST_RETRY_S)
                    continue
                except Exception:
                    log.exception("the log could not be read")
                    await asyncio.sleep(RETRY_S)
                    continue
                retry = RETRY_S
                if not records and heard == topic.heard:  # else an advance came that this reading was too early for
                    topic.target = topic.last_seq
                topic.deliver(records)
        finally:
            topic.following = False

    async def _topic(self, org_id: UUID, conversation_id: UUID) -> Topic:
        """Return the topic, opening it once however many subscribe at the same time."""
        while True:
            found = self._topics.get(conversation_id)
            if found is not None:
                return found
            opening = self._opening.get(conversation_id)
            if opening is None:
                opening = asyncio.create_task(self._open(org_id, conversation_id))
                self._opening[conversation_id] = opening
                opening.add_done_callback(lambda _: self._opening.pop(conversation_id, None))
            await asyncio.shield(opening)

    async def _open(self, org_id: UUID, conversation_id: UUID) -> Topic:
        """Read the head, take part in advances from there on, and read it again: none is missed between."""
        topic = Topic(org_id, await self._log.head(org_id, conversation_id))
        if not self._coming[conversation_id]:  # whoever wanted it has gone
            return topic
        self._topics[conversation_id] = topic
        topic.target += 1  # there may be more; what looks for it tries until the log can be read
        self._follow(conversation_id, topic)
        return topic

    async def _missed(self, topic: Topic, conversation_id: UUID, after: int) -> list[Frame]:
        """The frames after a seq: from the tail where it reaches back far enough, else from the log.

        The log may be ahead of the tail: what the tail has not seen yet is left for it to deliver, once.
        """
        if after >= topic.floor:
            return [frame for frame in topic.tail if (frame.seq or 0) > after]
        records = await self._log.read(topic.org_id, conversation_id, after=after, limit=READ_SIZE)
        return [record_frame(record) for record in records if record.seq <= topic.last_seq]

    def _leave(self, listener: Listener, conversation_id: UUID) -> None:
        topic = self._topics.get(conversation_id)
        if topic is not None:
            topic.listeners.discard(listener)
            topic.interested.discard(listener)
            self._forget_unless_wanted(conversation_id, topic)

    def _forget_unless_wanted(self, conversation_id: UUID, topic: Topic) -> None:
        if not topic.interested and not self._coming[conversation_id]:
            del self._topics[conversation_id]

    def _on_revoked(self, tag: str | None) -> None:
        """Close the connections of whoever was revoked; where that may have been missed all of them, to resume."""
        for listener in list(self._listeners):
            if tag is None or tag in listener.verified.tags:
                listener.close(SIGNED_OUT if tag else GOING_AWAY)
