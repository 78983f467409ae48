"""A sync under way: where it is, whose it is, and what of it is kept."""

from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database
from crewhall.kernel.errors import CrewhallError
from crewhall.ports.github import GITHUB_LIMITED, GITHUB_REFUSED
from crewhall.work.github.fields import Raw, Unreadable
from crewhall.work.github.items import Item
from crewhall.work.github.limits import wait_after
from crewhall.work.github.mirror import mirror_items
from crewhall.work.github.vocabulary import RepositoryState

STEPS = ("repository", "labels", "issues", "comments", "pulls", "reviews", "checks", "deployments", "outcomes")
OVER = "over"
MOST_RETRIES = 8
OVERLAP = timedelta(minutes=2)
"""How far before the last sync's beginning the next one reads: clocks differ, and what was written may show late."""
_CLAIM: LiteralString = """
update github_repositories r set attempt = r.attempt + 1, look_at = clock_timestamp() + interval '3 minutes',
    state = 'syncing', problem = null
where r.id = %(id)s and r.look_at <= clock_timestamp()
returning r.id, r.org_id, r.connection_id, r.full_name, r.installation_id, r.cursor, r.watermark, r.pages_done,
    r.pages_total, r.attempt, r.retries
"""
_HOLD: LiteralString = """
update github_repositories set look_at = clock_timestamp() + interval '3 minutes', cursor = %(cursor)s,
    pages_done = %(done)s, pages_total = %(total)s, retries = 0
where id = %(id)s and attempt = %(attempt)s
"""
_END: LiteralString = """
update github_repositories set state = 'synced', problem = null, synced_at = clock_timestamp(), watermark = %(began)s,
    cursor = %(cursor)s, look_at = clock_timestamp() + make_interval(mins => %(minutes)s), retries = 0,
    pages_total = pages_done
where id = %(id)s and attempt = %(attempt)s
"""
_PUT_OFF: LiteralString = """
update github_repositories set state = %(state)s, problem = %(problem)s, retries = %(retries)s,
    look_at = clock_timestamp() + make_interval(secs => %(wait)s)
where id = %(id)s and attempt = %(attempt)s
"""
_IDENTIFY: LiteralString = """
update github_repositories set github_id = %(github)s, default_branch = %(branch)s
where id = %(id)s and attempt = %(attempt)s
"""
_NEXT: dict[str, LiteralString] = {
    "reviews": """
        select number, sha, title from github_items
        where org_id = %(org)s and repository_id = %(id)s and kind = 'pull_request' and number > %(number)s
          and (%(since)s::timestamptz is null or moment >= %(since)s)
        """,
    "checks": """
        select number, sha, title from github_items
        where org_id = %(org)s and repository_id = %(id)s and kind = 'pull_request' and number > %(number)s
          and state = 'open' and sha is not null
        """,
    "outcomes": """
        select key::bigint as number, sha, title from github_items
        where org_id = %(org)s and repository_id = %(id)s and kind = 'deployment' and key::bigint > %(number)s
          and (%(since)s::timestamptz is null or moment >= %(since)s)
        """,
}
"""What is asked about by itself, in a step. Each has a request of its own."""
_IN_ORDER: LiteralString = " order by 1 limit 1"


