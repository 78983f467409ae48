"""Documents: what was made searchable, how far it is, and what it holds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime

import msgspec

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.transport import Transport, join

OVER = frozenset({"ready", "failed"})
LOOK_S = 0.5


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a document stands: a file of a conversation and its message, a source of an agent, an entry of the wiki.

    `original_url` is where a page of the web was read.
    """

    kind: str
    name: str
    file_id: str | None = None
    conversation_id: str | None = None
    message_seq: int | None = None
    source_id: str | None = None
    agent_id: str | None = None
    entry_id: str | None = None
    slug: str | None = None
    original_url: str | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A content, `queued`, `extracting`, `embedding`, `ready` or `failed`: `done` of `total` (in `unit`) of that."""

    id: str
    name: str
    media_type: str
    size: int
    status: str
    title: str | None = None
    done: int = 0
    total: int | None = None
    unit: str | None = None
    failure_code: str | None = None
    failure: str | None = None
    retries: int = 0
    next_try_at: datetime | None = None
    pages: int | None = None
    characters: int = 0
    chunks: int = 0
    words_only: int = 0
    created_at: datetime | None = None
    ready_at: datetime | None = None
    origins: list[Origin] = []


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """A passage, in Markdown. The first `overlap` characters repeat the end of the one before."""

    id: str
    position: int
    content: str
    overlap: int = 0
    page: int | None = None
    heading: list[str] = []
    starts: int = 0
    ends: int = 0


class ChunkPage(msgspec.Struct, frozen=True, kw_only=True):
    """Passages in their order; where there are more, the positions to go on `before` and `after`."""

    items: list[Chunk]
    before: int | None = None
    after: int | None = None


class Rewriting(msgspec.Struct, frozen=True, kw_only=True):
    """How far what is searched is written anew in another language of search."""

    done: int = 0
    total: int = 0
    since: datetime | None = None


class MessageMeaning(msgspec.Struct, frozen=True, kw_only=True):
    """How far messages are found by meaning: `done` of about `total` were looked at, `waiting` are to be embedded."""

    model: str
    next_model: str | None
    total: int
    done: int
    waiting: int
    begun_at: datetime
    filled_at: datetime | None


class KnowledgeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far an organization's documents are. `outdated`: still to be brought up to date.

    While another model comes, `embedded` passages of `to_embed` have its vectors, and searches ask the former one.
    """

    documents: int = 0
    queued: int = 0
    extracting: int = 0
    embedding: int = 0
    ready: int = 0
    failed: int = 0
    chunks: int = 0
    outdated: int = 0
    most_chunks: int | None = None
    model: str | None = None
    dimension: int | None = None
    next_model: str | None = None
    next_dimension: int | None = None
    next_since: datetime | None = None
    embedded: int = 0
    to_embed: int = 0
    rewriting: Rewriting | None = None
    messages: MessageMeaning | None = None


class Documents:
    """The documents that the signed-in actor may read."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self, q: str | None = None, *, status: str | None = None, conversation_id: str | None = None
    ) -> AsyncIterator[Document]:
        """Give documents, the newest first."""
        query = {"q": q, "status": status, "conversation": conversation_id}
        return walk(self._transport, "/documents", Page[Document], query=query)

    async def get(self, document_id: str) -> Document:
        """Give one document as it is now."""
        return await self._transport.call("GET", join("documents", document_id), Document)

    async def chunks(
        self, document_id: str, *, after: int | None = None, before: int | None = None, around: str | None = None
    ) -> ChunkPage:
        """Give passages in their order: from the beginning, behind or before a position, or around one of them."""
        query = {"after": after, "before": before, "around": around}
        return await self._transport.call("GET", join("documents", document_id, "chunks"), ChunkPage, query=query)

    async def read(self, document_id: str) -> AsyncIterator[Chunk]:
        """Give every passage, in order."""
        after: int | None = -1
        while after is not None:
            page = await self.chunks(document_id, after=after)
            for chunk in page.items:
                yield chunk
            after = page.after

    async def retry(self, document_id: str) -> Document:
        """Have one read again that failed."""
        return await self._transport.call("POST", join("documents", document_id, "retry"), Document, repeatable=True)

    async def wait(self, document_id: str, seen: Callable[[Document], None] | None = None) -> Document:
        """Give the document once it is ready or failed; `seen` is told of it meanwhile."""
        while True:
            found = await self.get(document_id)
            if seen is not None:
                seen(found)
            if found.status in OVER:
                return found
            await asyncio.sleep(LOOK_S)

    async def status(self) -> KnowledgeStatus:
        """Say how far the organization's documents are, for owners and admins."""
        return await self._transport.call("GET", "/knowledge/status", KnowledgeStatus)
