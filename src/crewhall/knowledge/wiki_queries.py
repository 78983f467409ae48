"""Reads of the wiki: entries for whoever is in their scope, versions for whoever may see them."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from crewhall.conversations import readable
from crewhall.identity import Permission, check_permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.errors import INVALID, NOT_FOUND
from crewhall.kernel.paging import Page, check_limit, decode_cursor, encode_cursor, page_of
from crewhall.knowledge.vocabulary import EntryOrder, WikiStatus
from crewhall.knowledge.wiki_names import without_links
from crewhall.knowledge.wiki_schemas import EntrySummary, EntryVersion

MAX_QUERY = 200
MOST_FOUND = 500
"""A search by rank goes no further than this."""
EXCERPT = 200

OF_PROJECT: LiteralString = (
    "case when p.id is not null then json_build_object('id', p.id, 'slug', p.slug, 'name', p.name) end as project"
)
_SUMMARY: LiteralString = (
    """
select h.entry_id as id, h.slug, e.title, e.category, e.tags, e.version, e.id as version_id, lower(e.title) as sorted,
       json_build_object('type', e.author_type, 'id', e.author_id, 'name', e.author_name) as author,
       e.created_at as approved_at, coalesce(v.views, 0) as views, left(e.content, 600) as excerpt, """
    + OF_PROJECT
    + """
from wiki_heads h join wiki_entries e on e.org_id = h.org_id and e.id = h.approved_id
left join projects p on p.org_id = h.org_id and p.id = h.project_id and p.deleted_at is null
left join lateral (select sum(w.views)::bigint as views from wiki_views w where w.entry_id = h.entry_id) v on true
where h.org_id = any (current_orgs())
"""
)
_LISTED: LiteralString = (
    "select * from ("
    + _SUMMARY
    + """
  and h.entry_id in (select readable_entries()) and (%(category)s::text is null or h.category = %(category)s)
  and (%(tag)s::text is null or %(tag)s = any (h.tags)) and (%(project)s::uuid is null or h.project_id = %(project)s)) s
"""
)
_BY_TITLE: LiteralString = (
    _LISTED + " where %(key)s::text is null or (sorted, id) > (%(key)s, %(id)s) order by sorted, id limit %(limit)s"
)
_BY_MOMENT: LiteralString = (
    _LISTED
    + """ where %(key)s::timestamptz is null or (approved_at, id) < (%(key)s, %(id)s)
    order by approved_at desc, id desc limit %(limit)s"""
)
_BY_VIEWS: LiteralString = (
    _LISTED
    + """ where %(key)s::bigint is null or (views, id) < (%(key)s, %(id)s)
    order by views desc, id desc limit %(limit)s"""
)
_FOUND: LiteralString = (
    "select s.*, f.place from (select entry_id, place from search_entries(%(q)s, %(category)s, %(tag)s, %(project)s,"
    " %(limit)s, %(skip)s) with ordinality as t (entry_id, place)) f join ("
    + _SUMMARY
    + ") s on s.id = f.entry_id order by f.place"
)
MAY_SEE: LiteralString = """
  (e.status = 'approved' and (h.entry_id in (select readable_entries()) or %(decides)s)
   or e.author_id = %(actor)s and current_behalf() is null
   or e.status in ('pending_approval', 'rejected') and %(decides)s)
"""
"""Whether the actor may see the version `e` of the entry `h`: drafts are for their authors alone."""
VERSION: LiteralString = (
    """
select e.id, e.entry_id, h.slug, e.version, e.status, e.title, e.category, e.tags, e.note, e.reason, e.created_at,
       json_build_object('type', e.author_type, 'id', e.author_id, 'name', e.author_name) as author,
       case when u.id is not null then json_build_object('type', 'user', 'id', u.id, 'name', u.name) end as decided_by,
       e.parent_entry_id as parent_id, e.base_id, e.id = any (h.open) as is_open,
       coalesce(e.id = h.approved_id, false) as is_current, h.deleted_at is not null as is_archived,
       e.id = any (h.open) and e.base_id is distinct from h.approved_id as is_behind,
       case when %(whole)s then e.content end as content,
       case when e.moves then json_build_object('before', project_shown(e.former_project_id),
                                                'after', project_shown(e.project_id)) end as moved, """
    + OF_PROJECT
    + """
