"""Word documents: headings by their styles, lists as they are numbered, tables, footnotes."""

from collections.abc import Iterator
from typing import Any

from crewhall.knowledge.formats import markup, packed
from crewhall.knowledge.formats.numbering import Numbering
from crewhall.knowledge.formats.source import Source, damaged, too_large
from crewhall.knowledge.passages import About, Block, BlockKind, Extracted, Progress
from crewhall.knowledge.vocabulary import Unit

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
DEEPEST = 20
"""Tables and content controls within one another."""
TOLD_EACH = 100
"""Paragraphs between two signs of progress."""
_SPACES = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}
_SPAN = f"{W}tcPr/{W}gridSpan"
_CONTAINERS = {f"{W}sdt", f"{W}sdtContent", f"{W}customXml", f"{W}ins", f"{W}smartTag"}
_FOOTNOTES = ("/footnotes", "/endnotes")


def read(source: Source) -> Iterator[Extracted]:
    """See formats.read."""
    import docx

    packed.check(source)
    try:
        document = docx.Document(source.file)
    except MemoryError:
        raise
    except Exception as error:
        raise damaged() from error
    yield About(title=document.core_properties.title)
    yield from _Body(document, source).read()


class _Body:
    """Walks through a document; what stands in a list is gathered until the list ends."""

    def __init__(self, document: Any, source: Source) -> None:
        self._document = document
        self._source = source
        self._numbering = Numbering(document)
        self._items: list[str] = []

    def read(self) -> Iterator[Extracted]:
        body = self._document.element.body
        total = len(body)
        for done, child in enumerate(body, 1):
            yield from self._walk(child, 0)
            if done % TOLD_EACH == 0:
                yield Progress(done=done, total=total, unit=Unit.PART)
        yield from self._end_list()
        yield from self._notes()

    def _walk(self, element: Any, depth: int) -> Iterator[Block]:
        if depth > DEEPEST:
            return
        if element.tag == f"{W}p":
            yield from self._paragraph(element)
            for box in element.iter(f"{W}txbxContent"):
                if not any(above.tag == FALLBACK for above in box.iterancestors()):
                    for child in box:
                        yield from self._walk(child, depth + 1)
        elif element.tag == f"{W}tbl":
            yield from self._end_list()
            yield from self._table(element, depth)
        elif element.tag in _CONTAINERS:
            for child in element:
                yield from self._walk(child, depth + 1)

    def _paragraph(self, element: Any) -> Iterator[Block]:
        text = text_of(element)
        if not text.strip():
            return
        style = self._numbering.style_of(element)
        if style.lower().startswith("toc "):
            return
        level = self._numbering.heading_level(element, style)
        if level:
            yield from self._end_list()
            yield markup.heading(level, text)
            return
        place = self._numbering.place_in_list(element)
        if place is None:
            yield from self._end_list()
            yield from markup.texts(markup.plain(text.strip()))
            return
        depth, number = place
        self._items.append(markup.item(text, depth, number))
        if sum(map(len, self._items[-markup.ROWS_AT_ONCE :])) > markup.CHARACTERS_AT_ONCE:
            yield from self._end_list()

    def _end_list(self) -> Iterator[Block]:
        items, self._items = self._items, []
        yield from markup.texts("\n".join(items), kind=BlockKind.LIST)

    def _table(self, element: Any, depth: int) -> Iterator[Block]:
        rows = [list(_cells(row)) for row in element.iter(f"{W}tr") if _nearest_table(row) is element]
        if any(len(row) > self._source.bounds.columns for row in rows):
            raise too_large(f"a table of more than {self._source.bounds.columns:,} columns")
        if len(rows) == 1 and len(rows[0]) == 1:  # a frame around text
            for cell in element.iter(f"{W}tc"):
                if _nearest_table(cell) is element:
                    for child in cell:
                        yield from self._walk(child, depth + 1)
            return
        rows = [row for row in rows if any(cell.strip() for cell in row)]
        if rows:
            yield from markup.tables(rows[0], rows[1:])

    def _notes(self) -> Iterator[Block]:
        from lxml import etree

        for relation in self._document.part.rels.values():
            if relation.is_external or not relation.reltype.endswith(_FOOTNOTES):
                continue
            root = etree.fromstring(relation.target_part.blob, etree.XMLParser(resolve_entities=False))
            for note in root:
                if note.get(f"{W}type") is None:
                    yield from markup.texts(markup.plain(markup.one_line(" ".join(map(text_of, note.iter(f"{W}p"))))))


def text_of(paragraph: Any) -> str:
    """The text of a paragraph with what was inserted and without what was deleted; not that of boxes beside it."""
    own = (one for one in paragraph.iter(f"{W}t", *_SPACES) if _nearest(one, f"{W}p") is paragraph)
    return "".join(_SPACES.get(one.tag) or one.text or "" for one in own)


def _cells(row: Any) -> Iterator[str]:
    for cell in row.iter(f"{W}tc"):
        if _nearest(cell, f"{W}tr") is not row:
            continue
        span = cell.find(_SPAN)
        width = int(span.get(f"{W}val") or 1) if span is not None else 1
        yield " ".join(text_of(one) for one in cell.iter(f"{W}p"))
        yield from [""] * min(max(width - 1, 0), 100)


def _nearest_table(element: Any) -> Any:
    return _nearest(element, f"{W}tbl")


def _nearest(element: Any, tag: str) -> Any:
    return next(element.iterancestors(tag), None)
