"""What extraction gives and chunks are made of: blocks of a text in reading order, and how far it has come."""

from enum import StrEnum

from msgspec import Struct

from crewhall.knowledge.vocabulary import Unit


class BlockKind(StrEnum):
    """What a piece of a text is."""

    HEADING = "heading"
    TEXT = "text"
    LIST = "list"
    TABLE = "table"
    CODE = "code"


class Block(Struct, frozen=True, kw_only=True, tag="block"):
    """A piece of a text in Markdown, in reading order. `level`: a heading's, 1 to 6; `page`: of its begin, from 1."""

    kind: BlockKind
    text: str
    level: int | None = None
    page: int | None = None


class Progress(Struct, frozen=True, kw_only=True, tag="progress"):
    """How far extraction has come; `total` is None while nobody knows."""

    done: int
    total: int | None
    unit: Unit


class About(Struct, frozen=True, kw_only=True, tag="about"):
    """What a document says of itself; comes first."""

    title: str | None = None
    pages: int | None = None


Extracted = Block | Progress | About


class Chunk(Struct, frozen=True, kw_only=True):
    """A passage that can be read by itself; the fields are those of the table `chunks`."""

    position: int
    content: str
    overlap: int
    page: int | None
    heading: list[str]
    starts: int
    ends: int
