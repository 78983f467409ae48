"""Storage: the bytes of files, of everybody, each agent or each conversation; metered as files come and go."""

from datetime import UTC, date, datetime
from typing import LiteralString
from uuid import UUID

from crewhall.agents import access_agent
from crewhall.conversations import Verb, access_conversation
from crewhall.governance.reach import IS_READABLE, PLACE, viewer
from crewhall.governance.schemas import StorageRow
from crewhall.governance.vocabulary import UsageGroup
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

NOBODY = UUID(int=0)
"""Stands for everybody, for the people together, and for the conversations that one may not read."""

_ROWS: LiteralString = (
    """
with metered as materialized (
    select d.*, case %(group)s
                     when 'agent' then case d.created_by_type when 'agent' then d.created_by else %(nobody)s end
                     when 'conversation' then case when """
    + IS_READABLE
    + """ then d.conversation_id else %(nobody)s end
                     else %(nobody)s end as group_id,
           %(since)s::date is null or d.day >= %(since)s as is_late
    from storage_days d join conversations c on c.id = d.conversation_id
    where d.org_id = any (current_orgs()) and (%(sees_all)s or """
    + IS_READABLE
    + """)
      and (%(agent)s::uuid is null or (d.created_by_type = 'agent' and d.created_by = %(agent)s))
      and (%(conversation)s::uuid is null or d.conversation_id = %(conversation)s)
), summed as (
    select m.group_id, sum(m.files_added - m.files_removed)::bigint as files,
           sum(m.bytes_added - m.bytes_removed)::bigint as bytes,
           coalesce(sum(m.files_added) filter (where m.is_late), 0)::bigint as files_added,
           coalesce(sum(m.bytes_added) filter (where m.is_late), 0)::bigint as bytes_added
    from metered m group by m.group_id
)
select s.*, %(group)s as group,
       (select json_build_object('id', a.id, 'code', a.code, 'name', a.name) from agents a
        where %(group)s = 'agent' and a.id = s.group_id) as agent,
       (select """
    + PLACE
    + """ from conversations c where %(group)s = 'conversation' and c.id = s.group_id) as conversation
from summed s
where %(at)s::bigint is null or (s.bytes, s.group_id) < (%(at)s, %(id)s)
order by s.bytes desc, s.group_id desc limit %(limit)s
"""
)


class _Row(StorageRow, kw_only=True):
    group_id: UUID


async def list_storage(
    tx: Tx,
    actor: Actor,
    *,
    group: UsageGroup = UsageGroup.TOTAL,
    agent_id: UUID | None = None,
    conversation_id: UUID | None = None,
    since: datetime | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[StorageRow]:
    """List what is stored, who stores most first, and what came `since` that day (UTC). Nothing stored has no row.

    Who sees all usage has it of the whole organization: conversations that it may not read are one row without a name,
    and files of people are one row where it is by agent. Others have it of the conversations that they may read.
    Raises NOT_FOUND.
    """
    size, key = check_limit(limit), decode_cursor(after, int, UUID)
    if agent_id is not None:
        await access_agent(tx, actor, agent_id)
    if conversation_id is not None:
        await access_conversation(tx, actor, conversation_id, Verb.READ)
    values = {
        **viewer(actor),
        "nobody": NOBODY,
        "group": str(group),
        "agent": agent_id,
        "conversation": conversation_id,
        "since": _day(since),
        "at": key[0] if key else None,
        "id": key[1] if key else None,
        "limit": size + 1,
    }
    page = page_of(await tx.all(_Row, _ROWS, values), size, lambda row: (row.bytes, row.group_id))
    return Page([_shown(row) for row in page.items], page.next)


def _shown(row: _Row) -> StorageRow:
    return StorageRow(**{name: getattr(row, name) for name in StorageRow.__struct_fields__})


def _day(moment: datetime | None) -> date | None:
    """The day in UTC; a moment without a timezone is one in UTC. Its own where the calendar has no such day in UTC."""
    if moment is None:
        return None
    try:
        return moment.astimezone(UTC).date() if moment.tzinfo is not None else moment.date()
    except OverflowError:
        return moment.date()
