"""OpenDocument texts, spreadsheets and presentations: headings, paragraphs, lists and tables."""

import zipfile
from collections.abc import Iterator
from typing import Any

from lxml import etree

from crewhall.knowledge.formats import markup, packed
from crewhall.knowledge.formats.source import Source, damaged, encrypted, too_large
from crewhall.knowledge.passages import About, Block, BlockKind, Extracted

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TITLE = "{http://purl.org/dc/elements/1.1/}title"
DEEPEST = 40
MOST_REPEATED = 50
"""How often a repeated cell is written."""
_BREAKS = {f"{TEXT}tab": "\t", f"{TEXT}line-break": "\n"}
_LEFT_OUT = {f"{TEXT}tracked-changes", f"{TEXT}table-of-content", f"{TEXT}sequence-decls", f"{TEXT}note-citation"}


def read(source: Source) -> Iterator[Extracted]:
    """See formats.read."""
    packed.check(source)
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        with zipfile.ZipFile(source.file) as archive:
            names = set(archive.namelist())
            if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
                raise encrypted()
            content = etree.fromstring(archive.read("content.xml"), parser)
            about = etree.fromstring(archive.read("meta.xml"), parser) if "meta.xml" in names else None
    except (etree.LxmlError, zipfile.BadZipFile, KeyError, OSError, RuntimeError, ValueError, EOFError) as error:
        raise damaged() from error
    title = None if about is None else next(about.iter(TITLE), None)
    yield About(title=None if title is None else title.text)
    yield from _walk(content, source, 0)


def _walk(element: Any, source: Source, depth: int) -> Iterator[Block]:
    tag = element.tag
    if tag in _LEFT_OUT or depth > DEEPEST:
        return
    if tag == f"{TEXT}h":
        level = element.get(f"{TEXT}outline-level") or "1"
        if text := text_of(element).strip():
            yield markup.heading(int(level) if level.isdecimal() else 1, text)
    elif tag == f"{TEXT}p":
        yield from markup.texts(markup.plain(text_of(element).strip()))
    elif tag == f"{TEXT}list":
        yield from markup.texts("\n".join(_items(element, 0)), kind=BlockKind.LIST)
    elif tag == f"{TABLE}table":
        if name := element.get(f"{TABLE}name"):
            yield markup.heading(3, name)
        rows = [row for row in (_cells(one) for one in element.iter(f"{TABLE}table-row")) if any(row)]
        if any(len(row) > source.bounds.columns for row in rows):
            raise too_large(f"a table of more than {source.bounds.columns:,} columns")
        if rows:
            yield from markup.tables(rows[0], rows[1:])
    else:
        for child in element:
            yield from _walk(child, source, depth + 1)


def _items(element: Any, depth: int) -> Iterator[str]:
    for entry in element.iter(f"{TEXT}list-item", f"{TEXT}list-header"):
        if next(entry.iterancestors(f"{TEXT}list"), None) is not element:
            continue
        for child in entry:
            if child.tag == f"{TEXT}list" and depth < DEEPEST:
                yield from _items(child, depth + 1)
            elif text := text_of(child).strip():
                yield markup.item(text, depth)


def _cells(row: Any) -> list[str]:
    cells: list[str] = []
    for cell in row.iter(f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
        repeated = cell.get(f"{TABLE}number-columns-repeated") or "1"
        text = " ".join(text_of(one) for one in cell.iter(f"{TEXT}p"))
        cells += [text] * (min(int(repeated), MOST_REPEATED) if repeated.isdecimal() else 1)
    while cells and not cells[-1].strip():
        cells.pop()
    return cells


def text_of(element: Any) -> str:
    """The text of a paragraph; its spaces, tabs and line breaks are elements."""
    words: list[str] = []
    for event, one in etree.iterwalk(element, events=("start", "end")):
        if event == "end":
            words.append("" if one is element else one.tail or "")
        elif one.tag == f"{TEXT}s":
            stated = one.get(f"{TEXT}c") or "1"
            words.append(" " * (min(int(stated), 100) if stated.isdecimal() else 1))
        elif one.tag in _BREAKS:
            words.append(_BREAKS[one.tag])
        elif isinstance(one.tag, str) and one.tag not in _LEFT_OUT:
            words.append(one.text or "")
    return "".join(words)
