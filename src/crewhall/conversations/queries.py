"""Reads of conversations: one statement gives a page with unread counts and partners."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from crewhall.conversations.access import Verb, access_conversation
from crewhall.conversations.schemas import Conversation
from crewhall.conversations.vocabulary import ConversationKind
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.errors import INVALID
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

MAX_QUERY_LENGTH = 200

# `shown` is the page; what is counted or looked up per conversation is done for the page's rows alone. Unread messages
# are counted among the newest 1,000 records: an agent that wrote very many itself and marked none must not cost more.
# The limit of one keeps the membership looked up by its key: a plan made for nobody in particular expects few of them,
# and would compare each conversation with each of somebody's thousand memberships. `materialized` keeps `coalesce` out
# of the count: what might tell of rows meets them after their policy alone, so that no index would be asked for it.
_PICKED: LiteralString = """
shown as materialized (
    select c.*, h.last_seq, h.message_count, h.last_active_at, k.member_id is not null as is_member,
           k.role as member_role, coalesce(k.last_read_seq, 0) as last_read_seq,
           level_in(c.kind, k.notification_level) as notification_level
"""
_THERE: LiteralString = """
    where c.org_id = any (current_orgs()) and c.deleted_at is null
"""
_SHOWN: LiteralString = (
    "with "
    + _PICKED
    + """
    from conversations c
    join conversation_heads h on h.conversation_id = c.id
    left join lateral (
        select m.member_id, m.role, m.last_read_seq, m.notification_level from conversation_members m
        where m.conversation_id = c.id and m.member_type = %(actor_type)s and m.member_id = %(actor)s limit 1) k on true
"""
    + _THERE
)
# Those that are near are looked up from what is the viewer's own: every page shows them, and an organization may have
# thousands of others.
_NEAR: LiteralString = (
    """
with near as materialized (
    select m.conversation_id, m.member_id, m.role, m.last_read_seq, m.notification_level from conversation_members m
    where m.org_id = any (current_orgs()) and m.member_type = %(actor_type)s and m.member_id = %(actor)s
    union all
    select f.conversation_id, null, null, null, null
    from (select t.conversation_id from stars t where t.user_id = %(actor)s
          union select y.id from conversations y
          where %(sees_system)s and y.org_id = any (current_orgs()) and y.type = 'system') f
    where not exists (select from conversation_members m where m.conversation_id = f.conversation_id
                      and m.member_type = %(actor_type)s and m.member_id = %(actor)s)
),
"""
    + _PICKED
    + """
    from near k
    join conversations c on c.id = k.conversation_id
    join conversation_heads h on h.conversation_id = c.id
"""
    + _THERE
)
_COLUMNS: LiteralString = """
)
select s.id, s.kind, s.type, s.name, s.title, s.description, s.topic, s.is_default,
       case when s.kind = 'group' and s.status = 'active' and s.last_active_at < now() - (select idle_after())
            then 'idle' else s.status end as status,
       json_build_object('type', s.owner_type, 'id', coalesce(s.owner_user_id, s.owner_agent_id)) as owner,
       s.agent_policy, s.is_member, s.member_role as role, s.last_read_seq,
       s.id = any (array(select t.conversation_id from stars t where t.user_id = %(actor)s)) as is_starred,
       least(u.count, 100) as unread, u.count > 100 as unread_capped,
       u.mentioned, s.notification_level, p.partner,
       case when s.member_role = 'reader' then shared_by(s.id) end as shared_by, s.readers,
       coalesce(z.stays_open, false) as stays_open, z.archived_at,
       case when z.archived_at is not null then named_actor(z.archived_by_type, z.archived_by) end as archived_by,
       case when s.kind = 'group' and s.status = 'active' and not z.stays_open
            then s.last_active_at + (select idle_after()) + (select archive_after()) end as archives_at, s.last_seq,
       s.message_count, s.last_active_at, s.created_at, s.updated_at
from shown s
cross join lateral (
    select count(*) as count, coalesce(bool_or(%(actor)s = any (n.mentions)), false) as mentioned
    from (select r.mentions
          from (select w.seq, w.mentions, w.type, w.author_id from message_records w
                where s.is_member and s.last_seq > s.last_read_seq and w.conversation_id = s.id
                  and w.seq > s.last_read_seq
                order by w.seq desc limit 1000) r
          where r.type in ('message', 'delivery') and r.author_id <> %(actor)s
          order by r.seq desc limit 101) n) u
