"""The wiki: entries, their versions, proposals and decisions."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.records import Author
from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.transport import Nothing, Transport, as_body, join


class WikiProject(msgspec.Struct, frozen=True):
    """The project that an entry is of."""

    id: str
    slug: str
    name: str


class WikiEntryInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An entry in a list. `snippet` is safe HTML in which `<mark>` shows what matched, where words were asked for."""

    id: str
    slug: str
    title: str
    version_id: str
    author: Author
    approved_at: datetime
    category: str | None = None
    tags: list[str] = []
    version: int = 1
    views: int = 0
    excerpt: str = ""
    project: WikiProject | None = None
    snippet: str | None = None


class WikiLink(msgspec.Struct, frozen=True):
    """A link between entries; `title` is None where no entry has this name."""

    slug: str
    title: str | None = None


class WikiEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as everybody in its scope reads it: `content` is Markdown, `html` its sanitised rendering."""

    id: str
    slug: str
    title: str
    content: str
    version_id: str
    author: Author
    approved_by: Author
    approved_at: datetime
    html: str = ""
    category: str | None = None
    tags: list[str] = []
    project: WikiProject | None = None
    version: int = 1
    reason: str | None = None
    links: list[WikiLink] = []
    backlinks: list[WikiLink] = []
    views: int = 0


class WikiMove(msgspec.Struct, frozen=True):
    """Of which project an entry was, and is since; None is the organization."""

    before: WikiProject | None = None
    after: WikiProject | None = None


class WikiVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of an entry: `draft`, `pending_approval`, `approved` or `rejected`. It never changes.

    `is_open`: nothing has followed it and it is not approved. `is_current`: everybody reads it. `is_behind`: another
    was approved since its words were begun. `moved`: it is the version that moved the entry. `content` is None in
    lists.
    """

    id: str
    entry_id: str
    slug: str
    version: int
    status: str
    title: str
    author: Author
    created_at: datetime
    content: str | None = None
    category: str | None = None
    tags: list[str] = []
    note: str | None = None
    decided_by: Author | None = None
    reason: str | None = None
    parent_id: str | None = None
    base_id: str | None = None
    is_open: bool = False
    is_current: bool = False
    is_behind: bool = False
    is_archived: bool = False
    project: WikiProject | None = None
    moved: WikiMove | None = None


class WikiChange(msgspec.Struct, frozen=True):
    """A piece of text: `same`, `added`, `removed`, or `left out` for a long stretch that stayed."""

    how: str
    text: str


class WikiDifferences(msgspec.Struct, frozen=True, kw_only=True):
    """What a version changes, word by word; `against` is None for an entry's first words."""

    version: WikiVersion
    title: list[WikiChange]
    content: list[WikiChange]
    against: WikiVersion | None = None


