"""Reads of approvals: for who decides about them, and for who asked."""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from crewhall.agents import access_agent
from crewhall.conversations import Verb, access_conversation, has_access
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.kernel.place_names import place_name
from crewhall.kernel.tools import Risk
from crewhall.runtime.approvals import access_approval
from crewhall.runtime.schemas import RunAgent, RunAuthor, RunPlace
from crewhall.runtime.schemas_approvals import ApprovalMessage, ApprovalView
from crewhall.runtime.vocabulary import ApprovalStatus, Cause

MOST_SHOWN = 2000
"""Characters of the message that are shown: the rest stands in the conversation."""
MOST_COUNTED = 100
POSTING = frozenset({"post_message", "reply_to_message", "ask_agent"})
"""Tools that post where their arguments say."""

_COLUMNS: LiteralString = """
select p.id, p.run_id, json_build_object('id', a.id, 'code', a.code, 'name', a.name) as agent, p.tool, p.risk, p.effect,
       p.why, p.arguments, p.approved_arguments, p.status, p.reason, r.cause, r.prompt,
       (select coalesce(json_agg(json_build_object('type', coalesce(w.type, 'user'), 'id', b.id,
                                                   'name', coalesce(w.name, former_name(b.id), ''))), '[]')
        from unnest(r.behalf_of) as b (id)
        left join lateral (
            select 'user' as type, u.name from users u where u.id = b.id
            union all select 'agent', g.name from agents g where g.id = b.id limit 1) w on true) as asked_for,
       p.conversation_id, r.message_id,
       case when p.decided_by is not null then json_build_object('type', 'user', 'id', p.decided_by, 'name',
            coalesce((select u.name from users u where u.id = p.decided_by), former_name(p.decided_by), ''))
       end as decided_by,
       p.decided_at, p.used_at, p.expires_at, p.created_at, p.status = 'waiting' and p.expires_at > now() and (
           %(decides)s or (%(is_person)s and coalesce(a.owner_user_id = %(actor)s, false))) as may_decide
from approvals p
join runs r on r.id = p.run_id
join agents a on a.id = p.agent_id
where p.org_id = any (current_orgs())
"""
_MINE: LiteralString = """
  and (%(decides)s or (%(is_person)s and (a.owner_user_id = %(actor)s or %(actor)s = any (r.behalf_of))))
"""
_LIST: LiteralString = (
    _COLUMNS
    + _MINE
    + """
  and (%(status)s::text is null or p.status = %(status)s)
  and (%(agent)s::uuid is null or p.agent_id = %(agent)s)
  and (%(conversation)s::uuid is null or p.conversation_id = %(conversation)s)
  and (%(before)s::uuid is null or p.id < %(before)s)
order by p.id desc limit %(limit)s
"""
)
_ONE: LiteralString = _COLUMNS + " and p.id = %(id)s"
COUNT: LiteralString = """
select count(*) from (
    select from approvals p
    where p.org_id = any (current_orgs()) and p.status = 'waiting' and (%(decides)s or exists (
        select from agents a where a.id = p.agent_id and a.owner_user_id = %(actor)s))
    limit %(most)s) waiting
"""
_PLACE: LiteralString = """
select c.id, c.kind, c.name, c.title, p.name as partner
from conversations c
left join lateral (
    select coalesce(w.name, g.name) as name from conversation_members o
    left join users w on o.member_type = 'user' and w.id = o.member_id
    left join agents g on o.member_type = 'agent' and g.id = o.member_id
    where c.kind = 'direct' and o.conversation_id = c.id and (o.member_type, o.member_id) <> (%(actor_type)s, %(actor)s)
      and o.role <> 'reader'
    order by o.member_type limit 1) p on true
where c.id = %(id)s
"""


