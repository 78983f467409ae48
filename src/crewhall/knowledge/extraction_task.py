"""What the process that reads a document is asked, and what it says."""

from msgspec import Struct

from crewhall.knowledge.formats.source import Bounds, Reason
from crewhall.knowledge.passages import About, Block, Chunk, Progress


class Task(Struct, frozen=True, kw_only=True):
    """What is to be done. `memory`: bytes of address space; `seconds`: of the processor."""

    name: str
    media_type: str
    memory: int
    seconds: int
    bounds: Bounds
    reads_pictures: bool = True
    makes_chunks: bool = False
    page: int | None = None
    """The page whose picture is wanted, and nothing else."""
    width: int = 0


class Found(Struct, frozen=True, tag="chunk"):
    """A chunk."""

    chunk: Chunk


class Failure(Struct, frozen=True, kw_only=True, tag="failure"):
    """The document cannot be read. `cause` is for the log."""

    reason: Reason
    sentence: str
    cause: str = ""


Said = About | Block | Progress | Found | Failure
