"""Projects: what an organization works on."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.tasks import Board
from crewhall.faces.sdk.transport import Nothing, Transport, as_body, join


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A project. `tasks` counts them by status; `late` are those whose deadline is past."""

    id: str
    slug: str
    name: str
    created_at: datetime
    description: str | None = None
    repository_url: str | None = None
    github_installation_id: int | None = None
    mvp_document_url: str | None = None
    is_active: bool = True
    conversation_id: str | None = None
    tasks: dict[str, int] = {}
    late: int = 0
    agents: int = 0
    people: int = 0


class ProjectMember(msgspec.Struct, frozen=True, kw_only=True):
    """A person or agent that works on a project; `is_own`: an agent of this project alone."""

    member_type: str
    member_id: str
    name: str
    handle: str = ""
    is_own: bool = False


class Projects:
    """The organization's projects."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, q: str | None = None, *, active: bool | None = None) -> AsyncIterator[Project]:
        """Give projects, active ones first, then by name."""
        query = {"q": q, "active": None if active is None else str(active).lower()}
        return walk(self._transport, "/projects", Page[Project], query)

    async def get(self, name: str) -> Project:
        """Give the project of this slug or id."""
        return await self._transport.call("GET", join("projects", "by-slug", name), Project)

    async def create(self, name: str, **fields: Any) -> Project:
        """Begin a project: `slug`, `description`, `repository_url`, `github_installation_id`, `mvp_document_url`."""
        return await self._transport.call("POST", "/projects", Project, body=as_body(name=name, **fields))

    async def change(self, project_id: str, **fields: Any) -> Project:
        """Change what is said of a project; None takes away."""
        return await self._transport.call("PATCH", join("projects", project_id), Project, body=fields)

    async def archive(self, project_id: str) -> Project:
        """Say that nothing is to be done in it any more."""
        return await self._transport.call("PUT", join("projects", project_id, "archive"), Project)

    async def restore(self, project_id: str) -> Project:
        """Take an archived project up again."""
        return await self._transport.call("DELETE", join("projects", project_id, "archive"), Project)

    async def delete(self, project_id: str, confirm: str) -> None:
        """Delete a project with its tasks; `confirm` is its slug."""
        await self._transport.call("DELETE", join("projects", project_id), Nothing, query={"confirm": confirm})

    def members(self, project_id: str) -> AsyncIterator[ProjectMember]:
        """Give who works on it."""
        return walk(self._transport, join("projects", project_id, "members"), Page[ProjectMember])

    async def add_member(self, project_id: str, member_type: str, member_id: str) -> None:
        """Put a person or an agent of the organization on it."""
        await self._transport.call("PUT", join("projects", project_id, "members", member_type, member_id), Nothing)

    async def remove_member(self, project_id: str, member_type: str, member_id: str) -> None:
        """Take a member off it."""
        await self._transport.call("DELETE", join("projects", project_id, "members", member_type, member_id), Nothing)

    async def board(self, project_id: str) -> Board:
        """Give its tasks by status, the first of each."""
        return await self._transport.call("GET", join("projects", project_id, "board"), Board)
