"""Drafts: what a person has begun to write, one for each conversation and thread, on whatever device.

Who saves a draft says which version it was made from: another window's words are never written over unseen.
"""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from crewhall.conversations.access import Verb, access_conversation
from crewhall.conversations.draft_files import FILES, HANGING, release_draft_files
from crewhall.conversations.parents import check_parent
from crewhall.conversations.schemas_words import Draft, DraftInput, DraftState
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, CrewhallError, define_error
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

STALE_DRAFT = define_error("stale_draft", 409, "Written elsewhere meanwhile")
MOST = 500
"""Drafts of one person in an organization."""

PLACE: LiteralString = """
left join lateral (
    select json_build_object('id', c.id, 'kind', c.kind, 'name', c.name, 'title', c.title, 'partner', (
        select coalesce(w.name, g.name) from conversation_members o
        left join users w on o.member_type = 'user' and w.id = o.member_id
        left join agents g on o.member_type = 'agent' and g.id = o.member_id
        where c.kind = 'direct' and o.conversation_id = c.id and o.member_id <> %(user)s and o.role <> 'reader'
        order by o.member_type limit 1)) as it
    from conversations c where c.id = d.conversation_id and c.deleted_at is null and may_reach(c, %(user)s)
) place on true
"""
"""The conversation of a row `d`, as a WritingPlace; null where the person does not read it."""
_LIST: LiteralString = (
    "with hanging as materialized ("
    + HANGING
    + """), begun as (
    select coalesce(w.id, h.id) as id, coalesce(w.conversation_id, h.conversation_id) as conversation_id,
           coalesce(w.parent_id::text, nullif(h.place, ''))::uuid as parent_id, w.kind, w.title,
           coalesce(w.content, '') as content, coalesce(w.version, 0) as version,
           coalesce(w.updated_at, h.updated_at) as updated_at, coalesce(h.files, '[]') as files
    from (select * from drafts where org_id = any (current_orgs()) and user_id = %(user)s) w
    full join hanging h on h.conversation_id = w.conversation_id and h.place = coalesce(w.parent_id::text, '')
)
select d.id, d.conversation_id, place.it as conversation, d.parent_id, d.kind, d.title, d.content, d.version,
       d.updated_at, d.files
from begun d"""
    + PLACE
    + """
where (%(conversation)s::uuid is null or d.conversation_id = %(conversation)s)
  and (%(before)s::timestamptz is null or (d.updated_at, d.id) < (%(before)s, %(before_id)s))
order by d.updated_at desc, d.id desc limit %(limit)s
"""
)
_AT: LiteralString = """
    d.org_id = any (current_orgs()) and d.user_id = %(user)s and d.conversation_id = %(conversation)s
    and d.parent_id is not distinct from %(parent)s
"""
_FIND: LiteralString = (
    "select coalesce(d.content, '') as content, d.title, d.kind, coalesce(d.version, 0) as version, d.updated_at,"
    + FILES
    + " from (select) one left join drafts d on"
    + _AT
)
_SAVE: LiteralString = (
    """
insert into drafts as d (id, org_id, user_id, conversation_id, parent_id, kind, title, content)
values (%(id)s, %(org)s, %(user)s, %(conversation)s, %(parent)s, %(kind)s, %(title)s, %(content)s)
on conflict on constraint drafts_place do update set kind = excluded.kind, title = excluded.title,
    content = excluded.content, version = greatest(excluded.version, d.version + 1)
    where d.version = %(version)s
returning d.content, d.title, d.kind, d.version, d.updated_at,"""
    + FILES
)
_DROP: LiteralString = (
    "delete from drafts d where" + _AT + "and (%(version)s::bigint is null or d.version = %(version)s)"
)


async def list_drafts(
    tx: Tx, actor: Actor, *, conversation_id: UUID | None = None, after: str | None = None, limit: int | None = None
) -> Page[Draft]:
    """List the actor's drafts, those of files alone too, the last written first; of one conversation if asked.

    Raises NOT_FOUND.
    """
    size, key = check_limit(limit), decode_cursor(after, datetime, UUID)
    if conversation_id is not None:
        await access_conversation(tx, actor, conversation_id, Verb.READ)
    rows = await tx.all(
        Draft,
        _LIST,
        {
            "user": actor.id,
            "conversation": conversation_id,
            "before": key[0] if key else None,
            "before_id": key[1] if key else None,
            "limit": size + 1,
        },
    )
    return page_of(rows, size, lambda draft: (draft.updated_at, draft.id))


