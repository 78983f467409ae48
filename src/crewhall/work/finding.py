"""Tasks found by words: in the search box, and among all that fits best."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from msgspec import Struct

from crewhall.conversations import MARKS, TaskFound, beginnings_of, marked_words, pieces_of, readable, snippet
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx

_NAME = re.compile(r"([a-z0-9-]{1,100})#([0-9]{1,9})", re.IGNORECASE)
_BY_WORDS: LiteralString = "select t from tasks_by_words(%(words)s, %(since)s, %(until)s, %(limit)s) as t"
_NAMED: LiteralString = """
select t.id from projects p join tasks t on t.org_id = p.org_id and t.project_id = p.id and t.number = %(number)s
where p.org_id = any (current_orgs()) and p.slug = %(slug)s and p.id in (select readable_projects())
  and t.deleted_at is null
"""
_SHOWN: LiteralString = """
with asked as materialized (
    select q.wanted, coalesce((
        select string_agg('(' || term::text || ')', ' | ')::tsquery || q.wanted
        from unnest(words_of('simple', %(words)s)) term), q.wanted) as some
    from (select search_query('simple', %(words)s) as wanted) q
)
select t.id, p.slug || '#' || t.number as name, t.title, p.name as project, t.status, t.priority,
       coalesce(t.description, '') as text, t.created_at, asked.wanted::text as wanted, b.body,
       ts_headline('simple', b.parted, asked.some, %(marks)s) as marked,
       case when b.plain <> b.parted then ts_headline('simple', b.plain, asked.some, %(marks)s) end as marked_plain
from unnest(%(ids)s::uuid[]) with ordinality as found (id, place)
join tasks t on t.org_id = %(org)s and t.id = found.id and t.deleted_at is null
join projects p on p.org_id = t.org_id and p.id = t.project_id
cross join asked
cross join lateral (
    select body, parted, without_accents(parted) as plain
    from (select translate(left(coalesce(nullif(t.description, ''), t.title), 20000), '\ue000\ue001', '') as body) shown
    cross join lateral (select case when is_spaceless(body) then in_pairs(body) else body end as parted) pairs) b
where t.project_id in (select readable_projects())
order by found.place
"""


class _Row(Struct):
    id: UUID
    name: str
    title: str
    project: str
    status: str
    priority: str
    text: str
    created_at: datetime
    wanted: str
    body: str
    marked: str
    marked_plain: str | None


class Tasks:
    """See `TaskFinder`."""

    async def rank(
        self, tx: Tx, words: str, *, since: datetime | None, until: datetime | None, limit: int
    ) -> list[UUID]:
        """See `TaskFinder`."""
        named = await _named(tx, words) if since is None and until is None else []
        asked = {"words": words, "since": since, "until": until, "limit": limit}
        found: list[UUID] = await tx.values(_BY_WORDS, asked)
        return list(dict.fromkeys([*named, *found]))[:limit]

    async def show(self, tx: Tx, actor: Actor, words: str, ids: Sequence[UUID]) -> list[TaskFound]:
        """See `TaskFinder`."""
        asked = {"words": words, "ids": list(ids), "org": actor.org, "marks": MARKS}
        return [_shown(row, words) for row in await tx.all(_Row, _SHOWN, asked)]


async def _named(tx: Tx, words: str) -> list[UUID]:
    """The task that is called so: `cafe-orders#12`."""
    named = _NAME.fullmatch(words.strip())
    if named is None:
        return []
    found: list[UUID] = await tx.values(_NAMED, {"slug": named[1].lower(), "number": int(named[2])})
    return found


def _shown(row: _Row, words: str) -> TaskFound:
    marked = marked_words(row.marked) | marked_words(row.marked_plain or "")
    html = snippet(readable(row.body), words, marked, beginnings_of(row.wanted), pieces_of(words))
    return TaskFound(
        id=row.id, name=row.name, title=row.title, project=row.project, status=row.status, priority=row.priority,
        text=row.text, snippet=html, created_at=row.created_at,
    )  # fmt: skip
