"""Taking in what was said elsewhere: records with their own times, in channels that take nothing else meanwhile.

Nobody is told of any of it and no agent wakes: `take_past` (0024_imports.sql) puts it before what consumers follow.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from crewhall.conversations.access import bump_membership
from crewhall.conversations.membership import as_member, insert_member
from crewhall.conversations.rows import NewRow, insert_conversation
from crewhall.conversations.schemas import NewMember
from crewhall.conversations.telling import Change, tell_change
from crewhall.conversations.vocabulary import ConversationKind, ConversationStatus, ConversationType, MemberRole
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.ports.message_log import MessageLog, RecordType

ALL_READ = 2**53 - 1
"""The read mark, while a channel's past is taken in, of who has read all of it: a number that browsers know, too."""
_encoder = msgspec.json.Encoder()


class PastRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What was said, or laid over it, elsewhere. Its id is made of where it comes from, so that it is taken once."""

    id: UUID
    type: RecordType
    author: UUID
    author_name: str
    content: str
    at: datetime
    html: str | None = None
    metadata: dict[str, object] | None = None
    parent: UUID | None = None
    target: UUID | None = None
    mentions: list[UUID] | None = None


class _Row(PastRecord, kw_only=True, omit_defaults=True):
    i: int


class Taken(msgspec.Struct, frozen=True):
    """What became of records: taken (so many of them messages), known before, too late, or about nothing here."""

    taken: int = 0
    messages: int = 0
    known: int = 0
    late: int = 0
    lost: int = 0


class PastChannel(msgspec.Struct, kw_only=True):
    """A channel that existed elsewhere."""

    name: str
    description: str
    is_private: bool


async def take_past(tx: Tx, conversation_id: UUID, records: list[PastRecord]) -> Taken:
    """Take records in, which come in order of time. What is older than the newest one there is left out."""
    rows = [_Row(i=i, **msgspec.structs.asdict(record)) for i, record in enumerate(records)]
    return await tx.one(
        Taken,
        "select * from take_past(%(id)s, %(records)s)",
        {"id": conversation_id, "records": _encoder.encode(rows).decode()},
    )


async def known_records(tx: Tx, ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that the organization's log has."""
    return set(await tx.values("select id from message_records where id = any (%(ids)s)", {"ids": list(ids)}))


async def find_empty_channel(tx: Tx, actor: Actor, name: str) -> UUID | None:
    """The public channel of this name, where nothing has been said in it yet."""
    found: UUID | None = await tx.value(
        """
        select c.id from conversations c join conversation_heads h on h.conversation_id = c.id
        where c.org_id = %(org)s and c.kind = 'channel' and c.type = 'public' and c.name = %(name)s
          and c.status <> 'archived' and c.deleted_at is null and h.last_seq = 0 and h.is_open
        """,
        {"org": actor.org, "name": name},
    )
    return found


async def taken_names(tx: Tx, actor: Actor) -> set[str]:
    """The names of the organization's channels, those that the actor may not see among them."""
    return set(
        await tx.values(
            "select name from conversations where org_id = %(org)s and kind = 'channel' and deleted_at is null",
            {"org": actor.org},
        )
    )


async def open_past_channel(tx: Tx, actor: Actor, log: MessageLog, channel: PastChannel) -> UUID:
    """Open a channel of the actor's for what was said elsewhere; it takes no other messages until it is reopened."""
    row = NewRow(
        org_id=actor.org,
        kind=ConversationKind.CHANNEL,
        type=ConversationType.PRIVATE if channel.is_private else ConversationType.PUBLIC,
        owner=as_member(actor),
        name=channel.name,
        description=channel.description,
        is_audited=False,
    )
    await insert_conversation(tx, actor, log, row)
    await insert_member(tx, row.id, row.org_id, as_member(actor), role=MemberRole.OWNER)
    await close_for_past(tx, actor, log, row.id)
    return row.id


async def close_for_past(tx: Tx, actor: Actor, log: MessageLog, conversation_id: UUID) -> None:
    """Let a channel take no messages while its past is taken in; who has read all of it goes on having read all."""
    await log.retire(tx, actor.org, conversation_id)
    await tx.run(
        """
        update conversation_members m set last_read_seq = %(all)s from conversation_heads h
        where m.conversation_id = %(id)s and h.conversation_id = m.conversation_id and m.last_read_seq >= h.last_seq
        """,
        {"id": conversation_id, "all": ALL_READ},
    )
    await tell_change(tx, actor.org, conversation_id, Change.CHANGED)
    await bump_membership(tx, conversation_id)


async def end_past(
    tx: Tx,
    actor: Actor,
    log: MessageLog,
    conversation_id: UUID,
    members: Collection[NewMember],
    *,
    is_archived: bool = False,
) -> None:
    """Make these members, with everything read, and open the channel; or leave it archived, as it was elsewhere."""
    await tx.run(
        """
        update conversation_members m set last_read_seq = h.last_seq from conversation_heads h
        where m.conversation_id = %(id)s and h.conversation_id = m.conversation_id and m.last_read_seq > h.last_seq
        """,
        {"id": conversation_id},
    )
    for member in members:
        await insert_member(tx, conversation_id, actor.org, member)
    if is_archived:
        await tx.run(
            "update conversations set status = %(status)s, updated_by = %(actor)s where id = %(id)s",
            {"id": conversation_id, "actor": actor.id, "status": str(ConversationStatus.ARCHIVED)},
        )
        await log.retire(
            tx, actor.org, conversation_id
        )  # closed it is; now its past is whole, and the log takes it along
    else:
        await log.reopen(tx, actor.org, conversation_id)
    await tell_change(tx, actor.org, conversation_id, Change.CHANGED)
    await bump_membership(tx, conversation_id)
