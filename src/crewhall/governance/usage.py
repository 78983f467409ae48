"""Usage: what turns took, by hour, day and month, of everybody, each agent or each conversation.

It was metered in the transactions that ended the requests; reading it sums up a few rows per agent and conversation.
"""

from datetime import UTC, datetime
from typing import LiteralString
from uuid import UUID

from crewhall.agents import access_agent
from crewhall.conversations import Verb, access_conversation
from crewhall.governance.reach import IS_READABLE, PLACE, viewer
from crewhall.governance.schemas import UsageRow
from crewhall.governance.vocabulary import UsageGroup, UsageSpan
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

NOBODY = UUID(int=0)
"""Stands for everybody, and for the conversations that one may not read, together."""

_SEEN: LiteralString = (
    """
    from usage_buckets u join conversations c on c.id = u.conversation_id
    where u.org_id = %(org)s and u.span = %(span)s and (%(sees_all)s or """
    + IS_READABLE
    + """)
      and (%(agent)s::uuid is null or u.agent_id = %(agent)s)
      and (%(conversation)s::uuid is null or u.conversation_id = %(conversation)s)
      and u.begins_at >= coalesce(period_begin(%(span)s, %(since)s), '-infinity')
      and u.begins_at < coalesce(%(until)s::timestamptz, 'infinity')
      and u.begins_at <= coalesce(%(at)s::timestamptz, 'infinity')
"""
)
_GROUP_ID: LiteralString = (
    """case %(group)s when 'agent' then u.agent_id
                      when 'conversation' then case when """
    + IS_READABLE
    + """ then u.conversation_id else %(nobody)s end
                      else %(nobody)s end"""
)
# A page is summed up out of no more moments than it needs: those are found one by one, from the newest, with the
# number of groups that each has. What a page is that begins within a moment (`at`) may skip is not counted.
_ROWS: LiteralString = (
    """
with recursive moments as (
    (select u.begins_at, 0::bigint as groups """
    + _SEEN
    + """ order by u.begins_at desc limit 1)
    union all
    select n.begins_at, m.groups + g.count
    from moments m
    cross join lateral (
        select case when m.begins_at is not distinct from %(at)s then 0 when %(group)s = 'total' then 1
                    else (select count(distinct """
    + _GROUP_ID
    + """) """
    + _SEEN
    + """ and u.begins_at = m.begins_at) end as count) g
    cross join lateral (select u.begins_at """
    + _SEEN
    + """ and u.begins_at < m.begins_at order by u.begins_at desc limit 1) n
    where m.groups + g.count < %(limit)s
), metered as materialized (
    select case when %(is_sum)s then %(since)s else u.begins_at end as begins_at, u.currency, u.runs,
           u.requests, u.input_tokens, u.cached_tokens, u.output_tokens, u.cost, """
    + _GROUP_ID
    + """ as group_id """
    + _SEEN
    + """ and u.begins_at >= case when %(is_sum)s then '-infinity' else (select min(m.begins_at) from moments m) end
), summed as (
    select m.begins_at, m.group_id, sum(m.runs)::bigint as runs, sum(m.requests)::bigint as requests,
           sum(m.input_tokens)::bigint as input_tokens, sum(m.cached_tokens)::bigint as cached_tokens,
           sum(m.output_tokens)::bigint as output_tokens,
           coalesce(sum(m.input_tokens + m.output_tokens) filter (where m.currency = ''), 0)::bigint as unpriced_tokens
    from metered m group by m.begins_at, m.group_id
    having %(at)s::timestamptz is null or m.begins_at < %(at)s or m.group_id > %(id)s
    order by m.begins_at desc, case when %(is_sum)s then sum(m.input_tokens + m.output_tokens) end desc, m.group_id
    limit %(limit)s
), priced as materialized (
    select k.begins_at, k.group_id, json_object_agg(k.currency, k.cost::text) as cost
    from (select m.begins_at, m.group_id, m.currency, sum(m.cost) as cost
          from metered m where m.currency <> '' group by m.begins_at, m.group_id, m.currency) k
    group by k.begins_at, k.group_id
)
select s.*, %(span)s as span, %(group)s as group, coalesce(p.cost, '{}') as cost,
       (select json_build_object('id', a.id, 'code', a.code, 'name', a.name) from agents a
        where %(group)s = 'agent' and a.id = s.group_id) as agent,
       (select """
    + PLACE
    + """ from conversations c where %(group)s = 'conversation' and c.id = s.group_id) as conversation
from summed s left join priced p on p.begins_at = s.begins_at and p.group_id = s.group_id
order by s.begins_at desc, case when %(is_sum)s then s.input_tokens + s.output_tokens end desc, s.group_id
"""
)


class _Row(UsageRow, kw_only=True):
    group_id: UUID


async def list_usage(
    tx: Tx,
    actor: Actor,
    *,
    span: UsageSpan = UsageSpan.DAY,
    group: UsageGroup = UsageGroup.TOTAL,
    agent_id: UUID | None = None,
    conversation_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[UsageRow]:
    """List what was used, the newest first. Lengths of time without usage have no row.

    Who sees all usage has it of the whole organization: conversations that it may not read are one row without a name.
    Others have it of the conversations that they may read. Raises NOT_FOUND.
    """
    size, key = check_limit(limit), decode_cursor(after, datetime, UUID)
    if agent_id is not None:
        await access_agent(tx, actor, agent_id)
    if conversation_id is not None:
        await access_conversation(tx, actor, conversation_id, Verb.READ)
    values = {
        **viewer(actor),
        "org": actor.org,
        "nobody": NOBODY,
        "span": str(span),
        "group": str(group),
        "agent": agent_id,
        "conversation": conversation_id,
        "since": _aware(since),
        "until": _aware(until),
        "at": key[0] if key else None,
        "id": key[1] if key else None,
        "limit": size + 1,
        "is_sum": False,
    }
    rows = await tx.all(_Row, _ROWS, values)
    page = page_of(rows, size, lambda row: (row.begins_at, row.group_id))
    return Page([_shown(row) for row in page.items], page.next)


async def sum_usage(
    tx: Tx,
    actor: Actor,
    *,
    since: datetime,
    span: UsageSpan,
    group: UsageGroup,
    agent_id: UUID | None = None,
    conversation_id: UUID | None = None,
    most: int,
) -> list[UsageRow]:
    """Return what each agent or conversation used since the length of time of a moment began, who used most first.

    The caller has checked that the actor may see the agent and the conversation.
    """
    values = {
        **viewer(actor),
        "org": actor.org,
        "nobody": NOBODY,
        "span": str(span),
        "group": str(group),
        "agent": agent_id,
        "conversation": conversation_id,
        "since": _aware(since),
        "until": None,
        "at": None,
        "id": None,
        "limit": most,
        "is_sum": True,
    }
    return [_shown(row) for row in await tx.all(_Row, _ROWS, values)]


def _aware(moment: datetime | None) -> datetime | None:
    """A moment without a timezone is one in UTC."""
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _shown(row: _Row) -> UsageRow:
    return UsageRow(**{name: getattr(row, name) for name in UsageRow.__struct_fields__})
