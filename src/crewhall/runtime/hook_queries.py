"""Reads of webhooks and their calls: to who made them, who may read their conversation, and who manages agents."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.agents import access_agent
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.errors import NOT_FOUND
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.runtime.schemas import RunAgent, RunAuthor, RunPlace
from crewhall.runtime.schemas_hooks import Hook, HookCall
from crewhall.runtime.vocabulary import CallOutcome, PauseReason, Reason

PATH = "/api/v1/hooks/"
_SELECT: LiteralString = """
select h.id, h.name, h.posts,
       coalesce(h.pause_reason, case when u.id is null then 'maker_left' end) as pause_reason,
       h.unanswered_reason, h.created_at, h.updated_at,
       case when reads.it or h.maker_id = %(actor)s then h.prompt end as prompt,
       case when a.id is not null then json_build_object('id', a.id, 'code', a.code, 'name', a.name) end as agent,
       json_build_object('type', 'user', 'id', h.maker_id, 'name',
           coalesce(u.name, former_name(h.maker_id), 'somebody who left')) as maker,
       case when reads.it then json_build_object('id', c.id, 'kind', c.kind, 'name', c.name, 'title', c.title,
           'partner', p.name) end as conversation,
       (select max(s.expires_at) from hook_secrets s
        where s.org_id = h.org_id and s.hook_id = h.id and s.expires_at > now()) as old_secret_until,
       k.created_at as last_called_at, k.outcome as last_outcome,
       h.maker_id = %(actor)s as is_mine, h.maker_id = %(actor)s or %(manages)s as may_pause
from hooks h
join conversations c on c.id = h.conversation_id and c.deleted_at is null
left join agents a on a.id = h.agent_id
left join users u on u.id = h.maker_id
cross join lateral (select may_reach(c, %(actor)s) as it) reads
left join lateral (
    select coalesce(w.name, g.name) as name from conversation_members o
    left join users w on o.member_type = 'user' and w.id = o.member_id
    left join agents g on o.member_type = 'agent' and g.id = o.member_id
    where c.kind = 'direct' and o.conversation_id = c.id and o.member_id <> %(actor)s and o.role <> 'reader'
    order by o.member_type limit 1) p on true
left join lateral (
    select l.created_at, l.outcome from hook_calls l
    where l.org_id = h.org_id and l.hook_id = h.id order by l.id desc limit 1) k on true
where h.org_id = any (current_orgs()) and (reads.it or h.maker_id = %(actor)s or %(manages)s)
"""
_CALLS: LiteralString = """
select k.id, k.delivery, k.outcome, k.message_id, k.address, k.created_at,
       (select r.id from runs r where r.org_id = k.org_id and r.exchange_id = k.trigger_id limit 1) as run_id
from hook_calls k
where k.org_id = any (current_orgs()) and k.hook_id = %(hook)s and (%(before)s::uuid is null or k.id < %(before)s)
order by k.id desc limit %(limit)s
"""


class _Row(msgspec.Struct, kw_only=True):
    id: UUID
    name: str
    conversation: RunPlace | None
    agent: RunAgent | None
    maker: RunAuthor
    prompt: str | None
    posts: bool
    pause_reason: PauseReason | None
    old_secret_until: datetime | None
    last_called_at: datetime | None
    last_outcome: CallOutcome | None
    unanswered_reason: Reason | None
    is_mine: bool
    may_pause: bool
    created_at: datetime
    updated_at: datetime


async def list_hooks(
    tx: Tx,
    actor: Actor,
    base_url: str,
    *,
    agent_id: UUID | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[Hook]:
    """List webhooks that the actor may see, newest first; of one agent if asked. Raises NOT_FOUND."""
    size, key = check_limit(limit), decode_cursor(after, UUID)
    if agent_id is not None:
        await access_agent(tx, actor, agent_id)
    rows = await tx.all(
        _Row,
        _SELECT
        + """
          and (%(agent)s::uuid is null or h.agent_id = %(agent)s)
          and (%(before)s::uuid is null or h.id < %(before)s)
        order by h.id desc limit %(limit)s
        """,
        _viewer(actor) | {"agent": agent_id, "before": key[0] if key else None, "limit": size + 1},
    )
    return page_of([_shown(row, base_url) for row in rows], size, lambda hook: (hook.id,))


async def get_hook(tx: Tx, actor: Actor, base_url: str, hook_id: UUID) -> Hook:
    """Return a webhook that the actor may see. Raises NOT_FOUND."""
    found = await tx.find(_Row, _SELECT + " and h.id = %(id)s", _viewer(actor) | {"id": hook_id})
    if found is None:
        raise NOT_FOUND("There is no such webhook, or it is not for you to see.")
    return _shown(found, base_url)


async def list_calls(
    tx: Tx, actor: Actor, hook_id: UUID, *, after: str | None = None, limit: int | None = None
) -> Page[HookCall]:
    """List the calls of a webhook that the actor may see, newest first. Raises NOT_FOUND."""
    size, key = check_limit(limit), decode_cursor(after, UUID)
    await get_hook(tx, actor, "", hook_id)
    values = {"hook": hook_id, "before": key[0] if key else None, "limit": size + 1}
    return page_of(await tx.all(HookCall, _CALLS, values), size, lambda call: (call.id,))


def _viewer(actor: Actor) -> Params:
    return {"actor": actor.id, "manages": is_allowed(actor, Permission.AGENTS_UPDATE)}


def _shown(row: _Row, base_url: str) -> Hook:
    return Hook(**msgspec.structs.asdict(row), url=f"{base_url}{PATH}{row.id}")
