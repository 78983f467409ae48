"""Readers of documents, one module for each kind. They run in a process of their own (`extraction_child`)."""

from collections.abc import Iterator
from importlib import import_module

from crewhall.knowledge.formats.kinds import Kind, kind_of
from crewhall.knowledge.formats.markup import clean
from crewhall.knowledge.formats.source import Source, empty, unsupported
from crewhall.knowledge.passages import About, Block, Extracted

_READERS = {
    Kind.PDF: "pdf",
    Kind.WORD: "word",
    Kind.SHEETS: "sheets",
    Kind.SLIDES: "slides",
    Kind.OPEN_DOCUMENT: "open_document",
    Kind.PICTURE: "pictures",
    Kind.HTML: "html",
    Kind.MARKDOWN: "markdown",
    Kind.TABLE: "delimited",
    Kind.CODE: "code",
    Kind.TEXT: "text",
}


_DRAWN = (Kind.PDF, Kind.PICTURE)
"""What has a picture."""


def picture(source: Source, page: int, width: int) -> bytes:
    """A page, counted from 1, as a WebP of so many pixels across. Raises Refused."""
    kind = kind_of(source)
    if kind not in _DRAWN:
        raise unsupported("Only pages of PDFs and pictures are shown.")
    made: bytes = import_module(f"crewhall.knowledge.formats.{_READERS[kind]}").picture(source, page, width)
    return made


def read(source: Source) -> Iterator[Extracted]:
    """Read a document in reading order; what it says of itself comes first. Raises Refused."""
    reader = import_module(f"crewhall.knowledge.formats.{_READERS[kind_of(source)]}")
    found = False
    for one in reader.read(source):
        match one:
            case Block(kind=kind, text=text, level=level, page=page):
                text = clean(text)
                if text.strip():
                    found = True
                    yield Block(kind=kind, text=text, level=level, page=page)
            case About(title=title, pages=pages):
                yield About(title=clean(title).strip()[:300] or None if title else None, pages=pages)
            case _:
                yield one
    if not found:
        raise empty()
