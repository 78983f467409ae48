"""How conversations come to be archived: by somebody, or a group by itself once it was idle long enough.

A group's row in `archivings` says when to look at it next. Messages move nothing there, so that posting pays nothing:
who looks too early puts it off.
"""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.conversations.access import bump_membership
from crewhall.conversations.telling import Change, tell_change
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.ports.message_log import MessageLog

ARCHIVINGS_CHANNEL = "crewhall_archivings"
"""Says that a group may have to be looked at earlier than was thought; carries nothing."""

_OPEN: LiteralString = """
insert into archivings (conversation_id, org_id, look_at)
values (%(id)s, %(org)s, now() + idle_after() + archive_after())
on conflict (conversation_id) do update set archived_at = null, archived_by_type = null, archived_by = null,
    look_at = case when not archivings.stays_open then excluded.look_at end
"""
_CLOSE: LiteralString = """
insert into archivings (conversation_id, org_id, archived_at, archived_by_type, archived_by)
values (%(id)s, %(org)s, now(), %(type)s, %(actor)s)
on conflict (conversation_id) do update set look_at = null, archived_at = excluded.archived_at,
    archived_by_type = excluded.archived_by_type, archived_by = excluded.archived_by
"""
_LOOK: LiteralString = """
select c.kind, c.title, c.kind = 'group' and c.status = 'active' and c.deleted_at is null as is_open, a.stays_open,
       h.last_active_at + idle_after() + archive_after() as archives_at,
       h.last_active_at + idle_after() + archive_after() <= now() as is_due,
       round(extract(epoch from idle_after() + archive_after()) / 86400)::integer as days
from archivings a
join conversations c on c.id = a.conversation_id
join conversation_heads h on h.conversation_id = c.id
where a.conversation_id = %(id)s
"""


class _Look(msgspec.Struct):
    kind: str
    title: str | None
    is_open: bool
    stays_open: bool
    archives_at: datetime | None
    is_due: bool | None
    days: int | None


async def note_open(tx: Tx, org_id: UUID, conversation_id: UUID) -> None:
    """Note that a group was opened, or restored: from now on it may fall idle."""
    await tx.run(_OPEN, {"id": conversation_id, "org": org_id})
    await tx.notify(ARCHIVINGS_CHANNEL, "")


async def note_restored(tx: Tx, org_id: UUID, conversation_id: UUID, kind: str) -> None:
    """Note that a conversation takes messages again; a restored group has its whole time before it."""
    if kind != "group":
        await tx.run("delete from archivings where conversation_id = %(id)s", {"id": conversation_id})
        return
    await tx.run(
        "update conversation_heads set last_active_at = now() where conversation_id = %(id)s", {"id": conversation_id}
    )
    await note_open(tx, org_id, conversation_id)


async def note_archived(tx: Tx, actor: Actor, org_id: UUID, conversation_id: UUID) -> None:
    """Note who archived a conversation; the system: it did so by itself."""
    values = {"id": conversation_id, "org": org_id, "type": str(actor.type), "actor": actor.id}
    await tx.run(_CLOSE, values)


async def is_archived_by_itself(tx: Tx, conversation_id: UUID) -> bool:
    """Whether an archived group was idle for too long, and nobody archived it."""
    query = "select archived_by_type from archivings where conversation_id = %(id)s"
    return bool(await tx.value(query, {"id": conversation_id}) == ActorType.SYSTEM)


async def set_stays_open(tx: Tx, conversation_id: UUID, *, stays_open: bool) -> None:
    """Let a group never archive itself, or let it again."""
    await tx.run(
        """
        update archivings a set stays_open = %(stays)s,
            look_at = case when not %(stays)s and a.archived_at is null
                           then h.last_active_at + idle_after() + archive_after() end
        from conversation_heads h
        where a.conversation_id = %(id)s and h.conversation_id = a.conversation_id
        """,
        {"id": conversation_id, "stays": stays_open},
    )
    await tx.notify(ARCHIVINGS_CHANNEL, "")


async def archive_if_idle(tx: Tx, system: Actor, log: MessageLog, conversation_id: UUID) -> bool:
    """Archive a group that was idle long enough, or note when to look again; tells whether it is archived now.

    `system` acts for the group's organization. The rows are locked as somebody who archives it does, and the head as
    who posts: a message is either seen here or refused.
    """
    await tx.run("select from conversations where id = %(id)s for no key update", {"id": conversation_id})
    await tx.run("select from conversation_heads where conversation_id = %(id)s for update", {"id": conversation_id})
    found = await tx.find(_Look, _LOOK, {"id": conversation_id})
    if found is None:
        return False
    if not (found.is_open and found.is_due and not found.stays_open):
        await tx.run(
            "update archivings set look_at = %(at)s where conversation_id = %(id)s",
            {"id": conversation_id, "at": found.archives_at if found.is_open and not found.stays_open else None},
        )
        return False
    await close(tx, system, log, conversation_id)
    details = {"kind": found.kind, "name": found.title, "reason": "idle", "days": found.days}
    await audit.record(tx, system, "conversation.archived", "conversation", conversation_id, details)
    return True


async def close(tx: Tx, actor: Actor, log: MessageLog, conversation_id: UUID) -> None:
    """Make an open conversation read-only; who may, and what is audited, is decided by the callers."""
    await tx.run(
        "update conversations set status = 'archived', updated_by = %(actor)s where id = %(id)s",
        {"id": conversation_id, "actor": actor.id},
    )
    await note_archived(tx, actor, actor.org, conversation_id)
    await log.retire(tx, actor.org, conversation_id)
    await tell_change(tx, actor.org, conversation_id, Change.ARCHIVED)
    await bump_membership(tx, conversation_id)
