"""The mirror: each thing of a repository once, as it was newest, in whatever order and however often it is told.

What is deleted stays so; else the later moment wins, and of one moment the higher rank (items.py). So the same tellings
end in the same rows. Where two of one moment differ, the mirror cannot know which is right: the repository is read.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crewhall.kernel import events
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.work.github.facts import Place, ThingMirrored
from crewhall.work.github.items import Item
from crewhall.work.github.telling import Before, facts_of
from crewhall.work.github.vocabulary import ItemKind

CHANNEL = "crewhall_github"
"""Notices that something of GitHub is to be looked at."""
READ_AGAIN_S = 10
"""How long after a doubt the repository is read: what follows within that is read along."""
READ_KINDS = frozenset({ItemKind.ISSUE, ItemKind.PULL_REQUEST, ItemKind.COMMENT, ItemKind.LABEL})
"""Of these the next sync reads whatever changed."""
_HOLD: LiteralString = "select project_id from github_repositories where id = %(repository)s for no key update"
_HELD: LiteralString = """
select state, data ->> 'conclusion' as conclusion, coalesce(data -> 'reviewers', '[]') as reviewers,
    deleted_at is not null as is_deleted, moment, rank
from github_items where org_id = %(org)s and repository_id = %(repository)s and kind = %(kind)s and key = %(key)s
for no key update
"""
_WRITE: LiteralString = """
insert into github_items as held (org_id, repository_id, kind, key, number, sha, state, title, body, author, url,
    moment, rank, deleted_at, data)
values (%(org)s, %(repository)s, %(kind)s, %(key)s, %(number)s, %(sha)s, %(state)s, %(title)s, %(body)s, %(author)s,
    %(url)s, %(moment)s, %(rank)s, %(deleted)s, %(data)s)
on conflict (org_id, repository_id, kind, key) do update set
    number = excluded.number, sha = excluded.sha, state = excluded.state,
    title = excluded.title, body = excluded.body, author = excluded.author, url = excluded.url,
    moment = excluded.moment, rank = excluded.rank, deleted_at = excluded.deleted_at, data = excluded.data
where (excluded.deleted_at is not null, excluded.moment, excluded.rank)
    > (held.deleted_at is not null, held.moment, held.rank)
"""
_DOUBT: LiteralString = """
update github_repositories set look_at = least(look_at, clock_timestamp() + make_interval(secs => %(wait)s)),
    watermark = least(watermark, %(moment)s), cursor = cursor - 'etags'
where id = %(repository)s
"""


class _Held(msgspec.Struct, frozen=True):
    state: str | None
    conclusion: str | None
    reviewers: list[str]
    is_deleted: bool
    moment: datetime
    rank: str


async def mirror_items(
    tx: Tx, actor: Actor, repository_id: UUID, told: Sequence[Item], *, read_at: datetime | None = None
) -> int:
    """Take what was told into the mirror and publish what follows; gives how many things changed.

    `read_at`: when it was read from GitHub itself, None for what a webhook told.
    """
    changed = 0
    doubts: list[Item] = []
    project_id: UUID | None = await tx.value(_HOLD, {"repository": repository_id})  # one after another: told once
    for item in told:
        values = _values(actor, repository_id, item, read_at)
        held = await tx.find(_Held, _HELD, values)
        if not await tx.run(_WRITE, values):
            doubts += [item] if held is not None and _is_doubtful(held, item, values["rank"]) else []
            continue
        if held is not None and read_at is None and _is_doubtful(held, item, values["rank"]):
            doubts.append(item)
        changed += 1
        await events.publish(tx, actor, _mirrored(repository_id, project_id, item))
        before = None if held is None else Before(held.state, held.conclusion, held.is_deleted, held.reviewers)
        for fact in facts_of(repository_id, project_id, before, item):
            await events.publish(tx, actor, fact)
    if doubts:
        moments = (item.moment for item in doubts if item.kind is not ItemKind.LABEL)  # all labels are read each time
        values = {"repository": repository_id, "wait": READ_AGAIN_S, "moment": min(moments, default=None)}
        await tx.run(_DOUBT, values)
        await tx.notify(CHANNEL, "repositories")
    return changed


def _mirrored(repository_id: UUID, project_id: UUID | None, item: Item) -> ThingMirrored:
    ref = item.title if item.kind is ItemKind.PUSH else None
    at = Place(repository_id, project_id, item.key)
    return ThingMirrored(at=at, kind=item.kind, number=item.number, sha=item.sha, ref=ref)


def _is_doubtful(held: _Held, item: Item, rank: object) -> bool:
    """Whether another telling of the same moment and step says something else."""
    if item.kind not in READ_KINDS or held.is_deleted or item.is_deleted or held.moment != item.moment:
        return False
    return held.rank != rank and held.rank[:1] == str(rank)[:1]


def _values(actor: Actor, repository_id: UUID, item: Item, read_at: datetime | None) -> dict[str, object]:
    return {
        "org": actor.org,
        "repository": repository_id,
        "kind": str(item.kind),
        "key": item.key,
        "number": item.number,
        "sha": item.sha,
        "state": item.state,
        "title": item.title,
        "body": item.body,
        "author": item.author,
        "url": item.url,
        "moment": item.moment,
        "rank": item.rank(read_at),
        "deleted": item.moment if item.is_deleted else None,
        "data": Jsonb(item.data),
    }