class Cursor(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Where a sync goes on: the step, and where in it. What was asked last, and its ETag, outlive it."""

    step: str = STEPS[0]
    began: datetime | None = None
    since: datetime | None = None
    page: int = 1
    number: int = 0
    etags: dict[str, str] = {}
    asked: dict[str, datetime] = {}


class Sync(msgspec.Struct, kw_only=True):
    """A repository that this process reads. What it writes counts while `attempt` is the row's."""

    id: UUID
    org_id: UUID
    connection_id: UUID
    full_name: str
    installation_id: int | None
    cursor: Cursor
    watermark: datetime | None
    pages_done: int
    pages_total: int | None
    attempt: int
    retries: int

    @property
    def repository_id(self) -> UUID:
        """The repository's row, which is the sync's."""
        return self.id

    @property
    def since(self) -> datetime | None:
        """From which moment on this sync reads."""
        return self.watermark - OVERLAP if self.watermark else None


class Thing(msgspec.Struct, frozen=True):
    """What is asked about by itself."""

    number: int
    sha: str | None
    title: str | None


class NotOurs(Exception):
    """Another process reads it now, or nobody is to."""


async def claim_sync(db: Database, org_id: UUID, repository_id: UUID) -> Sync | None:
    """Take a repository over, if it is still due."""
    async with db.transaction(system_actor(org_id)) as tx:
        return await tx.find(Sync, _CLAIM, {"id": repository_id})


async def identify(db: Database, sync: Sync, raw: Raw) -> None:
    """Note which repository it is at GitHub. Raises GITHUB_REFUSED (it is here under another name), NotOurs."""
    if not isinstance(raw.get("id"), int):
        raise Unreadable("A repository has an id.")
    values = {"id": sync.id, "attempt": sync.attempt, "github": raw["id"], "branch": raw.get("default_branch")}
    async with db.transaction(system_actor(sync.org_id)) as tx:
        other = await tx.value(
            "select full_name from github_repositories where github_id = %(github)s and id <> %(id)s", values
        )
        if other is not None:
            raise GITHUB_REFUSED(f"This is {other}, which is mirrored already. Remove one of them.")
        if not await tx.run(_IDENTIFY, values):
            raise NotOurs


async def next_thing(db: Database, sync: Sync) -> Thing | None:
    """The next thing of the mirror that is asked about by itself in this step."""
    async with db.transaction(system_actor(sync.org_id)) as tx:
        return await tx.find(Thing, _NEXT[sync.cursor.step] + _IN_ORDER, _place(sync))


async def keep(db: Database, sync: Sync, found: list[Item], read_at: datetime, *, following: str | None = None) -> None:
    """Take a page into the mirror and note where to go on, if the repository is still ours. Raises NotOurs."""
    cursor, system = sync.cursor, system_actor(sync.org_id)
    if following is not None:
        cursor.step, cursor.page, cursor.since, cursor.number = following, 1, None, 0
    async with db.transaction(system) as tx:
        if following in _NEXT:
            waiting = await tx.value("select count(*) from (" + _NEXT[following] + ") as waiting", _place(sync))
            sync.pages_total = max(sync.pages_total or 0, sync.pages_done + waiting)
        values = {
            "id": sync.id,
            "attempt": sync.attempt,
            "cursor": Jsonb(msgspec.to_builtins(cursor)),
            "done": sync.pages_done,
            "total": sync.pages_total,
        }
        if not await tx.run(_HOLD, values):
            raise NotOurs
        await mirror_items(tx, system, sync.id, found, read_at=read_at)


async def end(db: Database, sync: Sync, minutes: int) -> None:
    """Say that all of it is read, and when it is read again."""
    values = {
        "id": sync.id,
        "attempt": sync.attempt,
        "began": sync.cursor.began,
        "cursor": Jsonb(msgspec.to_builtins(Cursor(etags=sync.cursor.etags))),
        "minutes": minutes,
    }
    async with db.transaction(system_actor(sync.org_id)) as tx:
        await tx.run(_END, values)


async def put_off(db: Database, sync: Sync, error: CrewhallError) -> None:
    """Go on later, where it was; what GitHub refuses is tried ever more seldom, in case somebody mends it there."""
    is_limited = error.kind is GITHUB_LIMITED
    values = {
        "id": sync.id,
        "attempt": sync.attempt,
        "state": str(RepositoryState.LIMITED if is_limited else RepositoryState.FAILED),
        "problem": error.detail[:1000],
        "retries": sync.retries if is_limited else min(sync.retries + 1, MOST_RETRIES),
        "wait": wait_after(error, sync.retries),
    }
    async with db.transaction(system_actor(sync.org_id)) as tx:
        await tx.run(_PUT_OFF, values)


def _place(sync: Sync) -> dict[str, object]:
    return {"id": sync.id, "org": sync.org_id, "number": sync.cursor.number, "since": sync.since}