class Wiki:
    """The organization's wiki."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        q: str | None = None,
        *,
        category: str | None = None,
        tag: str | None = None,
        project_id: str | None = None,
        order: str | None = None,
    ) -> AsyncIterator[WikiEntryInfo]:
        """Give what is approved, by `order` (title, recent, read); with `q` what matches, best first."""
        query = {"q": q, "category": category, "tag": tag, "project": project_id, "order": order}
        return walk(self._transport, "/wiki", Page[WikiEntryInfo], query)

    async def read(self, name: str) -> WikiEntry:
        """Give the entry of this slug, title or id; it is counted as read."""
        return await self._transport.call("GET", join("wiki", "by-slug", name), WikiEntry)

    async def write(
        self,
        title: str,
        content: str,
        *,
        slug: str | None = None,
        category: str | None = None,
        tags: Sequence[str] | None = None,
        note: str | None = None,
        project_id: str | None = None,
        draft: bool = False,
    ) -> WikiVersion:
        """Propose a new entry, of the organization or of one project, or keep it as a draft."""
        body = as_body(
            title=title, content=content, slug=slug, category=category, tags=tags, note=note, project_id=project_id,
            draft=draft,
        )  # fmt: skip
        return await self._transport.call("POST", "/wiki", WikiVersion, body=body)

    async def edit(self, entry_id: str, version_id: str, **changes: Any) -> WikiVersion:
        """Write another version, made from `version_id`: `title`, `content`, `category`, `tags`, `note`, `draft`.

        What is left out stays. Raises CrewhallApiError `stale_entry` where somebody changed it meanwhile.
        """
        body = {"version_id": version_id, **changes}
        return await self._transport.call("POST", join("wiki", entry_id, "versions"), WikiVersion, body=body)

    def versions(self, entry_id: str) -> AsyncIterator[WikiVersion]:
        """Give an entry's versions that the caller may see, newest first."""
        return walk(self._transport, join("wiki", entry_id, "versions"), Page[WikiVersion])

    def unsettled(self, *, status: str | None = None, own: bool = False) -> AsyncIterator[WikiVersion]:
        """Give what is not settled, newest first: one's own, and to owners and admins what waits."""
        query = {"status": status, "own": "true" if own else None}
        return walk(self._transport, "/wiki/versions", Page[WikiVersion], query)

    def archived(self) -> AsyncIterator[WikiVersion]:
        """Give archived entries as they were read last, to who may restore them."""
        return walk(self._transport, "/wiki/archived", Page[WikiVersion])

    async def version(self, version_id: str) -> WikiVersion:
        """Give one version with its words."""
        return await self._transport.call("GET", join("wiki", "versions", version_id), WikiVersion)

    async def differences(self, version_id: str) -> WikiDifferences:
        """Give what a version changes."""
        return await self._transport.call("GET", join("wiki", "versions", version_id, "differences"), WikiDifferences)

    async def propose(self, version_id: str) -> WikiVersion:
        """Propose one's own draft, or once more what was rejected."""
        return await self._transport.call("POST", join("wiki", "versions", version_id, "propose"), WikiVersion)

    async def withdraw(self, version_id: str) -> WikiVersion:
        """Make a draft again of what one proposed."""
        return await self._transport.call("POST", join("wiki", "versions", version_id, "withdraw"), WikiVersion)

    async def approve(self, version_id: str, reason: str | None = None) -> WikiVersion:
        """Approve what waits."""
        path = join("wiki", "versions", version_id, "approve")
        return await self._transport.call("POST", path, WikiVersion, body=as_body(reason=reason))

    async def reject(self, version_id: str, reason: str) -> WikiVersion:
        """Reject what waits."""
        path = join("wiki", "versions", version_id, "reject")
        return await self._transport.call("POST", path, WikiVersion, body={"reason": reason})

    async def drop(self, version_id: str) -> None:
        """Throw away one's own version that is not settled."""
        await self._transport.call("DELETE", join("wiki", "versions", version_id), Nothing)

    async def roll_back(self, entry_id: str, version_id: str, note: str | None = None) -> WikiVersion:
        """Go back to the words of an approved version before, as a new one."""
        body = as_body(version_id=version_id, note=note)
        return await self._transport.call("POST", join("wiki", entry_id, "rollback"), WikiVersion, body=body)

    async def move(self, entry_id: str, project_id: str | None, reason: str | None = None) -> WikiVersion:
        """Move an entry to a project, or to the whole organization (None)."""
        body = {"project_id": project_id, **as_body(reason=reason)}
        return await self._transport.call("PUT", join("wiki", entry_id, "project"), WikiVersion, body=body)

    async def archive(self, entry_id: str) -> None:
        """Take an entry out of the wiki."""
        await self._transport.call("PUT", join("wiki", entry_id, "archive"), Nothing)

    async def restore(self, entry_id: str) -> None:
        """Bring an archived entry back."""
        await self._transport.call("DELETE", join("wiki", entry_id, "archive"), Nothing)
