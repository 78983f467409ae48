"""Changes made at GitHub.

Fields are settled one by one. One that stands there as it did when the change was asked for is written. One that has
changed since is a conflict: whoever was later wins, by the moment that GitHub gives for it. What was made carries a
mark, by which it is found again when the answer was lost.
"""

from datetime import datetime, timedelta
from typing import Any, LiteralString

import msgspec
from psycopg.types.json import Jsonb

from crewhall.kernel.actor import system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.events import publish
from crewhall.ports.github import GITHUB_REFUSED, Access, Github
from crewhall.work.github import issues
from crewhall.work.github.facts import ChangeEnded
from crewhall.work.github.fields import Raw, Unreadable, time_of
from crewhall.work.github.installing import access_in
from crewhall.work.github.items import Item
from crewhall.work.github.keeping import Keeping
from crewhall.work.github.limits import wait_after
from crewhall.work.github.mirror import mirror_items
from crewhall.work.github.outgoing import Asked, take_turn, wake_next
from crewhall.work.github.settling import WRITES, field_of, settle
from crewhall.work.github.vocabulary import ChangeKind, ChangeState, FieldOutcome

MOST_RETRIES = 10
PER_PAGE = 100
CLOCKS_APART = timedelta(hours=1)
"""What was made is looked for from so long before it was asked for: GitHub's clock is not ours."""
REASON = "state_reason"
_TOLD_BY = {
    "title": frozenset({"renamed"}),
    "state": frozenset({"closed", "reopened"}),
    "labels": frozenset({"labeled", "unlabeled"}),
    "assignees": frozenset({"assigned", "unassigned"}),
}
_END: LiteralString = """
update github_changes set state = %(state)s, outcome = %(outcome)s, reason = %(reason)s, url = %(url)s,
    number = coalesce(number, %(number)s), look_at = null, done_at = clock_timestamp()
where id = %(id)s and attempt = %(attempt)s and state = 'waiting'
"""
_PUT_OFF: LiteralString = """
update github_changes set look_at = clock_timestamp() + make_interval(secs => %(wait)s), reason = %(reason)s,
    retries = retries + 1
where id = %(id)s and attempt = %(attempt)s and state = 'waiting'
"""
_HOLD: LiteralString = """
update github_changes set look_at = clock_timestamp() + interval '2 minutes'
where id = %(id)s and attempt = %(attempt)s and state = 'waiting'
"""


class NotOurs(Exception):
    """Another process has taken over."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a change at GitHub, and how the thing stands there now."""

    item: Item | None = None
    url: str | None = None
    outcome: dict[str, FieldOutcome] = {}


class Changing:
    """Makes changes at GitHub."""

    def __init__(self, db: Database, github: Github, keeping: Keeping) -> None:
        self._db = db
        self._github = github
        self._keeping = keeping

    async def make(self, asked: Asked) -> None:
        """Make a change; how that ended stands in its row."""
        try:
            access = await access_in(self._db, self._github, self._keeping, asked)
            read_at = utc_now()
            done = await self._do(asked, access)
        except NotOurs:
            return
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
            if field == REASON:  # it belongs to the state, and goes out with it
                continue
            is_theirs = False
            stands = field_of(raw, field)
            if stands != wanted and field in asked.base and stands != asked.base[field]:
                is_theirs = await self._changed_at(access, path, raw, field) > asked.created_at
            outcome[field] = settle(stands, wanted, asked.base.get(field, stands), is_theirs=is_theirs)
        ours = {name: asked.fields[name] for name, how in outcome.items() if how in WRITES}
        if "state" in ours and REASON in asked.fields:
            ours[REASON] = asked.fields[REASON]
        if ours:
            raw = await self._row(access, "PATCH", path, json=ours)
        return Done(item=issues.issue(raw), url=_url(raw), outcome=outcome)

    async def _changed_at(self, access: Access, path: str, raw: Raw, field: str) -> datetime:
        """When a field was changed at GitHub last: of a body it says only when anything was."""
        if field not in _TOLD_BY:
            return time_of(raw, "updated_at")
        first = await self._github.ask(access, "GET", f"{path}/events", params={"per_page": PER_PAGE})
        last = first
        if first.last_page is not None and first.last_page > 1:
            last = await self._github.ask(
                access, "GET", f"{path}/events", params={"per_page": PER_PAGE, "page": first.last_page}
            )
        told = last.body if isinstance(last.body, list) else []
        moments = [
            time_of(one, "created_at") for one in told if isinstance(one, dict) and one.get("event") in _TOLD_BY[field]
        ]
        return max(moments, default=time_of(raw, "updated_at"))

    async def _comment(self, asked: Asked, access: Access) -> Done:
        path = f"/repos/{asked.full_name}/issues/{asked.number}/comments"
        raw = await self._found(asked, access, path) if asked.attempt > 1 else None
        if raw is None:
            await self._hold(asked)
            raw = await self._row(access, "POST", path, json={"body": f"{asked.fields['body']}\n\n{asked.mark}"})
        return Done(item=issues.comment(raw, asked.number), url=_url(raw))

    async def _create_issue(self, asked: Asked, access: Access) -> Done:
        path = f"/repos/{asked.full_name}/issues"
        raw = await self._found(asked, access, path) if asked.attempt > 1 else None
        if raw is None:
            fields = {name: value for name, value in asked.fields.items() if name != "state"}
            body = f"{fields.get('body', '')}\n\n{asked.mark}".strip()
            await self._hold(asked)
            raw = await self._row(access, "POST", path, json={**fields, "body": body})
        return Done(item=issues.issue(raw), url=_url(raw))

    async def _hold(self, asked: Asked) -> None:
        """Hold a change for longer than an answer may take: nobody else makes it meanwhile. Raises NotOurs."""
        async with self._db.transaction(system_actor(asked.org_id)) as tx:
            if not await tx.run(_HOLD, {"id": asked.id, "attempt": asked.attempt}):
                raise NotOurs

    async def _found(self, asked: Asked, access: Access, path: str) -> Raw | None:
        """What an earlier try made, if it did before its answer was lost."""
        params: dict[str, str | int] = {
            "since": (asked.created_at - CLOCKS_APART).strftime("%Y-%m-%dT%H:%M:%SZ"), "per_page": PER_PAGE, "page": 1,
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
            await self._put_off(asked, error.detail, wait_after(error, asked.retries))

    async def _put_off(self, asked: Asked, reason: str, wait_s: float) -> None:
        """Have it made later."""
        values = {"id": asked.id, "attempt": asked.attempt, "wait": wait_s, "reason": reason[:1000]}
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
            await take_turn(tx, asked.id)
            if not await tx.run(_END, values):
                return
            await wake_next(tx, asked.id)
            if done.item is not None:
                await mirror_items(tx, system, asked.repository_id, [done.item], read_at=read_at)
            number = asked.number or (done.item.number if done.item else None)
            ended = ChangeEnded(change_id=asked.id, repository_id=asked.repository_id, kind=asked.kind, number=number)
            await publish(tx, system, ended)


def _url(raw: Raw) -> str | None:
    found = raw.get("html_url")
    return found[:2000] if isinstance(found, str) else None