from wiki_entries e join wiki_heads h on h.org_id = e.org_id and h.entry_id = e.entry_id
left join projects p on p.org_id = h.org_id and p.id = h.project_id and p.deleted_at is null
left join users u on u.id = e.decided_by
where e.org_id = any (current_orgs())
"""
)


class _Row(EntrySummary, kw_only=True):
    sorted: str
    place: int = 0


async def list_entries(
    tx: Tx,
    actor: Actor,
    *,
    order: EntryOrder = EntryOrder.TITLE,
    category: str | None = None,
    tag: str | None = None,
    project_id: UUID | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[EntrySummary]:
    """List what the actor may read: by title, the last approved first, or the most read first. Raises INVALID."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    size = check_limit(limit)
    kind: type = {EntryOrder.TITLE: str, EntryOrder.RECENT: datetime, EntryOrder.READ: int}[order]
    key = decode_cursor(after, kind, UUID)
    values: Params = {
        "category": category,
        "tag": tag.strip().lower() if tag else None,
        "project": project_id,
        "key": key[0] if key else None,
        "id": key[1] if key else None,
        "limit": size + 1,
    }
    sql = {EntryOrder.TITLE: _BY_TITLE, EntryOrder.RECENT: _BY_MOMENT, EntryOrder.READ: _BY_VIEWS}[order]
    page = page_of(await tx.all(_Row, sql, values), size, lambda row: (_key_of(row, order), row.id))
    return Page([_shown(row) for row in page.items], page.next)


