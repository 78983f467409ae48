"""The clock of later messages: one timer for the nearest that is due, and none while nothing is.

A message is taken (`sending`) before it is posted, so that nothing of it changes any more, and is gone once it is
posted. Whoever dies between leaves it taken: after a little while another takes it, and the client id lets the log keep
it once.
"""

import logging
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.conversations.later import LATER_CHANNEL, get_later
from crewhall.conversations.posting import Posted, Posting
from crewhall.conversations.schemas import PostMessage
from crewhall.identity import find_actor
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CONFLICT, CrewhallError
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer
from crewhall.ports.message_log import MessageKind

log = logging.getLogger(__name__)
BATCH = 100
GRACE = timedelta(days=1)
"""So long after its moment it is still posted, where nothing ran then."""
LEFT = "You were not in the organization any more."
LATE = "Nothing ran here at its moment, and that is more than a day ago."
BUSY = frozenset({429, 500, 503})
"""Refused for now: it is tried again."""

_TAKE: LiteralString = """
update later_messages set status = 'sending', refusal = null, look_at = clock_timestamp() + interval '30 seconds'
where id = %(id)s and user_id = %(user)s
  and (%(now)s or look_at <= clock_timestamp()) and (status <> 'sending' or look_at <= clock_timestamp())
returning id, conversation_id, parent_id, kind, title, content, due_at
"""
_REFUSE: LiteralString = """
update later_messages set status = 'refused', refusal = %(refusal)s, look_at = null
where id = %(id)s and status in ('waiting', 'sending')
"""


class _Next(msgspec.Struct):
    org_id: UUID
    user_id: UUID
    id: UUID
    due_in: float


class _Taken(msgspec.Struct):
    id: UUID
    conversation_id: UUID
    parent_id: UUID | None
    kind: MessageKind | None
    title: str | None
    content: str
    due_at: datetime


class LaterClock:
    """Posts later messages of every organization, whichever process is first."""

    def __init__(self, db: Database, signals: Signals, posting: Posting) -> None:
        self._db = db
        self._posting = posting
        self._timer = DueTimer("later messages", self.post_due)
        signals.subscribe(LATER_CHANNEL, lambda _payload: self._timer.stir())
        signals.on_lost(self._timer.stir)

    def start(self) -> None:
        """Post what was due, then wait for the next; the database and the log must be up."""
        self._timer.start()

    async def stop(self) -> None:
        """Stop; what is due meanwhile is posted by another process, or at the next start."""
        await self._timer.stop()

    async def post_due(self) -> float | None:
        """Post everything that is due; gives the seconds until the next, None when nothing is ever due.

        One that fails keeps no other from being posted; the failure is raised afterwards.
        """
        failure: Exception | None = None
        while True:
            async with self._db.transaction(None) as tx:
                found = await tx.all(_Next, "select * from next_later_messages(%(size)s)", {"size": BATCH})
            due = [one for one in found if one.due_in <= 0]
            for one in due:
                try:
                    await post_later(self._db, self._posting, one.org_id, one.user_id, one.id)
                except Exception as error:  # noqa: BLE001 - raised below
                    log.warning("a later message was not posted", extra={"later": str(one.id), "reason": str(error)})
                    failure = error
            if failure is not None:
                raise failure
            if len(due) < len(found):
                return found[len(due)].due_in
            if not due:
                return None


async def post_later(db: Database, posting: Posting, org_id: UUID, user_id: UUID, later_id: UUID) -> Posted | None:
    """Post a later message if it is due, as its writer; None when it was refused for good, or not due (any more).

    Raises what lets it be tried again: the database is away, too many posts at once.
    """
    async with db.transaction(system_actor(org_id)) as tx:
        writer = await find_actor(tx, org_id, user_id)
        if writer is None:
            await _refuse(tx, later_id, LEFT)
            return None
    taken = await _take(db, writer, later_id)
    if taken is None:
        return None
    if taken.due_at < utc_now() - GRACE:
        async with db.transaction(writer) as tx:
            await _refuse(tx, later_id, LATE)
        return None
    try:
        return await _post(db, posting, writer, taken)
    except CrewhallError as error:
        if error.kind.status in BUSY:
            raise
        return None


async def send_now(db: Database, posting: Posting, actor: Actor, later_id: UUID) -> Posted:
    """Post one of the actor's later messages now, whatever its moment.

    Raises NOT_FOUND, CONFLICT (it is being posted), and what posting raises: it is kept, with the reason.
    """
    async with db.transaction(actor) as tx:
        await get_later(tx, actor, later_id)
    taken = await _take(db, actor, later_id, now=True)
    if taken is None:
        raise CONFLICT("It is being posted this very moment.")
    return await _post(db, posting, actor, taken)


async def _take(db: Database, writer: Actor, later_id: UUID, *, now: bool = False) -> _Taken | None:
    async with db.transaction(writer) as tx:
        if now:
            await tx.notify(LATER_CHANNEL, "")  # should this process die, somebody looks at it before its moment
        return await tx.find(_Taken, _TAKE, {"id": later_id, "user": writer.id, "now": now})


async def _post(db: Database, posting: Posting, writer: Actor, taken: _Taken) -> Posted:
    """Post what was taken, and let it be gone; what is refused for good is kept with the reason, and raised."""
    message = PostMessage(
        content=taken.content,
        kind=taken.kind,
        title=taken.title,
        parent_id=taken.parent_id,
        client_id=f"later:{taken.id}",
    )
    try:
        posted = await posting.post(writer, taken.conversation_id, message)
    except CrewhallError as error:
        if error.kind.status not in BUSY:
            async with db.transaction(writer) as tx:
                await _refuse(tx, taken.id, error.detail)
        raise
    async with db.transaction(writer) as tx:
        await tx.run("delete from later_messages where id = %(id)s", {"id": taken.id})
    return posted


async def _refuse(tx: Tx, later_id: UUID, refusal: str) -> None:
    await tx.run(_REFUSE, {"id": later_id, "refusal": refusal})
