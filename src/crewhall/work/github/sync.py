"""Reading a repository from GitHub: all of it at first, thereafter what changed; page by page, each kept at once.

What is read goes on from a moment wherever GitHub lets it, not from a page's number: what changes meanwhile moves to
the end and is read again, and who goes on after a crash begins with the last page that was kept.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database
from crewhall.kernel.errors import CrewhallError
from crewhall.ports.github import GITHUB_REFUSED, Access, Github, GithubAnswer
from crewhall.work.github import builds, issues, pulls
from crewhall.work.github.fields import Raw, Unreadable, time_of
from crewhall.work.github.installing import access_in
from crewhall.work.github.items import NEVER, Item
from crewhall.work.github.keeping import Keeping
from crewhall.work.github.syncs import OVER, STEPS, Cursor, Sync, end, identify, keep, next_thing, put_off
from crewhall.work.github.vocabulary import ItemKind

PER_PAGE = 100
NOT_MODIFIED, GONE = 304, (404, 410, 451)


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
            await put_off(self._db, sync, error)
        except Unreadable as error:
            await put_off(self._db, sync, GITHUB_REFUSED(f"GitHub answered what cannot be read. {error}"))

    async def _read(self, sync: Sync) -> None:
        access = await access_in(self._db, self._github, self._keeping, sync)
        cursor = sync.cursor
        if cursor.began is None:
            cursor.began = utc_now()
            sync.pages_done, sync.pages_total = 0, None
        while cursor.step != OVER:
            await self._steps()[cursor.step](sync, access)
        await end(self._db, sync, self._minutes)

    def _steps(self) -> dict[str, Callable[[Sync, Access], Any]]:
        return {
            "repository": self._repository,
            "labels": self._labels,
            "issues": lambda sync, access: self._since(sync, access, "issues", "issues", issues.issue),
            "comments": lambda sync, access: self._since(sync, access, "comments", "issues/comments", issues.comment),
            "pulls": self._pulls,
            "reviews": self._reviews,
            "checks": self._checks,
            "deployments": self._deployments,
            "outcomes": self._outcomes,
        }

    async def _repository(self, sync: Sync, access: Access) -> None:
        raw = (await self._github.ask(access, "GET", f"/repos/{sync.full_name}")).body
        await identify(self._db, sync, raw if isinstance(raw, dict) else {})
        await keep(self._db, sync, [], utc_now(), following=_after("repository"))

    async def _labels(self, sync: Sync, access: Access) -> None:
        await self._paged(sync, access, "labels", "labels", {}, issues.label)

    async def _since(
        self, sync: Sync, access: Access, step: str, path: str, reader: Callable[[Raw], Item | None]
    ) -> None:
        """Go through what changed since a moment, in order of change."""
        cursor = sync.cursor
        is_first = cursor.since is None and cursor.page == 1
        etag = cursor.etags.get(step) if is_first else None
        since = cursor.since or (cursor.asked.get(step) if etag else sync.since)  # an ETag is of one question
        params: dict[str, str | int] = {"sort": "updated", "direction": "asc", "per_page": PER_PAGE}
        if step == "issues":
            params["state"] = "all"
        if since is not None:
            params["since"] = _written(since)
        read_at = utc_now()
        answer = await self._ask(sync, access, path, params | {"page": cursor.page}, etag)
        raws = _rows(answer)
        if is_first:
            self._note(cursor, step, answer, since if etag is None else sync.since, is_fresh=etag is None)
        found = [one for one in map(reader, raws) if one is not None]
        if not answer.has_next:
            await keep(self._db, sync, found, read_at, following=_after(step))
            return
        last = time_of(raws[-1], "updated_at")
        if since is not None and last <= since:  # a whole page of one moment
            cursor.page += 1
        else:
            cursor.since, cursor.page = last, 1
        await keep(self._db, sync, found, read_at)

    async def _pulls(self, sync: Sync, access: Access) -> None:
        """At first all of them, in order of making; then the last that changed, back to where all is known."""
        order = ("created", "asc") if sync.watermark is None else ("updated", "desc")
        await self._paged(
            sync,
            access,
            "pulls",
            "pulls",
            {"state": "all", "sort": order[0], "direction": order[1]},
            pulls.pull_request,
        )

    async def _deployments(self, sync: Sync, access: Access) -> None:
        await self._paged(sync, access, "deployments", "deployments", {}, builds.deployment)

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
        since = sync.since
        if is_first and not (step == "pulls" and since is None):  # then the question will be another one
            self._note(cursor, step, answer, None, is_fresh=True)
        is_known = since is not None and step != "labels" and any(item.moment < since for item in found)
        is_over = not answer.has_next or is_known
        cursor.page += 1
        await keep(self._db, sync, found, read_at, following=_after(step) if is_over else None)

    async def _reviews(self, sync: Sync, access: Access) -> None:
        found = await next_thing(self._db, sync)
        if found is None:
            await keep(self._db, sync, [], utc_now(), following=_after("reviews"))
            return
        number = int(found.number)
        await self._one_by_one(sync, access, f"pulls/{number}/reviews", number, lambda raw: pulls.review(raw, number))

    async def _checks(self, sync: Sync, access: Access) -> None:
        """The checks of the heads of open pull requests."""
        found = await next_thing(self._db, sync)
        if found is None:
            await keep(self._db, sync, [], utc_now(), following=_after("checks"))
            return
        path = f"commits/{found.sha}/check-suites"
        await self._one_by_one(sync, access, path, found.number, builds.check_suite, "check_suites")

    async def _outcomes(self, sync: Sync, access: Access) -> None:
        """What deployments said of themselves."""
        found = await next_thing(self._db, sync)
        if found is None:
            await keep(self._db, sync, [], utc_now(), following=OVER)
            return
        of = Item(kind=ItemKind.DEPLOYMENT, key=str(found.number), sha=found.sha, title=found.title, moment=NEVER)
        await self._one_by_one(
            sync, access, f"deployments/{found.number}/statuses", found.number,
            lambda raw: builds.deployment_status(raw, of),
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
        await keep(self._db, sync, found, read_at)

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
