"""Web pages: the part that is theirs alone, without scripts, navigation and forms."""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree, html

from crewhall.knowledge.formats import markup
from crewhall.knowledge.formats.decoding import encoding_of, sample
from crewhall.knowledge.formats.source import Source, damaged, too_large
from crewhall.knowledge.passages import About, Block, BlockKind, Extracted

LARGEST = 64 * 1024 * 1024
DEEPEST = 100
_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]+)", re.IGNORECASE)
_LEFT_OUT = frozenset((
    "script", "style", "noscript", "template", "svg", "math", "canvas", "iframe", "object", "embed", "nav", "footer",
    "aside", "form", "button", "select", "option", "input", "textarea", "head", "audio", "video", "dialog", "menu",
))  # fmt: skip
_BLOCKS = frozenset((
    "p", "div", "section", "article", "main", "header", "body", "html", "center", "figure", "figcaption", "address",
    "details", "summary", "blockquote", "dl", "dt", "dd", "fieldset", "hgroup", "td", "th", "tr", "tbody", "caption",
    "li", "ul", "ol", "pre", "table", "hr", "h1", "h2", "h3", "h4", "h5", "h6",
))  # fmt: skip
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_ENOUGH = 200
"""Characters that a part needs to be taken for the page's own."""


def read(source: Source) -> Iterator[Extracted]:
    """See formats.read."""
    if source.size > LARGEST:
        raise too_large("a page of more than 64 MiB")
    head = sample(source)
    said = _CHARSET.search(head[:4096])
    text = source.whole().decode(encoding_of(head, said[1].decode("ascii") if said else None), errors="replace")
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=True)
    try:
        page = html.document_fromstring(text.replace("\0", "").encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise damaged() from error
    title = page.findtext(".//title")
    yield About(title=markup.one_line(title) if title else None)
    yield from _Page().blocks(_own_part(page))


def _own_part(page: Any) -> Any:
    """The element that holds what the page is about: `main`, the one article, else all of it."""
    body = page.find("body")
    for path in (".//main", ".//*[@role='main']", ".//article"):
        found = page.findall(path)
        if len(found) == 1 and len(found[0].text_content().strip()) >= _ENOUGH:
            return found[0]
    return page if body is None else body


class _Page:
    """Walks through a page, gathering what stands on one line until a block ends it."""

    def __init__(self) -> None:
        self._line: list[str] = []
        self._quotes = 0

    def blocks(self, element: Any) -> Iterator[Block]:
        yield from self._walk(element, 0)
        yield from self._flush()

    def _walk(self, element: Any, depth: int) -> Iterator[Block]:
        tag = element.tag
        if not isinstance(tag, str) or tag in _LEFT_OUT or _is_hidden(element):
            return
        if depth > DEEPEST:
            self._line.append(element.text_content())
        elif tag in _BLOCKS:
            yield from self._flush()
            yield from self._block(element, depth)
            yield from self._flush()
        elif tag == "br":
            self._line.append("\n")
        elif tag == "img":
            self._line.append(element.get("alt") or "")
        else:
            yield from self._inside(element, depth)

    def _inside(self, element: Any, depth: int) -> Iterator[Block]:
        self._line.append(element.text or "")
        for child in element:
            yield from self._walk(child, depth + 1)
            self._line.append(child.tail or "")

    def _block(self, element: Any, depth: int) -> Iterator[Block]:
        tag = element.tag
        if tag in _HEADINGS:
            if text := markup.one_line(element.text_content()):
                yield markup.heading(_HEADINGS[tag], text)
        elif tag == "pre":
            if (text := element.text_content()).strip():
                for piece in markup.pieces(text.strip("\n"), markup.LONGEST_TEXT):
                    yield markup.code(piece, _language(element))
        elif tag in {"ul", "ol"}:
            yield from markup.texts("\n".join(_items(element, 0)), kind=BlockKind.LIST)
        elif tag == "table" and _is_of_data(element):
            yield from _table(element)
        elif tag == "blockquote":
            self._quotes += 1
            yield from self._inside(element, depth)
            yield from self._flush()
            self._quotes -= 1
        else:
            yield from self._inside(element, depth)

    def _flush(self) -> Iterator[Block]:
        lines = [markup.one_line(line) for line in _joined(self._line)]
        self._line = []
        text = markup.plain("\n".join(line for line in lines if line))
        if self._quotes and text:
            text = "\n".join(f"> {line}" for line in text.split("\n"))
        yield from markup.texts(text)


def _joined(parts: list[str]) -> list[str]:
    """The lines of a paragraph: those of `br` alone, since line ends of the source are spaces."""
    return "".join(part if part == "\n" else part.replace("\n", " ") for part in parts).split("\n")


def _is_hidden(element: Any) -> bool:
    return "hidden" in element.attrib or element.get("aria-hidden") == "true"


def _language(element: Any) -> str:
    classes = " ".join([element.get("class") or "", *(child.get("class") or "" for child in element)])
    found = re.search(r"(?:language|lang|highlight-source)-([A-Za-z0-9+#-]+)", classes)
    return found[1].lower() if found else ""


def _items(element: Any, depth: int) -> Iterator[str]:
    number = 0
    for child in element:
        if child.tag != "li":
            continue
        number += 1
        nested = [one for one in child.iter("ul", "ol") if one.getparent() is child] if depth < DEEPEST // 10 else []
        words = [child.text or ""]
        for part in child:
            if isinstance(part.tag, str) and part.tag not in _LEFT_OUT and part not in nested:
                words.append((" " if part.tag in _BLOCKS else "") + part.text_content())
            words.append(part.tail or "")
        if text := markup.one_line("".join(words)):
            yield markup.item(text, depth, number if element.tag == "ol" else None)
        for one in nested:
            yield from _items(one, depth + 1)


def _is_of_data(element: Any) -> bool:
    """Whether a table holds data, not the page's layout."""
    return element.find(".//table") is None and len(element.findall(".//tr")) > 1 and not element.findall(".//p[2]")


def _table(element: Any) -> Iterator[Block]:
    rows = [
        [cell.text_content() for cell in row if cell.tag in {"td", "th"} for _ in range(_span(cell))]
        for row in element.iter("tr")
    ]
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if caption := element.findtext("caption"):
        yield from markup.texts(markup.one_line(caption))
    if rows:
        yield from markup.tables(rows[0], rows[1:])


def _span(cell: Any) -> int:
    stated = cell.get("colspan") or "1"
    return min(max(int(stated), 1), 100) if stated.isdecimal() else 1
