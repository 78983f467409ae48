"""What is to change at GitHub: kept first, done in the background, in order for each issue.

Fields are settled one by one. One that stands there as it did when the change was asked for is written. One that has
changed since is a conflict: whoever was later wins, by the moment that GitHub gives for it. What was made carries a
mark, by which it is found again when the answer was lost.
"""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crewhall.identity import Permission, check_permission
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CONFLICT, INVALID, NOT_FOUND, CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.ports.github import GITHUB_REFUSED, Access, Github
from crewhall.work.github import items
from crewhall.work.github.connections import access_of
from crewhall.work.github.items import Item, Raw, Unreadable
from crewhall.work.github.keeping import Keeping
from crewhall.work.github.limits import wait_after
from crewhall.work.github.mirror import mirror_items
from crewhall.work.github.schemas import Change, ChangeInput, IssueFields
from crewhall.work.github.vocabulary import ChangeKind, ChangeState, FieldOutcome

CHANGES = "crewhall_github_changes"
"""Notices that something is to change at GitHub."""
MOST_WAITING = 1000
MOST_RETRIES = 10
PER_PAGE = 100
_TOLD_BY = {
    "title": frozenset({"renamed"}),
    "state": frozenset({"closed", "reopened"}),
    "labels": frozenset({"labeled", "unlabeled"}),
    "assignees": frozenset({"assigned", "unassigned"}),
}
_CHANGE: LiteralString = """
select id, repository_id, kind, number, fields, state, outcome, reason, url, retries, created_at, done_at
from github_changes where org_id = any (current_orgs())
"""
_CLAIM: LiteralString = """
update github_changes c set attempt = c.attempt + 1, look_at = clock_timestamp() + interval '2 minutes'
from github_repositories r
where c.id = %(id)s and c.look_at <= clock_timestamp() and r.org_id = c.org_id and r.id = c.repository_id
returning c.id, c.org_id, c.repository_id, r.full_name, r.connection_id, r.installation_id, c.kind, c.number, c.fields,
    c.base, c.created_at, c.attempt, c.retries, exists (
        select from github_changes o where o.org_id = c.org_id and o.repository_id = c.repository_id
          and o.number = c.number and o.state = 'waiting' and o.id < c.id) as is_behind
"""
_END: LiteralString = """
update github_changes set state = %(state)s, outcome = %(outcome)s, reason = %(reason)s, url = %(url)s,
    number = coalesce(number, %(number)s), look_at = null, done_at = clock_timestamp()
where id = %(id)s and attempt = %(attempt)s and state = 'waiting'
"""
_PUT_OFF: LiteralString = """
update github_changes set look_at = clock_timestamp() + make_interval(secs => %(wait)s), reason = %(reason)s,
    retries = retries + %(step)s
where id = %(id)s and attempt = %(attempt)s and state = 'waiting'
"""
BEHIND_S = 5.0


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
    is_behind: bool

    @property
    def mark(self) -> str:
        """By what is found again what was made."""
        return f"<!-- crewhall:{self.id} -->"


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a change at GitHub, and how the thing stands there now."""

    item: Item | None = None
    url: str | None = None
    outcome: dict[str, FieldOutcome] = {}


async def ask_change(tx: Tx, actor: Actor, repository_id: UUID, data: ChangeInput) -> Change:
    """Have something changed at GitHub. Raises FORBIDDEN, NOT_FOUND, INVALID, CONFLICT (too much waits)."""
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    change_id = await queue_change(tx, actor, repository_id, data)
    about = {"number": data.number}
    await audit.record(tx, actor, "github_change.asked", "github_repository", repository_id, about)
    return await tx.one(Change, _CHANGE + " and id = %(id)s", {"id": change_id})


async def queue_change(tx: Tx, actor: Actor, repository_id: UUID, data: ChangeInput) -> UUID:
    """As `ask_change`, for parts that have decided themselves who may; gives the change's id."""
    kind, fields = _kind_of(data)
    if await tx.find(_Known, "select id from github_repositories where id = %(id)s", {"id": repository_id}) is None:
        raise NOT_FOUND("There is no such repository here.")
    waiting = await tx.value(
        "select count(*) from github_changes where repository_id = %(id)s and state = 'waiting'", {"id": repository_id}
    )
    if waiting >= MOST_WAITING:
        raise CONFLICT(
            f"{waiting} changes wait for GitHub already. See why in the list of changes.", limit=MOST_WAITING
        )
    change_id = new_id()
    await tx.run(
        """
        insert into github_changes (id, org_id, repository_id, kind, number, fields, base, created_by)
        values (%(id)s, %(org)s, %(repository)s, %(kind)s, %(number)s, %(fields)s, %(base)s, %(by)s)
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
    """Take a change over, if it is still due."""
    async with db.transaction(system_actor(org_id)) as tx:
        return await tx.find(Asked, _CLAIM, {"id": change_id})


class Changing:
    """Makes changes at GitHub."""

    def __init__(self, db: Database, github: Github, keeping: Keeping) -> None:
        self._db = db
        self._github = github
        self._keeping = keeping

    async def make(self, asked: Asked) -> None:
        """Make a change; how that ended stands in its row."""
        if asked.is_behind:
            await self._put_off(asked, "An earlier change of this issue comes first.", BEHIND_S, step=0)
            return
        try:
            async with self._db.transaction(system_actor(asked.org_id)) as tx:
                access, _ = await access_of(tx, self._keeping, asked.connection_id, asked.installation_id)
            read_at = utc_now()
            done = await self._do(asked, access)
        except CrewhallError as error:
            await self._settle(asked, error)
        except Unreadable as error:
            await self._end(
                asked, ChangeState.FAILED, f"GitHub answered what cannot be read. {error}", Done(), utc_now()
            )
        else:
            await self._end(asked, ChangeState.DONE, None, done, read_at)

    async def _do(self, asked: Asked, access: Access) -> Done:
        if asked.kind is ChangeKind.CHANGE_ISSUE:
            return await self._change_issue(asked, access)
        if asked.kind is ChangeKind.COMMENT:
            return await self._comment(asked, access)
        return await self._create_issue(asked, access)

    async def _change_issue(self, asked: Asked, access: Access) -> Done:
        path = f"/repos/{asked.full_name}/issues/{asked.number}"
        raw = await self._row(access, "GET", path)
        outcome = {}
        for field, wanted in asked.fields.items():
            is_theirs = False
            stands = field_of(raw, field)
            if stands != wanted and field in asked.base and stands != asked.base[field]:
                is_theirs = await self._changed_at(access, path, raw, field) > asked.created_at
            outcome[field] = settle(stands, wanted, asked.base.get(field, stands), is_theirs=is_theirs)
        ours = {name: asked.fields[name] for name, how in outcome.items() if how in WRITES}
        if ours:
            raw = await self._row(access, "PATCH", path, json=ours)
        return Done(item=items.issue(raw), url=_url(raw), outcome=outcome)

    async def _changed_at(self, access: Access, path: str, raw: Raw, field: str) -> datetime:
        """When a field was changed at GitHub last: of a body it says only when anything was."""
        if field not in _TOLD_BY:
            return items.time_of(raw, "updated_at")
        first = await self._github.ask(access, "GET", f"{path}/events", params={"per_page": PER_PAGE})
        last = first
        if first.last_page is not None and first.last_page > 1:
            last = await self._github.ask(
                access, "GET", f"{path}/events", params={"per_page": PER_PAGE, "page": first.last_page}
            )
        told = last.body if isinstance(last.body, list) else []
        moments = [
            items.time_of(one, "created_at")
            for one in told
            if isinstance(one, dict) and one.get("event") in _TOLD_BY[field]
        ]
        return max(moments, default=items.time_of(raw, "updated_at"))

    async def _comment(self, asked: Asked, access: Access) -> Done:
        path = f"/repos/{asked.full_name}/issues/{asked.number}/comments"
        raw = await self._found(asked, access, path) if asked.attempt > 1 else None
        if raw is None:
            raw = await self._row(access, "POST", path, json={"body": f"{asked.fields['body']}\n\n{asked.mark}"})
        return Done(item=items.comment(raw, asked.number), url=_url(raw))

    async def _create_issue(self, asked: Asked, access: Access) -> Done:
        path = f"/repos/{asked.full_name}/issues"
        raw = await self._found(asked, access, path) if asked.attempt > 1 else None
        if raw is None:
            fields = {name: value for name, value in asked.fields.items() if name != "state"}
            body = f"{fields.get('body', '')}\n\n{asked.mark}".strip()
            raw = await self._row(access, "POST", path, json={**fields, "body": body})
        return Done(item=items.issue(raw), url=_url(raw))

    async def _found(self, asked: Asked, access: Access, path: str) -> Raw | None:
        """What an earlier try made, if it did before its answer was lost."""
        params: dict[str, str | int] = {
            "since": asked.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"), "per_page": PER_PAGE, "page": 1,
        }  # fmt: skip
        if asked.kind is ChangeKind.CREATE_ISSUE:
            params["state"] = "all"
        while True:
            answer = await self._github.ask(access, "GET", path, params=params)
            for raw in answer.body if isinstance(answer.body, list) else []:
                if isinstance(raw, dict) and asked.mark in (raw.get("body") or ""):
                    return raw
            if not answer.has_next:
                return None
            params["page"] = int(params["page"]) + 1

    async def _row(self, access: Access, method: str, path: str, *, json: Any = None) -> Raw:
        found = (await self._github.ask(access, method, path, json=json)).body
        if not isinstance(found, dict):
            raise Unreadable("One thing was asked for.")
        return found

    async def _settle(self, asked: Asked, error: CrewhallError) -> None:
        """What GitHub refuses is refused; everything else is tried again."""
        if error.kind.status < 500 or error.kind is GITHUB_REFUSED or asked.retries >= MOST_RETRIES:  # noqa: PLR2004
            await self._end(asked, ChangeState.FAILED, error.detail, Done(), utc_now())
        else:
            await self._put_off(asked, error.detail, wait_after(error, asked.retries), step=1)

    async def _put_off(self, asked: Asked, reason: str, wait_s: float, *, step: int) -> None:
        values = {"id": asked.id, "attempt": asked.attempt, "wait": wait_s, "reason": reason[:1000], "step": step}
        async with self._db.transaction(system_actor(asked.org_id)) as tx:
            await tx.run(_PUT_OFF, values)

    async def _end(self, asked: Asked, state: ChangeState, reason: str | None, done: Done, read_at: datetime) -> None:
        system = system_actor(asked.org_id)
        values = {
            "id": asked.id,
            "attempt": asked.attempt,
            "state": str(state),
            "reason": reason[:1000] if reason else None,
            "outcome": Jsonb({name: str(how) for name, how in done.outcome.items()}),
            "url": done.url,
            "number": done.item.number if done.item else None,
        }
        async with self._db.transaction(system) as tx:
            if await tx.run(_END, values) and done.item is not None:
                await mirror_items(tx, system, asked.repository_id, [done.item], read_at=read_at)


WRITES = frozenset({FieldOutcome.WRITTEN, FieldOutcome.WON})


def settle(stands: Any, wanted: Any, base: Any, *, is_theirs: bool) -> FieldOutcome:
    """What becomes of a field: how it stands there, what is wanted, how it stood when that was asked for."""
    if stands == wanted:
        return FieldOutcome.SAME
    if stands == base:
        return FieldOutcome.WRITTEN
    return FieldOutcome.LOST if is_theirs else FieldOutcome.WON


def field_of(raw: Raw, field: str) -> Any:
    """A field of an issue, as a change would write it."""
    item = items.issue({**raw, "pull_request": None})
    assert item is not None
    return {"title": item.title, "body": item.body, "state": item.state, **item.data}[field]


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


def _url(raw: Raw) -> str | None:
    found = raw.get("html_url")
    return found[:2000] if isinstance(found, str) else None