async def search_entries(
    tx: Tx,
    actor: Actor,
    q: str,
    *,
    category: str | None = None,
    tag: str | None = None,
    project_id: UUID | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[EntrySummary]:
    """Find entries that the actor may read, best first: what matches in the title stands above what does below it.

    `q` as in the search of messages. Ranks have no cursor of their own: at most MOST_FOUND are given. Raises INVALID.
    """
    from crewhall.knowledge.wiki_snippets import snippets_of

    check_permission(actor, Permission.ORGANIZATION_READ)
    q = q.strip()
    if not q or len(q) > MAX_QUERY or "\0" in q:
        raise INVALID(f"Search for 1 to {MAX_QUERY} characters without NUL.", field="q")
    size, key = check_limit(limit), decode_cursor(after, int)
    skip = key[0] if key else 0
    if not 0 <= skip <= MOST_FOUND:
        raise INVALID("This page cursor is damaged. Start again without it.", field="after")
    values: Params = {
        "q": q, "category": category, "tag": tag, "project": project_id, "limit": size + 1, "skip": skip,
    }  # fmt: skip
    rows = await tx.all(_Row, _FOUND, values)
    shown = [_shown(row) for row in rows[:size]]
    for one, snippet in zip(shown, await snippets_of(tx, actor, q, [one.version_id for one in shown]), strict=True):
        one.snippet = snippet
    going_on = len(rows) > size and skip + size <= MOST_FOUND
    return Page(shown, encode_cursor(skip + size) if going_on else None)


def _key_of(row: _Row, order: EntryOrder) -> str | datetime | int:
    if order is EntryOrder.TITLE:
        return row.sorted
    return row.approved_at if order is EntryOrder.RECENT else row.views


def _shown(row: _Row) -> EntrySummary:
    values = {name: getattr(row, name) for name in EntrySummary.__struct_fields__}
    return EntrySummary(**values | {"excerpt": excerpt_of(row.excerpt)})


def excerpt_of(content: str) -> str:
    """The beginning of an entry as it reads in passing."""
    text = " ".join(readable(without_links(content)).split())
    return text if len(text) <= EXCERPT else text[:EXCERPT].rsplit(" ", 1)[0] + " …"


def seeing(actor: Actor) -> Params:
    """The parameters of MAY_SEE."""
    return {"actor": actor.id, "decides": is_allowed(actor, Permission.WIKI_DECIDE)}


async def access_version(tx: Tx, actor: Actor, version_id: UUID) -> EntryVersion:
    """Return a version that the actor may see, with its content. Raises NOT_FOUND."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    sql: LiteralString = VERSION + " and e.id = %(id)s and " + MAY_SEE
    found = await tx.find(EntryVersion, sql, {"id": version_id, "whole": True} | seeing(actor))
    if found is None:
        raise NOT_FOUND("There is no such version of a wiki entry, or it is its author's draft.")
    return found


async def reload_version(tx: Tx, version_id: UUID) -> EntryVersion:
    """Return a version that the transaction has just written, even where it acts for somebody who may not see it."""
    return await tx.one(EntryVersion, VERSION + " and e.id = %(id)s", {"id": version_id, "whole": True})


async def list_history(
    tx: Tx, actor: Actor, entry_id: UUID, *, after: str | None = None, limit: int | None = None
) -> Page[EntryVersion]:
    """List the versions of an entry that the actor may see, newest first. Raises NOT_FOUND where there is none."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    size, key = check_limit(limit), decode_cursor(after, int)
    sql: LiteralString = (
        VERSION
        + " and e.entry_id = %(entry)s and (%(before)s::integer is null or e.version < %(before)s) and "
        + MAY_SEE
        + " order by e.version desc limit %(limit)s"
    )
    values: Params = {"entry": entry_id, "before": key[0] if key else None, "limit": size + 1, "whole": False}
    rows = await tx.all(EntryVersion, sql, values | seeing(actor))
    if not rows and key is None:
        raise NOT_FOUND("There is no such wiki entry.")
    return page_of(rows, size, lambda row: (row.version,))


async def list_open(
    tx: Tx,
    actor: Actor,
    *,
    status: WikiStatus | None = None,
    own: bool = False,
    after: str | None = None,
    limit: int | None = None,
) -> Page[EntryVersion]:
    """List versions that are not settled, newest first: one's own, and to who decides what waits and was rejected."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    size, key = check_limit(limit), decode_cursor(after, UUID)
    sql: LiteralString = (
        VERSION
        + """ and h.open <> '{}' and e.id = any (h.open) and h.deleted_at is null
        and (%(status)s::text is null or e.status = %(status)s)
        and (not %(own)s or e.author_id = %(actor)s) and (%(before)s::uuid is null or e.id < %(before)s) and """
        + MAY_SEE
        + " order by e.id desc limit %(limit)s"
    )
    values: Params = {
        "status": str(status) if status else None,
        "own": own,
        "before": key[0] if key else None,
        "limit": size + 1,
        "whole": False,
    }
    return page_of(await tx.all(EntryVersion, sql, values | seeing(actor)), size, lambda row: (row.id,))


async def list_archived(
    tx: Tx, actor: Actor, *, after: str | None = None, limit: int | None = None
) -> Page[EntryVersion]:
    """List the versions that were read of entries that are archived, to who may restore them. Raises FORBIDDEN."""
    check_permission(actor, Permission.WIKI_DECIDE)
    size, key = check_limit(limit), decode_cursor(after, UUID)
    sql: LiteralString = (
        VERSION
        + """ and h.deleted_at is not null and e.id = h.approved_id and (%(before)s::uuid is null or e.id < %(before)s)
        order by e.id desc limit %(limit)s"""
    )
    values: Params = {"before": key[0] if key else None, "limit": size + 1, "whole": False}
    return page_of(await tx.all(EntryVersion, sql, values), size, lambda row: (row.id,))


async def find_own_open(tx: Tx, actor: Actor, entry_id: UUID) -> UUID | None:
    """The newest of the actor's own versions of an entry that is not settled."""
    found: UUID | None = await tx.value(
        """
        select e.id from wiki_heads h join wiki_entries e on e.org_id = h.org_id and e.id = any (h.open)
        where h.org_id = any (current_orgs()) and h.entry_id = %(entry)s and e.author_id = %(actor)s
        order by e.version desc limit 1
        """,
        {"entry": entry_id, "actor": actor.id},
    )
    return found
