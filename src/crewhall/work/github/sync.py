"""Reading a repository from GitHub: all of it at first, thereafter what changed; page by page, each kept at once.

What is read goes on from a moment wherever GitHub lets it, not from a page's number: what changes meanwhile moves to
the end and is read again, and who goes on after a crash begins with the last page that was kept.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, LiteralString

import msgspec
from psycopg.types.json import Jsonb

from crewhall.kernel.actor import system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database
from crewhall.kernel.errors import CrewhallError
from crewhall.ports.github import GITHUB_LIMITED, GITHUB_REFUSED, Access, Github, GithubAnswer
from crewhall.work.github import items
from crewhall.work.github.connections import access_of
from crewhall.work.github.items import Item, Raw, Unreadable
from crewhall.work.github.keeping import Keeping
from crewhall.work.github.limits import wait_after
from crewhall.work.github.mirror import mirror_items
from crewhall.work.github.syncs import STEPS, Cursor, NotOurs, Sync
from crewhall.work.github.vocabulary import ItemKind, RepositoryState

PER_PAGE = 100
NOT_MODIFIED, SERVER_ERROR, GONE = 304, 500, (404, 410, 451)
OVERLAP = timedelta(minutes=2)
"""How far before the last sync's beginning the next one reads: clocks differ, and what was written may show late."""
MOST_RETRIES = 8
OVER = "over"
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
_IDENTIFY: LiteralString = """
update github_repositories set github_id = %(github)s, default_branch = %(branch)s,
    installation_id = coalesce(%(installation)s, installation_id)
where id = %(id)s and attempt = %(attempt)s
"""


class _One(msgspec.Struct, frozen=True):
    number: int
    sha: str | None
    title: str | None


