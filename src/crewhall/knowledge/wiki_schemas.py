"""The wiki at the edge: entries as they are read, their versions, and what one writes."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.identity import ActorShown
from crewhall.knowledge.vocabulary import WikiStatus

MAX_CONTENT = 100_000
_LINE = r"^\s*[^\s\u0000][^\u0000\n]*$"
_TEXT = r"^\s*[^\s\u0000][^\u0000]*$"
EntryTitle = Annotated[str, Meta(min_length=1, max_length=500, pattern=_LINE, description="Unique in the wiki.")]
EntrySlug = Annotated[
    str, Meta(min_length=1, max_length=200, pattern=r"^[a-z0-9-]+$", description="Unique in the wiki; used in links.")
]
EntryContent = Annotated[
    str,
    Meta(
        min_length=1, max_length=MAX_CONTENT, pattern=_TEXT,
        description="Markdown; `[[Title]]` or `[[slug|text]]` leads to another entry.",
    ),
]  # fmt: skip
EntryCategory = Annotated[
    str, Meta(min_length=1, max_length=60, description="One of the organization's wiki categories.")
]
EntryTag = Annotated[str, Meta(min_length=1, max_length=50, pattern=_LINE)]
EntryTags = Annotated[list[EntryTag], Meta(max_length=20, description="Kept in small letters.")]
EntryNote = Annotated[str, Meta(max_length=500, pattern=_LINE, description="What changed, in a line.")]
Reason = Annotated[str, Meta(min_length=1, max_length=2000, pattern=_TEXT)]
OfProject = Annotated[UUID, Meta(description="What it is about: agents of other projects do not read it then.")]
AsDraft = Annotated[bool, Meta(description="Keep it as a draft, seen by its author alone; else it is proposed.")]


class EntryProject(Struct, frozen=True):
    """The project that an entry is of."""

    id: UUID
    slug: str
    name: str


class NewEntry(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new entry; its slug is made of the title when not given. Who decides may move it."""

    title: EntryTitle
    content: EntryContent
    slug: EntrySlug | None = None
    category: EntryCategory | None = None
    tags: EntryTags = []
    note: EntryNote | None = None
    project_id: OfProject | None = None
    draft: AsDraft = False


class EntryEdit(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new version, made from `version_id`: the approved one, or one's own that nothing has followed.

    What is left out stays as it is there. `base_id`: the approved version that one has looked at meanwhile, where
    another was approved since the draft was begun.
    """

    version_id: UUID
    title: EntryTitle | UnsetType = UNSET
    content: EntryContent | UnsetType = UNSET
    slug: EntrySlug | UnsetType = UNSET
    category: EntryCategory | UnsetType | None = UNSET
    tags: EntryTags | UnsetType = UNSET
    note: EntryNote | None = None
    base_id: UUID | None = None
    draft: AsDraft = False


class RollBack(Struct, forbid_unknown_fields=True, kw_only=True):
    """The approved version whose words are to be those of a new one."""

    version_id: UUID
    note: EntryNote | None = None


class Approve(Struct, forbid_unknown_fields=True):
    """Why a version is approved, if there is something to say."""

    reason: Reason | None = None


class Reject(Struct, forbid_unknown_fields=True):
    """Why a version is rejected."""

    reason: Reason


class MoveEntry(Struct, forbid_unknown_fields=True):
    """Where an entry moves: to a project, or to the whole organization (null)."""

    project_id: Annotated[UUID | None, Meta(description="The project that it is of from now on; null: everybody's.")]
    reason: Reason | None = None


class EntryMoved(Struct, frozen=True):
    """Of which project an entry was, and is since: null is the organization, and a project that one may not see."""

    before: EntryProject | None
    after: EntryProject | None


class EntrySummary(Struct, kw_only=True):
    """An entry in a list. `snippet` is safe HTML in which `<mark>` shows what matched, where words were asked for."""

    id: UUID
    slug: str
    title: str
    category: str | None
    tags: list[str]
    version: int
    version_id: UUID
    author: ActorShown
    approved_at: datetime
    views: int
    excerpt: str
    project: EntryProject | None
    snippet: str | None = None


class EntryLink(Struct, frozen=True):
    """A link between entries; `title` is null where no entry has this name."""

    slug: str
    title: str | None


class EntryHeading(Struct, frozen=True):
    """A heading of an entry's text; `anchor` is its id in the HTML."""

    level: int
    text: str
    anchor: str


class Entry(Struct, kw_only=True):
    """An entry as everybody in its scope reads it: the version approved last, as Markdown and as safe HTML.

    `links` are those that it has, `backlinks` entries that link to it. `last_viewed_at`: before this time.
    """

    id: UUID
    slug: str
    title: str
    content: str
    html: str
    headings: list[EntryHeading]
    category: str | None
    tags: list[str]
    project_id: UUID | None
    project: EntryProject | None
    version: int
    version_id: UUID
    author: ActorShown
    approved_by: ActorShown
    approved_at: datetime
    reason: str | None
    links: list[EntryLink]
    backlinks: list[EntryLink]
    views: int
    last_viewed_at: datetime | None
    created_at: datetime


class EntryVersion(Struct, kw_only=True):
    """A version of an entry; it never changes, what happens to it is the next one.

    `is_open`: nothing has followed it and it is not approved. `is_current`: everybody reads it. `is_behind`: another
    version was approved since its words were begun. `content` is null in lists.
    """

    id: UUID
    entry_id: UUID
    slug: str
    version: int
    status: WikiStatus
    title: str
    content: str | None
    category: str | None
    tags: list[str]
    author: ActorShown
    note: str | None
    decided_by: ActorShown | None
    reason: str | None
    parent_id: UUID | None
    base_id: UUID | None
    is_open: bool
    is_current: bool
    is_behind: bool
    is_archived: bool
    project: EntryProject | None
    created_at: datetime
    moved: Annotated[EntryMoved | None, Meta(description="Of a version that moved the entry, with the same words.")] = (
        None
    )


class DifferencePiece(Struct, frozen=True):
    """A piece of text: `same`, `added`, `removed`, or `left out` for a long stretch that stayed."""

    how: str
    text: str


class EntryDifferences(Struct, kw_only=True):
    """What a version changes, word by word, against `against` (null: an entry's first words)."""

    version: EntryVersion
    against: EntryVersion | None
    title: list[DifferencePiece]
    content: list[DifferencePiece]


class WikiCategory(Struct, frozen=True):
    """A category, and how many entries it has. One that the organization gave up stands last while it has some."""

    name: str
    entries: int
    is_offered: bool = True
