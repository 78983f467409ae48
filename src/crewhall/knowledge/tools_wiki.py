"""What agents, and whoever comes through MCP, can do with the wiki. The same queries and actions as over HTTP."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.tools import Caller, Risk, Tool, described
from crewhall.knowledge import wiki, wiki_queries, wiki_reading
from crewhall.knowledge.vocabulary import WikiStatus
from crewhall.knowledge.wiki_schemas import (
    EntryCategory,
    EntryContent,
    EntryEdit,
    EntryLink,
    EntryNote,
    EntryProject,
    EntryTags,
    EntryTitle,
    NewEntry,
)

MOST = 50


class ListWikiEntries(Struct, forbid_unknown_fields=True):
    """List or search the organization's wiki: what is approved there, by title, or what matches `query`, best first."""

    query: Annotated[str, Meta(max_length=200, description="Words to find; left out, all are listed.")] | None = None
    category: str | None = None
    tag: str | None = None
    project_id: Annotated[UUID, Meta(description="Only what is of this project.")] | None = None
    after: Annotated[str, Meta(description="`next` of the page before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST)] = 20


class ReadWikiEntry(Struct, forbid_unknown_fields=True):
    """Read an entry of the organization's wiki by its slug, its title or its id."""

    name: Annotated[str, Meta(min_length=1, max_length=500)]


class ProposeWikiEntry(Struct, forbid_unknown_fields=True):
    """Propose an entry for the organization's wiki, or a change of one: with `version_id` of what you have read.

    An owner or admin approves or rejects it. Write what stays true, not what is true today; link
    other entries by [[their title]].
    """

    title: EntryTitle
    content: EntryContent
    version_id: Annotated[UUID, Meta(description="`version_id` of the entry that you change.")] | None = None
    category: EntryCategory | None = None
    tags: EntryTags = []
    note: EntryNote | None = None
    project_id: (
        Annotated[UUID, Meta(description="The project that a new entry is of; left out: everybody's.")] | None
    ) = None


class WikiEntryFound(Struct):
    """An entry in short."""

    id: UUID
    slug: str
    title: str
    category: str | None
    tags: list[str]
    excerpt: str
    project: EntryProject | None


class WikiEntries(Struct):
    """Entries; `next` goes back as `after`."""

    entries: list[WikiEntryFound]
    next: str | None


class WikiEntryRead(Struct):
    """An entry. `version_id` is named by who changes it."""

    id: UUID
    version_id: UUID
    slug: str
    title: str
    content: str
    category: str | None
    tags: list[str]
    project: EntryProject | None
    version: int
    links: list[EntryLink]
    backlinks: list[EntryLink]


class WikiProposal(Struct):
    """What waits for a decision now."""

    version_id: UUID
    slug: str
    title: str
    status: WikiStatus


async def list_wiki_entries(caller: Caller, asked: ListWikiEntries) -> WikiEntries:
    """A page of the wiki."""
    category, tag, of, after, limit = asked.category, asked.tag, asked.project_id, asked.after, asked.limit
    async with caller.db.transaction(caller.actor) as tx:
        if asked.query is not None and asked.query.strip():
            page = await wiki_queries.search_entries(
                tx, caller.actor, asked.query, category=category, tag=tag, project_id=of, after=after, limit=limit
            )
        else:
            page = await wiki_queries.list_entries(
                tx, caller.actor, category=category, tag=tag, project_id=of, after=after, limit=limit
            )
    return WikiEntries(
        [
            WikiEntryFound(one.id, one.slug, one.title, one.category, one.tags, one.excerpt, one.project)
            for one in page.items
        ],
        page.next,
    )


async def read_wiki_entry(caller: Caller, asked: ReadWikiEntry) -> WikiEntryRead:
    """An entry as everybody in its scope reads it."""
    async with caller.db.transaction(caller.actor) as tx:
        found = await wiki_reading.find_entry(tx, caller.actor, asked.name)
    entry = await wiki_reading.read_entry(caller.db, caller.actor, found.id)
    return WikiEntryRead(**{name: getattr(entry, name) for name in WikiEntryRead.__struct_fields__})


async def propose_wiki_entry(caller: Caller, asked: ProposeWikiEntry) -> WikiProposal:
    """A version that waits for a decision."""
    async with caller.db.transaction(caller.actor) as tx:
        if asked.version_id is None:
            new = NewEntry(
                title=asked.title, content=asked.content, category=asked.category, tags=asked.tags, note=asked.note,
                project_id=asked.project_id,
            )  # fmt: skip
            made = await wiki.write_entry(tx, caller.actor, new)
        else:
            before = await wiki_queries.access_version(tx, caller.actor, asked.version_id)
            edit = EntryEdit(
                version_id=before.id,
                title=asked.title,
                content=asked.content,
                category=asked.category or UNSET,
                tags=asked.tags or UNSET,
                note=asked.note,
            )
            made = await wiki.edit_entry(tx, caller.actor, before.entry_id, edit)
    return WikiProposal(made.id, made.slug, made.title, made.status)


def effect_of_proposal(asked: ProposeWikiEntry) -> str:
    """What is changed, for who decides about the call: nothing yet."""
    what = "a new version of the wiki entry" if asked.version_id else "the wiki entry"
    return f"Proposes {what} “{asked.title}”. An owner or admin decides about it then."


async def check_proposal(tx: Tx, actor: Actor, _asked: ProposeWikiEntry) -> None:
    """Refuse whoever may not propose before anybody is asked about it."""
    await wiki.check_author(tx, actor)


TOOLS: list[Tool] = [
    Tool(
        "list_wiki_entries",
        described(ListWikiEntries),
        ListWikiEntries,
        list_wiki_entries,
        is_repeatable=True,
        gives=WikiEntries,
        title="List wiki entries",
        risk=Risk.READ,
    ),
    Tool(
        "read_wiki_entry",
        described(ReadWikiEntry),
        ReadWikiEntry,
        read_wiki_entry,
        is_repeatable=True,
        gives=WikiEntryRead,
        title="Read a wiki entry",
        risk=Risk.READ,
    ),
    Tool(
        "propose_wiki_entry",
        described(ProposeWikiEntry),
        ProposeWikiEntry,
        propose_wiki_entry,
        is_repeatable=False,
        gives=WikiProposal,
        title="Propose a wiki entry",
        effect=effect_of_proposal,
        check=check_proposal,
    ),
]
