"""The words of knowledge: closed sets, as the database checks them."""

from enum import StrEnum


class DocumentStatus(StrEnum):
    """How far a document has come."""

    QUEUED = "queued"
    EXTRACTING = "extracting"
    EMBEDDING = "embedding"
    READY = "ready"
    FAILED = "failed"


class Unit(StrEnum):
    """What progress is counted in."""

    PAGE = "page"
    SHEET = "sheet"
    SLIDE = "slide"
    ROW = "row"
    PART = "part"
    CHUNK = "chunk"


class OriginKind(StrEnum):
    """Where a document stands, so who may read it."""

    FILE = "file"
    SOURCE = "source"
    WIKI = "wiki"


class WikiStatus(StrEnum):
    """How far a version of a wiki entry has come."""

    DRAFT = "draft"
    PENDING = "pending_approval"
    APPROVED = "approved"
    REJECTED = "rejected"


class EntryOrder(StrEnum):
    """How entries of the wiki are listed."""

    TITLE = "title"
    RECENT = "recent"
    READ = "read"
