"""Documents at the edge."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.knowledge.vocabulary import DocumentStatus, OriginKind, Unit


class Origin(Struct, kw_only=True):
    """Where a document stands, as far as the reader may see it.

    A file and its message, an agent's source (with the address of a page of the web), or an entry of the wiki (with its
    slug).
    """

    kind: OriginKind
    name: str
    file_id: UUID | None = None
    conversation_id: UUID | None = None
    message_seq: int | None = None
    source_id: UUID | None = None
    agent_id: UUID | None = None
    entry_id: UUID | None = None
    slug: str | None = None
    original_url: Annotated[str | None, Meta(description="Of a page of the web: where it was read.")] = None


class Document(Struct, kw_only=True):
    """A content that is, or is being, made searchable. `done` of `total` (in `unit`) is how far its stage has come.

    `failure` says why it failed; `retries` how often it was put off because something else did, and `next_try_at`
    until when it is. `words_only`: passages that the embedding model refuses: they are found by their words alone.
    """

    id: UUID
    name: str
    title: str | None
    media_type: str
    size: int
    status: DocumentStatus
    done: int
    total: int | None
    unit: Unit | None
    failure_code: str | None
    failure: str | None
    retries: int
    next_try_at: datetime | None
    pages: int | None
    characters: int
    chunks: int
    words_only: int
    created_at: datetime
    ready_at: datetime | None
    origins: Annotated[list[Origin], Meta(description="Those that you may see, the oldest first, 20 at most.")]


class DocumentChunk(Struct, kw_only=True):
    """A passage, in Markdown. The first `overlap` characters repeat the end of the one before.

    `heading` is the path of headings above it, `page` where it begins; `starts` and `ends` count characters.
    """

    id: UUID
    position: int
    content: str
    overlap: int
    page: int | None
    heading: list[str]
    starts: int
    ends: int


class ChunkPage(Struct, kw_only=True):
    """Chunks in their order; where there are more, the positions to ask `before` and `after`."""

    items: list[DocumentChunk]
    before: int | None
    after: int | None


class Rewriting(Struct, kw_only=True):
    """How many passages and entries of the wiki are written anew in another language of search, of about how many."""

    done: int
    total: int
    since: datetime


class MessageMeaning(Struct, kw_only=True):
    """How far an organization's messages are found by what they mean.

    Of about `total` messages that were written before, `done` were looked at since `begun_at`, the newest first;
    `filled_at`: when all were. `waiting` are to be embedded, new ones among them. Searches go by `model`, and by
    `next_model` as soon as all messages have come to it.
    """

    model: str
    next_model: str | None
    total: int
    done: int
    waiting: int
    begun_at: datetime
    filled_at: datetime | None


class KnowledgeStatus(Struct, kw_only=True):
    """How far an organization's documents are, and what its searches ask. `outdated`: to be brought up to date.

    While another model comes (`next_model`, since `next_since`), `embedded` passages of `to_embed` have its vectors.
    `most_chunks`: passages that the organization may have; null: as many as there are.
    """

    documents: int
    queued: int
    extracting: int
    embedding: int
    ready: int
    failed: int
    chunks: int
    outdated: int
    most_chunks: int | None
    model: str | None
    dimension: int | None
    next_model: str | None
    next_dimension: int | None
    next_since: datetime | None
    embedded: int
    to_embed: int
    rewriting: Rewriting | None
    messages: Annotated[
        MessageMeaning | None, Meta(description="How far messages are found by meaning; null where none ever were.")
    ] = None