class Syncing:
    """Reads repositories."""

    def __init__(self, db: Database, github: Github, keeping: Keeping, minutes: int) -> None:
        self._db = db
        self._github = github
        self._keeping = keeping
        self._minutes = minutes

    async def read(self, sync: Sync) -> None:
        """Read a repository to its end, or as far as GitHub lets us; how that ended stands in its row."""
        try:
            await self._read(sync)
        except CrewhallError as error:
            await self._put_off(sync, error)
        except Unreadable as error:
            await self._put_off(sync, GITHUB_REFUSED(f"GitHub answered what cannot be read. {error}"))

    async def _read(self, sync: Sync) -> None:
        async with self._db.transaction(system_actor(sync.org_id)) as tx:
            access, _ = await access_of(tx, self._keeping, sync.connection_id, sync.installation_id)
        cursor = sync.cursor
        if cursor.began is None:
            cursor.began = utc_now()
            sync.pages_done, sync.pages_total = 0, None
        if access.app_id is not None and access.installation_id is None:
            access = await self._installed(sync, access)
        while cursor.step != OVER:
            await self._steps()[cursor.step](sync, access)
        await self._end(sync)

    def _steps(self) -> dict[str, Callable[[Sync, Access], Any]]:
        return {
            "repository": self._repository,
            "labels": self._labels,
            "issues": lambda sync, access: self._since(sync, access, "issues", "issues", items.issue),
            "comments": lambda sync, access: self._since(sync, access, "comments", "issues/comments", items.comment),
            "pulls": self._pulls,
            "reviews": self._reviews,
            "checks": self._checks,
            "deployments": self._deployments,
            "outcomes": self._outcomes,
        }

    async def _installed(self, sync: Sync, access: Access) -> Access:
        """An app acts in a repository through its installation there."""
        found = (await self._github.ask(access, "GET", f"/repos/{sync.full_name}/installation")).body
        number = found.get("id") if isinstance(found, dict) else None
        if not isinstance(number, int):
            raise GITHUB_REFUSED("The app is not installed for this repository. Install it there.")
        sync.installation_id = number
        return msgspec.structs.replace(access, installation_id=number)

    async def _repository(self, sync: Sync, access: Access) -> None:
        raw = (await self._github.ask(access, "GET", f"/repos/{sync.full_name}")).body
        if not isinstance(raw, dict) or not isinstance(raw.get("id"), int):
            raise Unreadable("A repository has an id.")
        values = {
            "id": sync.id,
            "attempt": sync.attempt,
            "github": raw["id"],
            "branch": raw.get("default_branch"),
            "installation": sync.installation_id,
        }
        async with self._db.transaction(system_actor(sync.org_id)) as tx:
            other = await tx.value(
                "select full_name from github_repositories where github_id = %(github)s and id <> %(id)s", values
            )
            if other is not None:
                raise GITHUB_REFUSED(f"This is {other}, which is mirrored already. Remove one of them.")
            if not await tx.run(_IDENTIFY, values):
                raise NotOurs
        await self._keep(sync, [], utc_now(), following=_after("repository"))

    async def _labels(self, sync: Sync, access: Access) -> None:
        await self._paged(sync, access, "labels", "labels", {}, items.label)

    async def _since(
        self, sync: Sync, access: Access, step: str, path: str, reader: Callable[[Raw], Item | None]
    ) -> None:
        """Go through what changed since a moment, in order of change."""
        cursor = sync.cursor
        is_first = cursor.since is None and cursor.page == 1
        etag = cursor.etags.get(step) if is_first else None
        since = cursor.since or (cursor.asked.get(step) if etag else self._from(sync))  # an ETag is of one question
        params: dict[str, str | int] = {"sort": "updated", "direction": "asc", "per_page": PER_PAGE}
        if step == "issues":
            params["state"] = "all"
        if since is not None:
            params["since"] = _written(since)
        read_at = utc_now()
        answer = await self._ask(sync, access, path, params | {"page": cursor.page}, etag)
        raws = _rows(answer)
        if is_first:
            self._note(cursor, step, answer, since if etag is None else self._from(sync), is_fresh=etag is None)
        found = [one for one in map(reader, raws) if one is not None]
        if not answer.has_next:
            await self._keep(sync, found, read_at, following=_after(step))
            return
        last = items.time_of(raws[-1], "updated_at")
        if since is not None and last <= since:  # a whole page of one moment
            cursor.page += 1
        else:
            cursor.since, cursor.page = last, 1
        await self._keep(sync, found, read_at)

    async def _pulls(self, sync: Sync, access: Access) -> None:
        """At first all of them, in order of making; then the last that changed, back to where all is known."""
        order = ("created", "asc") if sync.watermark is None else ("updated", "desc")
        await self._paged(
            sync,
            access,
            "pulls",
            "pulls",
            {"state": "all", "sort": order[0], "direction": order[1]},
            items.pull_request,
        )

    async def _deployments(self, sync: Sync, access: Access) -> None:
        await self._paged(sync, access, "deployments", "deployments", {}, items.deployment)

    async def _paged(
        self,
        sync: Sync,
        access: Access,
        step: str,
        path: str,
        params: dict[str, str | int],
        reader: Callable[[Raw], Item],
    ) -> None:
        """Go through a list by the numbers of its pages, as far as there is something new."""
        cursor, read_at = sync.cursor, utc_now()
        is_first = cursor.page == 1
        etag = cursor.etags.get(step) if is_first else None
        answer = await self._ask(sync, access, path, {**params, "per_page": PER_PAGE, "page": cursor.page}, etag)
        found = [reader(raw) for raw in _rows(answer)]
        since = self._from(sync)
        if is_first and not (step == "pulls" and since is None):  # then the question will be another one
            self._note(cursor, step, answer, None, is_fresh=True)
        is_known = since is not None and step != "labels" and any(item.moment < since for item in found)
        is_over = not answer.has_next or is_known
        cursor.page += 1
        await self._keep(sync, found, read_at, following=_after(step) if is_over else None)

    async def _reviews(self, sync: Sync, access: Access) -> None:
        found = await self._next(sync)
        if found is None:
            await self._keep(sync, [], utc_now(), following=_after("reviews"))
            return
        number = int(found.number)
        await self._one_by_one(sync, access, f"pulls/{number}/reviews", number, lambda raw: items.review(raw, number))

    async def _checks(self, sync: Sync, access: Access) -> None:
        """The checks of the heads of open pull requests."""
        found = await self._next(sync)
        if found is None:
            await self._keep(sync, [], utc_now(), following=_after("checks"))
            return
        path = f"commits/{found.sha}/check-suites"
        await self._one_by_one(sync, access, path, found.number, items.check_suite, "check_suites")

    async def _outcomes(self, sync: Sync, access: Access) -> None:
        """What deployments said of themselves."""
        found = await self._next(sync)
        if found is None:
            await self._keep(sync, [], utc_now(), following=OVER)
            return
        of = Item(kind=ItemKind.DEPLOYMENT, key=str(found.number), sha=found.sha, title=found.title, moment=items.NEVER)
        await self._one_by_one(
            sync, access, f"deployments/{found.number}/statuses", found.number,
            lambda raw: items.deployment_status(raw, of),
        )  # fmt: skip

    async def _one_by_one(
        self,
        sync: Sync,
        access: Access,
        path: str,
        number: int,
        reader: Callable[[Raw], Item],
        field: str | None = None,
    ) -> None:
        """Read what belongs to one thing, page by page; one that is gone has nothing."""
        cursor, read_at = sync.cursor, utc_now()
        try:
            answer = await self._ask(sync, access, path, {"per_page": PER_PAGE, "page": cursor.page}, None)
        except CrewhallError as error:
            if error.fields.get("github_status") not in GONE:
                raise
            answer = GithubAnswer(status=NOT_MODIFIED, body=None)
        found = [reader(raw) for raw in _rows(answer, field)]
        if answer.has_next:
            cursor.page += 1
        else:
            cursor.number, cursor.page = number, 1
        await self._keep(sync, found, read_at)

    async def _next(self, sync: Sync) -> "_One | None":
        """The next thing of the mirror that is asked about by itself."""
        async with self._db.transaction(system_actor(sync.org_id)) as tx:
            return await tx.find(_One, _NEXT[sync.cursor.step] + _IN_ORDER, self._place(sync))

    async def _ask(
        self, sync: Sync, access: Access, path: str, params: dict[str, str | int], etag: str | None
    ) -> GithubAnswer:
        answer = await self._github.ask(access, "GET", f"/repos/{sync.full_name}/{path}", params=params, etag=etag)
        sync.pages_done += 1
        left = max((answer.last_page or 1) - int(params.get("page", 1)), 0)
        sync.pages_total = max(sync.pages_total or 0, sync.pages_done + left)
        return answer

    def _note(self, cursor: Cursor, step: str, answer: GithubAnswer, since: datetime | None, *, is_fresh: bool) -> None:
        """Keep what makes the same question cheap next time: of an answer that is whole on one page."""
        if answer.status == NOT_MODIFIED:
            return
        cursor.etags.pop(step, None)
        if is_fresh and answer.etag and not answer.has_next:
            cursor.etags[step] = answer.etag
            if since is not None:
                cursor.asked[step] = since

    def _from(self, sync: Sync) -> datetime | None:
        """From which moment on this sync reads."""
        return sync.watermark - OVERLAP if sync.watermark else None

    def _place(self, sync: Sync) -> dict[str, object]:
        return {"id": sync.id, "org": sync.org_id, "number": sync.cursor.number, "since": self._from(sync)}

    async def _keep(self, sync: Sync, found: list[Item], read_at: datetime, *, following: str | None = None) -> None:
        """Take a page into the mirror and note where to go on, if the repository is still ours."""
        cursor, system = sync.cursor, system_actor(sync.org_id)
        if following is not None:
            cursor.step, cursor.page, cursor.since, cursor.number = following, 1, None, 0
        async with self._db.transaction(system) as tx:
            if following in _NEXT:
                waiting = await tx.value(
                    "select count(*) from (" + _NEXT[following] + ") as waiting", self._place(sync)
                )
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

    async def _end(self, sync: Sync) -> None:
        values = {
            "id": sync.id,
            "attempt": sync.attempt,
            "began": sync.cursor.began,
            "cursor": Jsonb(msgspec.to_builtins(Cursor(etags=sync.cursor.etags))),
            "minutes": self._minutes,
        }
        async with self._db.transaction(system_actor(sync.org_id)) as tx:
            await tx.run(_END, values)

    async def _put_off(self, sync: Sync, error: CrewhallError) -> None:
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
        async with self._db.transaction(system_actor(sync.org_id)) as tx:
            await tx.run(_PUT_OFF, values)


def _rows(answer: GithubAnswer, field: str | None = None) -> list[Raw]:
    if answer.status == NOT_MODIFIED:
        return []
    body = answer.body.get(field) if field and isinstance(answer.body, dict) else answer.body
    if not isinstance(body, list) or not all(isinstance(one, dict) for one in body):
        raise Unreadable("A list was asked for.")
    return body


def _after(step: str) -> str:
    return STEPS[STEPS.index(step) + 1]


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
