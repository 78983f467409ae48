"""An entry as it is read: rendered, with what it links to and what links to it, and counted."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, LiteralString
from uuid import UUID

from msgspec import Struct, structs

from crewhall.identity import ActorShown, Permission, check_permission, get_organization
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import NOT_FOUND
from crewhall.knowledge.wiki_names import key_of
from crewhall.knowledge.wiki_queries import OF_PROJECT
from crewhall.knowledge.wiki_schemas import Entry, EntryHeading, EntryLink, EntryProject, WikiCategory

if TYPE_CHECKING:
    from crewhall.knowledge.wiki_markdown import Rendered

MOST_BACKLINKS = 100
KEPT = 32
"""Rendered texts that a process keeps."""
Known = Mapping[str, tuple[str, str]]

_ENTRY: LiteralString = (
    """
select h.entry_id as id, h.slug, e.title, e.content, e.category, e.tags, h.project_id, e.version, e.id as version_id,
       json_build_object('type', e.author_type, 'id', e.author_id, 'name', e.author_name) as author,
       json_build_object('type', 'user', 'id', e.decided_by, 'name', coalesce(u.name, 'Somebody')) as approved_by,
       e.created_at as approved_at, e.reason, coalesce(v.views, 0) as views, v.last_viewed_at, h.created_at, """
    + OF_PROJECT
    + """
from wiki_heads h join wiki_entries e on e.org_id = h.org_id and e.id = h.approved_id
left join users u on u.id = e.decided_by
left join projects p on p.org_id = h.org_id and p.id = h.project_id and p.deleted_at is null
left join lateral (select sum(w.views)::bigint as views, max(w.last_viewed_at) as last_viewed_at
                   from wiki_views w where w.entry_id = h.entry_id) v on true
where h.org_id = any (current_orgs()) and h.entry_id in (select readable_entries())
"""
)
_BY_NAME: LiteralString = """ and (h.slug = %(key)s or lower(h.title) = lower(%(name)s))
order by h.slug = %(key)s desc limit 1"""
_BACKLINKS: LiteralString = """
select h.slug, h.title from wiki_links l join wiki_heads h on h.org_id = l.org_id and h.entry_id = l.entry_id
where l.org_id = any (current_orgs()) and (l.slug = %(slug)s or l.slug = %(title)s) and h.entry_id <> %(id)s
  and h.entry_id in (select readable_entries())
order by lower(h.title), h.entry_id limit %(most)s
"""
_KNOWN: LiteralString = """
select k.key, h.slug, h.title from unnest(%(keys)s::text[]) as k (key)
join wiki_heads h on h.slug = k.key or lower(h.title) = k.key
where h.org_id = any (current_orgs()) and h.entry_id in (select readable_entries())
"""


class _Row(Struct, kw_only=True):
    id: UUID
    slug: str
    title: str
    content: str
    category: str | None
    tags: list[str]
    project_id: UUID | None
    project: EntryProject | None
    version: int
    version_id: UUID
    author: ActorShown
    approved_by: ActorShown
    approved_at: datetime
    reason: str | None
    views: int
    last_viewed_at: datetime | None
    created_at: datetime


class _Named(Struct):
    key: str
    slug: str
    title: str


class Place(Struct, frozen=True):
    """What an address of the wiki leads to."""

    id: UUID
    slug: str


async def read_entry(db: Database, actor: Actor, entry_id: UUID) -> Entry:
    """Return an entry that the actor may read, and count that it was read. Raises NOT_FOUND."""
    async with db.transaction(actor, lazily=True) as tx:
        check_permission(actor, Permission.ORGANIZATION_READ)
        row = await tx.find(_Row, _ENTRY + " and h.entry_id = %(id)s", {"id": entry_id})
        if row is None:
            raise NOT_FOUND("There is no such entry in the wiki, or it is not approved yet.")
        known = await known_entries(tx, row.content)
        values = {"slug": row.slug, "title": row.title.lower(), "id": row.id, "most": MOST_BACKLINKS}
        backlinks = await tx.all(EntryLink, _BACKLINKS, values)
        await tx.run("select count_view(%(id)s)", {"id": row.id})
    shown = await render(row.content, known)
    return Entry(
        **structs.asdict(row),
        html=shown.html,
        headings=[EntryHeading(one.level, one.text, one.anchor) for one in shown.headings],
        links=[EntryLink(*known[key]) if key in known else EntryLink(key, None) for key in shown.links],
        backlinks=backlinks,
    )


async def find_entry(tx: Tx, actor: Actor, name: str) -> Place:
    """Return the entry of that slug, title or id, for who may read it. Raises NOT_FOUND."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    try:
        found = await tx.find(Place, _ENTRY + " and h.entry_id = %(id)s", {"id": UUID(name)})
    except ValueError:
        found = await tx.find(Place, _ENTRY + _BY_NAME, {"key": name, "name": name})
        found = found or await tx.find(Place, _ENTRY + _BY_NAME, {"key": key_of(name), "name": name})
    if found is None:
        raise NOT_FOUND("There is no such entry in the wiki, or it is not approved yet.")
    return found


async def current_version(tx: Tx, entry_id: UUID) -> UUID | None:
    """The version of an entry that is read now; None before one is approved."""
    found: UUID | None = await tx.value(
        "select approved_id from wiki_heads where org_id = any (current_orgs()) and entry_id = %(id)s", {"id": entry_id}
    )
    return found


async def known_entries(tx: Tx, content: str) -> dict[str, tuple[str, str]]:
    """Slug and title of the entries that a text links to and the actor may read, by their keys."""
    if "[[" not in content:
        return {}
    from crewhall.knowledge.wiki_markdown import links_of

    keys = await asyncio.to_thread(links_of, content)
    found = await tx.all(_Named, _KNOWN, {"keys": keys})
    return {one.key: (one.slug, one.title) for one in sorted(found, key=lambda one: one.slug == one.key)}


async def render(content: str, known: Known) -> "Rendered":
    """Render a text, beside whatever else the process does."""
    return await asyncio.to_thread(_rendered, content, tuple(sorted(known.items())))


async def list_categories(tx: Tx, actor: Actor) -> list[WikiCategory]:
    """The categories in the organization's order, then those that it gave up and entries still have."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    offered = (await get_organization(tx, actor.org)).settings.wiki_categories
    counted = await tx.all(
        WikiCategory,
        """
        select category as name, count(*) as entries from wiki_heads
        where org_id = any (current_orgs()) and category is not null and entry_id in (select readable_entries())
        group by category order by category limit 200
        """,
    )
    entries = {one.name: one.entries for one in counted}
    return [
        *(WikiCategory(name, entries.pop(name, 0)) for name in offered),
        *(WikiCategory(name, number, is_offered=False) for name, number in entries.items()),
    ]


@lru_cache(maxsize=KEPT)
def _rendered(content: str, known: tuple[tuple[str, tuple[str, str]], ...]) -> "Rendered":
    from crewhall.knowledge.wiki_markdown import render_entry

    return render_entry(content, dict(known))
