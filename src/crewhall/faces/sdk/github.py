"""GitHub: connections, repositories that are mirrored, what webhooks delivered, what goes out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

import msgspec

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.transport import Nothing, Transport, as_body, join

UNDER_WAY = frozenset({"waiting", "syncing"})
LOOK_S = 0.5


class GithubConnection(msgspec.Struct, frozen=True, kw_only=True):
    """How the organization reaches GitHub. `webhook_secret` is there when it was just made, and never again."""

    id: str
    kind: str
    name: str
    webhook_url: str
    app_id: int | None = None
    answered: str | None = None
    problem: str | None = None
    checked_at: datetime | None = None
    repository_count: int = 0
    webhook_secret: str | None = None


class GithubRepository(msgspec.Struct, frozen=True, kw_only=True):
    """A repository that is mirrored: `waiting`, `syncing`, `synced`, `limited` or `failed`.

    `project_id`: whose tasks its issues are; while `is_filling`, `tasks_done` of `tasks_total` are by now.
    """

    id: str
    connection_id: str
    full_name: str
    state: str
    problem: str | None = None
    github_id: int | None = None
    default_branch: str | None = None
    project_id: str | None = None
    makes_issues: bool = False
    sends_comments: bool = True
    tasks_done: int = 0
    tasks_total: int = 0
    is_filling: bool = False
    pages_done: int = 0
    pages_total: int | None = None
    synced_at: datetime | None = None
    look_at: datetime | None = None


class GithubItem(msgspec.Struct, frozen=True, kw_only=True):
    """A thing of a repository as it was newest."""

    kind: str
    key: str
    moment: datetime
    number: int | None = None
    sha: str | None = None
    state: str | None = None
    title: str | None = None
    body: str | None = None
    author: str | None = None
    url: str | None = None
    data: dict[str, Any] = {}


class GithubDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook delivered: `waiting`, `done`, `ignored` or `failed`."""

    id: str
    delivery: str
    event: str
    state: str
    created_at: datetime
    reason: str | None = None
    repository_id: str | None = None
    has_payload: bool = True


class GithubChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of GitHub: `waiting`, `done` or `failed`; `outcome` says what became of each field."""

    id: str
    kind: str
    state: str
    number: int | None = None
    fields: dict[str, Any] = {}
    outcome: dict[str, str] = {}
    reason: str | None = None
    url: str | None = None


class Github:
    """The organization's GitHub, for owners and admins."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def connections(self) -> list[GithubConnection]:
        """Give the connections, by name."""
        return (await self._transport.call("GET", "/github/connections", Page[GithubConnection])).items

    async def connect(
        self,
        *,
        token: str | None = None,
        app_id: int | None = None,
        private_key: str | None = None,
        webhook_secret: str | None = None,
        name: str | None = None,
    ) -> GithubConnection:
        """Connect with a token, or with an app's id and private key. Keep the answer's `webhook_secret`."""
        body = as_body(
            token=token, app_id=app_id, private_key=private_key, webhook_secret=webhook_secret, name=name
        )  # fmt: skip
        return await self._transport.call("POST", "/github/connections", GithubConnection, body=body)

    async def change(self, connection_id: str, **changes: Any) -> GithubConnection:
        """Change `name`, `token`, `private_key` or `webhook_secret`."""
        path = join("github", "connections", connection_id)
        return await self._transport.call("PATCH", path, GithubConnection, body=changes)

    async def check(self, connection_id: str) -> GithubConnection:
        """Ask GitHub whom it takes us for: `answered`, or `problem`."""
        path = join("github", "connections", connection_id, "check")
        return await self._transport.call("POST", path, GithubConnection, repeatable=True)

    async def disconnect(self, connection_id: str) -> None:
        """Remove a connection with its mirror."""
        await self._transport.call("DELETE", join("github", "connections", connection_id), Nothing)

    def repositories(self) -> AsyncIterator[GithubRepository]:
        """Give the mirrored repositories, by name."""
        return walk(self._transport, "/github/repositories", Page[GithubRepository])

    async def add(self, connection_id: str, full_name: str) -> GithubRepository:
        """Mirror a repository from now on."""
        body = as_body(connection_id=connection_id, full_name=full_name)
        return await self._transport.call("POST", "/github/repositories", GithubRepository, body=body)

    async def get(self, repository_id: str) -> GithubRepository:
        """Give a repository as it stands."""
        return await self._transport.call("GET", join("github", "repositories", repository_id), GithubRepository)

    async def sync(self, repository_id: str) -> GithubRepository:
        """Have a repository read now."""
        path = join("github", "repositories", repository_id, "sync")
        return await self._transport.call("POST", path, GithubRepository, repeatable=True)

    async def wait(
        self, repository_id: str, seen: Callable[[GithubRepository], None] | None = None
    ) -> GithubRepository:
        """Give the repository once it is not being read; `seen` is told of it meanwhile."""
        while True:
            found = await self.get(repository_id)
            if seen is not None:
                seen(found)
            if found.state not in UNDER_WAY:
                return found
            await asyncio.sleep(LOOK_S)

    async def link(
        self, repository_id: str, project_id: str, *, makes_issues: bool = False, sends_comments: bool = True
    ) -> GithubRepository:
        """Make tasks of a repository's issues in a project, of those that are there too (`filled` waits for that)."""
        body = as_body(project_id=project_id, makes_issues=makes_issues, sends_comments=sends_comments)
        path = join("github", "repositories", repository_id, "project")
        return await self._transport.call("PUT", path, GithubRepository, body=body)

    async def unlink(self, repository_id: str) -> GithubRepository:
        """Make no more tasks of them; those that there are stay."""
        path = join("github", "repositories", repository_id, "project")
        return await self._transport.call("DELETE", path, GithubRepository)

    async def filled(
        self, repository_id: str, seen: Callable[[GithubRepository], None] | None = None
    ) -> GithubRepository:
        """Give the repository once its issues are tasks; `seen` is told of it meanwhile."""
        while True:
            found = await self.get(repository_id)
            if seen is not None:
                seen(found)
            if not found.is_filling:
                return found
            await asyncio.sleep(LOOK_S)

    async def remove(self, repository_id: str) -> None:
        """Mirror a repository no more."""
        await self._transport.call("DELETE", join("github", "repositories", repository_id), Nothing)

    def items(self, repository_id: str, *, kind: str = "issue", number: int | None = None) -> AsyncIterator[GithubItem]:
        """Give what a repository holds of a kind, the newest first."""
        query = {"kind": kind, "number": None if number is None else str(number)}
        return walk(self._transport, join("github", "repositories", repository_id, "items"), Page[GithubItem], query)

    def changes(self, repository_id: str) -> AsyncIterator[GithubChange]:
        """Give what was asked of GitHub, the newest first."""
        return walk(self._transport, join("github", "repositories", repository_id, "changes"), Page[GithubChange])

    async def ask(
        self,
        repository_id: str,
        *,
        number: int | None = None,
        issue: dict[str, Any] | None = None,
        comment: str | None = None,
    ) -> GithubChange:
        """Have an issue made, changed or commented on."""
        body = as_body(number=number, issue=issue, comment=comment)
        path = join("github", "repositories", repository_id, "changes")
        return await self._transport.call("POST", path, GithubChange, body=body)

    def deliveries(self, *, status: str | None = None) -> AsyncIterator[GithubDelivery]:
        """Give what webhooks delivered, the newest first."""
        return walk(self._transport, "/github/deliveries", Page[GithubDelivery], {"status": status})

    async def redeliver(self, delivery_id: str) -> GithubDelivery:
        """Do a delivery again."""
        path = join("github", "deliveries", delivery_id, "redeliver")
        return await self._transport.call("POST", path, GithubDelivery, repeatable=True)