async def find_draft(tx: Tx, actor: Actor, conversation_id: UUID, parent_id: UUID | None = None) -> DraftState:
    """What the actor has begun to write there, and the files of it; version 0 when no words. Two looks at indexes."""
    return await tx.one(DraftState, _FIND, _place(actor, conversation_id, parent_id))


async def show_draft(tx: Tx, actor: Actor, conversation_id: UUID, parent_id: UUID | None = None) -> DraftState:
    """As `find_draft`; where nothing is, only to who reads there. Raises NOT_FOUND, INVALID (no such thread)."""
    found = await find_draft(tx, actor, conversation_id, parent_id)
    if not found.version:
        await access_conversation(tx, actor, conversation_id, Verb.READ)
        if parent_id is not None:
            await check_parent(tx, conversation_id, parent_id)
    return found


async def save_draft(tx: Tx, actor: Actor, conversation_id: UUID, data: DraftInput) -> DraftState:
    """Keep a draft in place of the version that it was made from. The same words again are no conflict.

    Raises NOT_FOUND, FORBIDDEN (agents keep none), CONVERSATION_CLOSED, INVALID (no such thread), CONFLICT (too many),
    STALE_DRAFT with what is there, when that is another version by now.
    """
    check_writer(actor, "keep drafts")
    if not data.content.strip() and data.title is None:
        await drop_draft(tx, actor, conversation_id, data.parent_id, version=data.version)
        return await find_draft(tx, actor, conversation_id, data.parent_id)
    await access_conversation(tx, actor, conversation_id, Verb.POST)
    values = _place(actor, conversation_id, data.parent_id)
    if data.version == 0:
        await _check_new(tx, actor, conversation_id, data.parent_id)
    values |= {
        "id": new_id(),
        "org": actor.org,
        "kind": None if data.kind is None else str(data.kind),
        "title": data.title,
        "content": data.content,
        "version": data.version,
    }
    kept = await tx.find(DraftState, _SAVE, values)
    return kept or _unless_other(await find_draft(tx, actor, conversation_id, data.parent_id), data)


async def drop_draft(
    tx: Tx, actor: Actor, conversation_id: UUID, parent_id: UUID | None = None, *, version: int | None = None
) -> None:
    """Throw a draft away; with a version only that one.

    Raises STALE_DRAFT when it is another by now, NOT_FOUND where nothing is and the actor does not read.
    """
    if await tx.run(_DROP, _place(actor, conversation_id, parent_id) | {"version": version}):
        return
    now = await show_draft(tx, actor, conversation_id, parent_id)
    if now.version:
        raise _stale(now)


async def throw_away(tx: Tx, actor: Actor, conversation_id: UUID, parent_id: UUID | None = None) -> None:
    """Throw a draft away, whatever its version, with what hangs on it. Raises as `drop_draft`."""
    place = _place(actor, conversation_id, parent_id) | {"version": None}
    released = await release_draft_files(tx, actor, conversation_id, parent_id)
    if not await tx.run(_DROP, place) and not released:
        await show_draft(tx, actor, conversation_id, parent_id)


def check_writer(actor: Actor, what: str) -> None:
    """Refuse agents: what is not said yet is of people. Raises FORBIDDEN."""
    if actor.type is not ActorType.USER:
        raise FORBIDDEN(f"Only people {what}: an agent says what it has to say.")


async def _check_new(tx: Tx, actor: Actor, conversation_id: UUID, parent_id: UUID | None) -> None:
    if parent_id is not None:
        await check_parent(tx, conversation_id, parent_id)
    there = "select count(*) from drafts where org_id = any (current_orgs()) and user_id = %(user)s"
    if await tx.value(there, {"user": actor.id}) >= MOST:
        raise CONFLICT(f"You have {MOST} drafts. Throw some away first.")


def _unless_other(now: DraftState, data: DraftInput) -> DraftState:
    if (now.content, now.title, now.kind) == (data.content, data.title, data.kind):
        return now
    raise _stale(now)


def _stale(now: DraftState) -> CrewhallError:
    return STALE_DRAFT(
        "You have written something else here meanwhile, in another window or on another device.",
        draft={"content": now.content, "title": now.title, "kind": now.kind, "version": now.version},
    )


def _place(actor: Actor, conversation_id: UUID, parent_id: UUID | None) -> Params:
    return {"user": actor.id, "conversation": conversation_id, "parent": parent_id}