class _Row(msgspec.Struct, kw_only=True):
    id: UUID
    run_id: UUID
    agent: RunAgent
    tool: str
    risk: Risk
    effect: str
    why: str
    arguments: dict[str, Any]
    approved_arguments: dict[str, Any] | None
    status: ApprovalStatus
    reason: str | None
    cause: Cause
    prompt: str | None
    asked_for: list[RunAuthor]
    conversation_id: UUID
    message_id: UUID | None
    decided_by: RunAuthor | None
    decided_at: datetime | None
    used_at: datetime | None
    expires_at: datetime
    created_at: datetime
    may_decide: bool


async def list_approvals(
    tx: Tx,
    actor: Actor,
    *,
    status: ApprovalStatus | None = None,
    agent_id: UUID | None = None,
    conversation_id: UUID | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[ApprovalView]:
    """List what the actor decides about or asked for, newest first. Raises NOT_FOUND (agent, conversation)."""
    size, key = check_limit(limit), decode_cursor(after, UUID)
    if conversation_id is not None:
        await access_conversation(tx, actor, conversation_id, Verb.READ)
    if agent_id is not None:
        await access_agent(tx, actor, agent_id)
    values = {
        **_viewer(actor),
        "status": str(status) if status else None,
        "agent": agent_id,
        "conversation": conversation_id,
        "before": key[0] if key else None,
        "limit": size + 1,
    }
    page = page_of(await tx.all(_Row, _LIST, values), size, lambda row: (row.id,))
    return Page([await _shown(tx, actor, row) for row in page.items], page.next)


async def get_approval(tx: Tx, actor: Actor, approval_id: UUID) -> ApprovalView:
    """Return an approval that the actor decides about or asked for; raises NOT_FOUND."""
    await access_approval(tx, actor, approval_id)
    return await _shown(tx, actor, await tx.one(_Row, _ONE, {**_viewer(actor), "id": approval_id}))


def counting(actor: Actor) -> Params:
    """The parameters of COUNT: how many calls wait for the actor to decide, at most a hundred."""
    return {**_viewer(actor), "most": MOST_COUNTED}


async def _shown(tx: Tx, actor: Actor, row: _Row) -> ApprovalView:
    """The approval as the actor may see it: where it comes from only to who may read there."""
    place = await _place(tx, actor, row.conversation_id)
    message = await _message(tx, row.message_id) if place is not None and row.message_id is not None else None
    fields = {name: getattr(row, name) for name in _KEPT}
    fields["prompt"] = row.prompt if place is not None else None
    fields["effect"] = row.effect + await _where_it_posts(tx, actor, row)
    return ApprovalView(**fields, conversation=place, message=message)


async def _where_it_posts(tx: Tx, actor: Actor, row: _Row) -> str:
    """In which conversation a message would stand, by the name that the actor may know; of other calls nothing."""
    if row.tool not in POSTING:
        return ""
    try:
        given = UUID(str((row.approved_arguments or row.arguments).get("conversation_id") or row.conversation_id))
    except ValueError:
        return ""
    place = await _place(tx, actor, given)
    return f" Where: {place_name(place)}." if place is not None else " Where: a conversation that you are not in."


_KEPT = frozenset(ApprovalView.__struct_fields__) & frozenset(_Row.__struct_fields__)


async def _place(tx: Tx, actor: Actor, conversation_id: UUID) -> RunPlace | None:
    if not await has_access(tx, actor, conversation_id, Verb.READ):
        return None
    return await tx.one(RunPlace, _PLACE, {**_viewer(actor), "id": conversation_id})


async def _message(tx: Tx, message_id: UUID) -> ApprovalMessage | None:
    return await tx.find(
        ApprovalMessage,
        """
        select id, seq, author_name,
               left(content, %(most)s) || case when length(content) > %(most)s then ' …' else '' end as content
        from messages where id = %(id)s and deleted_at is null
        """,
        {"id": message_id, "most": MOST_SHOWN},
    )


def _viewer(actor: Actor) -> Params:
    is_person = actor.type is ActorType.USER
    return {
        "actor": actor.id,
        "actor_type": str(actor.type),
        "is_person": is_person,
        "decides": is_person and is_allowed(actor, Permission.APPROVALS_DECIDE),
    }