left join lateral (
    select json_build_object('type', o.member_type, 'id', o.member_id, 'name', coalesce(w.name, a.name, ''),
                             'handle', coalesce(w.handle, a.code, '')) as partner
    from conversation_members o
    left join users w on o.member_type = 'user' and w.id = o.member_id
    left join agents a on o.member_type = 'agent' and a.org_id = s.org_id and a.id = o.member_id
    where s.kind = 'direct' and o.conversation_id = s.id
      and (o.member_type, o.member_id) <> (%(actor_type)s, %(actor)s) and o.role <> 'reader'
      and (o.member_type = 'agent' or s.member_role is distinct from 'reader')
    limit 1) p on true
left join archivings z on (s.kind = 'group' or s.status = 'archived') and z.conversation_id = s.id
"""
_AMONG: LiteralString = (
    """
      and (k.member_id is not null or (not %(mine)s and (
              (c.type = 'public' and %(reads_public)s) or (c.type = 'system' and %(sees_system)s))))
      and (%(kind)s::text is null or c.kind = %(kind)s)
      and (%(sessions)s or c.kind <> 'direct' or c.direct_key is not null or k.role = 'reader')
      and (current_behalf() is null or all_may_reach(c))
      and (c.status = 'archived') = %(archived)s
      and (not %(idle)s or (c.kind = 'group' and h.last_active_at < now() - (select idle_after())))
      and (%(q)s::text is null or strpos(lower(coalesce(c.name, '') || ' ' || coalesce(c.title, '')), lower(%(q)s)) > 0)
      and (%(before)s::timestamptz is null or (h.last_active_at, c.id) < (%(before)s, %(before_id)s))
    order by h.last_active_at desc, c.id desc limit %(limit)s
"""
    + _COLUMNS
    + " order by s.last_active_at desc, s.id desc"
)
_LIST: LiteralString = _SHOWN + _AMONG
_LIST_NEAR: LiteralString = _NEAR + _AMONG
_ONE: LiteralString = _SHOWN + " and c.id = %(id)s" + _COLUMNS


async def get_conversation(tx: Tx, actor: Actor, conversation_id: UUID) -> Conversation:
    """Return a conversation that the actor may read, or raise NOT_FOUND."""
    await access_conversation(tx, actor, conversation_id, Verb.READ)
    return await tx.one(Conversation, _ONE, {**_viewer(actor), "id": conversation_id})


async def list_conversations(
    tx: Tx,
    actor: Actor,
    *,
    kind: ConversationKind | None = None,
    mine: bool = False,
    near: bool = False,
    archived: bool = False,
    idle: bool = False,
    sessions: bool = True,
    q: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[Conversation]:
    """List the conversations within the actor's reach (or only those it is a member of), last active first.

    `near` ones are those that it is a member of or has starred, and what Crewhall writes for it.
    `q` finds part of a name or title. `idle` ones are among those that are not `archived`. Without `sessions` those are
    left out that programs opened with an agent, beside the one direct conversation of the two, and that are not shared
    with the actor.
    """
    if q is not None and (len(q) > MAX_QUERY_LENGTH or "\0" in q):
        raise INVALID(f"q takes at most {MAX_QUERY_LENGTH} characters without NUL.", field="q")
    size = check_limit(limit)
    key = decode_cursor(after, datetime, UUID)
    rows = await tx.all(
        Conversation,
        _LIST_NEAR if near else _LIST,
        {
            **_viewer(actor),
            "mine": mine,
            "kind": str(kind) if kind else None,
            "archived": archived,
            "idle": idle,
            "sessions": sessions,
            "q": q.strip() or None if q else None,
            "before": key[0] if key else None,
            "before_id": key[1] if key else None,
            "limit": size + 1,
        },
    )
    return page_of(rows, size, lambda row: (row.last_active_at, row.id))


def _viewer(actor: Actor) -> Params:
    return {
        "actor": actor.id,
        "actor_type": str(actor.type),
        "reads_public": is_allowed(actor, Permission.ORGANIZATION_READ),
        "sees_system": is_allowed(actor, Permission.CHANNELS_SYSTEM),
    }
