"""What is to change at GitHub: kept first, done in the background (`changing.py`), in order for each issue."""

import re
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crewhall.identity import Permission, check_permission
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CONFLICT, INVALID, NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.work.github.schemas import Change, ChangeInput, IssueFields
from crewhall.work.github.vocabulary import ChangeKind

CHANGES = "crewhall_github_changes"
"""Notices that something is to change at GitHub."""
MOST_WAITING = 1000
MARK = re.compile(r"\s*<!-- crewhall:([0-9a-f-]{36}) -->")
"""What was made from here bears it: the id of the change, where nobody sees it."""
_CHANGE: LiteralString = """
select id, repository_id, kind, number, fields, state, outcome, reason, url, retries, created_at, done_at
from github_changes where org_id = any (current_orgs())
"""
_CLAIM: LiteralString = """
update github_changes c set attempt = c.attempt + 1, reason = null,
    look_at = clock_timestamp() + interval '2 minutes'
from github_repositories r
where c.id = %(id)s and c.look_at <= clock_timestamp() and r.org_id = c.org_id and r.id = c.repository_id
returning c.id, c.org_id, c.repository_id, r.full_name, r.connection_id, r.installation_id, c.kind, c.number, c.fields,
    c.base, c.created_at, c.attempt, c.retries
"""
BEHIND = "An earlier change of this issue comes first."
BEHIND_S = 30.0
"""How long a change waits that is behind another of its issue: whose end wakes it."""
_WAIT_FOR_TURN: LiteralString = """
select pg_advisory_xact_lock(hashtextextended('crewhall.github_changes ' || repository_id || ' ' || number, 0))
from github_changes where id = %(id)s
"""
_TRY_TURN: LiteralString = """
select number is null or pg_try_advisory_xact_lock(
    hashtextextended('crewhall.github_changes ' || repository_id || ' ' || number, 0))
from github_changes where id = %(id)s
"""
_LOOK_AGAIN: LiteralString = """
update github_changes set look_at = clock_timestamp() + interval '1 second'
where id = %(id)s and look_at <= clock_timestamp()
"""
_STAY_BEHIND: LiteralString = """
update github_changes c set look_at = clock_timestamp() + make_interval(secs => %(wait)s), reason = %(behind)s
where c.id = %(id)s and c.look_at <= clock_timestamp() and exists (
    select from github_changes o where o.org_id = c.org_id and o.repository_id = c.repository_id
      and o.number = c.number and o.state = 'waiting' and o.id < c.id)
"""
_WAKE_NEXT: LiteralString = """
update github_changes set look_at = clock_timestamp()
where look_at > clock_timestamp() and state = 'waiting' and reason = %(behind)s and id = (
    select n.id from github_changes d
    join github_changes n on n.org_id = d.org_id and n.repository_id = d.repository_id and n.number = d.number
    where d.id = %(id)s and n.state = 'waiting' order by n.id limit 1)
"""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A change that this process makes."""

    id: UUID
    org_id: UUID
    repository_id: UUID
    full_name: str
    connection_id: UUID
    installation_id: int | None
    kind: ChangeKind
    number: int | None
    fields: dict[str, Any]
    base: dict[str, Any]
    created_at: datetime
    attempt: int
    retries: int

    @property
    def mark(self) -> str:
        """By what is found again what was made."""
        return f"<!-- crewhall:{self.id} -->"


async def ask_change(tx: Tx, actor: Actor, repository_id: UUID, data: ChangeInput) -> Change:
    """Have something changed at GitHub. Raises FORBIDDEN, NOT_FOUND, INVALID, CONFLICT (too much waits)."""
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    change_id = await queue_change(tx, actor, repository_id, data)
    about = {"number": data.number}
    await audit.record(tx, actor, "github_change.asked", "github_repository", repository_id, about)
    return await tx.one(Change, _CHANGE + " and id = %(id)s", {"id": change_id})


async def queue_change(
    tx: Tx,
    actor: Actor,
    repository_id: UUID,
    data: ChangeInput,
    *,
    task_id: UUID | None = None,
    most: int | None = MOST_WAITING,
) -> UUID:
    """As `ask_change`, for parts that have decided themselves who may, about a task perhaps; gives the change's id.

    `most`: how many may wait at once.
    """
    kind, fields = _kind_of(data)
    if await tx.find(_Known, "select id from github_repositories where id = %(id)s", {"id": repository_id}) is None:
        raise NOT_FOUND("There is no such repository here.")
    waiting = await tx.value(
        "select count(*) from github_changes where repository_id = %(id)s and state = 'waiting'", {"id": repository_id}
    )
    if most is not None and waiting >= most:
        raise CONFLICT(f"{waiting} changes wait for GitHub already. See why in the list of changes.", limit=most)
    change_id = new_id()
    await tx.run(
        """
        insert into github_changes (id, org_id, repository_id, kind, number, fields, base, created_by, task_id)
        values (%(id)s, %(org)s, %(repository)s, %(kind)s, %(number)s, %(fields)s, %(base)s, %(by)s,
                %(task)s)
        """,
        {
            "id": change_id,
            "org": actor.org,
            "repository": repository_id,
            "kind": str(kind),
            "number": data.number,
            "fields": Jsonb(fields),
            "base": Jsonb(await _base(tx, repository_id, data.number, fields)),
            "by": actor.id,
            "task": task_id,
        },
    )
    await tx.notify(CHANGES, "")
    return change_id


async def list_changes(
    tx: Tx, actor: Actor, repository_id: UUID, *, after: str | None = None, limit: int | None = None
) -> Page[Change]:
    """List what was asked of GitHub for a repository, the newest first. Raises FORBIDDEN."""
    check_permission(actor, Permission.SETTINGS_READ)
    size, key = check_limit(limit), decode_cursor(after, UUID)
    rows = await tx.all(
        Change,
        _CHANGE
        + """
        and repository_id = %(repository)s and (%(after)s::uuid is null or id < %(after)s)
        order by id desc limit %(limit)s
        """,
        {"repository": repository_id, "after": key[0] if key else None, "limit": size + 1},
    )
    return page_of(rows, size, lambda row: (row.id,))


async def claim_change(db: Database, org_id: UUID, change_id: UUID) -> Asked | None:
    """Take a change over, if it is still due; one behind another of its issue waits for `wake_next`.

    Waits for nobody: while another change of its issue ends, it is looked at again in a second.
    """
    about = {"id": change_id, "behind": BEHIND, "wait": BEHIND_S}
    async with db.transaction(system_actor(org_id)) as tx:
        if not await tx.value(_TRY_TURN, about):
            await tx.run(_LOOK_AGAIN, about)
            return None
        if await tx.run(_STAY_BEHIND, about):
            return None
        return await tx.find(Asked, _CLAIM, about)


async def take_turn(tx: Tx, change_id: UUID) -> None:
    """Let nobody else claim or end a change of the same issue until the transaction ends.

    So nobody stays behind one that has just ended.
    """
    await tx.run(_WAIT_FOR_TURN, {"id": change_id})


async def wake_next(tx: Tx, change_id: UUID) -> None:
    """Have the change made that waited for the end of this one; the caller has its turn."""
    if await tx.run(_WAKE_NEXT, {"id": change_id, "behind": BEHIND}):
        await tx.notify(CHANGES, "")


class _Known(msgspec.Struct):
    id: UUID


class _Standing(msgspec.Struct):
    title: str | None
    body: str | None
    state: str | None
    data: dict[str, Any]


async def _base(tx: Tx, repository_id: UUID, number: int | None, fields: dict[str, Any]) -> dict[str, Any]:
    """How the fields stood in the mirror when they were asked to change; none of an issue that is not there."""
    found = await tx.find(
        _Standing,
        """
        select title, body, state, data from github_items
        where org_id = (select (current_orgs())[1]) and repository_id = %(repository)s and kind = 'issue'
          and number = %(number)s and deleted_at is null
        """,
        {"repository": repository_id, "number": number},
    )
    if found is None:
        return {}
    stood = {"title": found.title, "body": found.body, "state": found.state, **found.data}
    return {name: stood.get(name) for name in fields}


def _kind_of(data: ChangeInput) -> tuple[ChangeKind, dict[str, Any]]:
    if data.comment is not None and data.issue is None and data.number is not None:
        return ChangeKind.COMMENT, {"body": data.comment}
    if data.comment is not None or data.issue is None:
        raise INVALID("Say how an issue is to be (`issue`), or what to say on one (`comment` with `number`).")
    fields = _ordered(data.issue)
    if data.number is not None:
        if not fields:
            raise INVALID("Say what is to change.", field="issue")
        return ChangeKind.CHANGE_ISSUE, fields
    if "title" not in fields:
        raise INVALID("A new issue has a title.", field="issue")
    return ChangeKind.CREATE_ISSUE, fields


def _ordered(issue: IssueFields) -> dict[str, Any]:
    """The fields that are given; names in order, as the mirror has them."""
    given: dict[str, Any] = msgspec.to_builtins(issue)
    return {name: sorted(set(value)) if isinstance(value, list) else value for name, value in given.items()}
