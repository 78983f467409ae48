"""Lines of pages as blocks: paragraphs joined again, headings told by their size, lists, tables."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from crewhall.knowledge.formats import markup
from crewhall.knowledge.formats.pdf_layout import Line, Table, in_order, with_tables
from crewhall.knowledge.formats.pdf_segments import SOFT_HYPHENS, Segment
from crewhall.knowledge.passages import Block, BlockKind

LARGER = 1.15
"""How much larger than the text a heading is."""
LONGEST_HEADING, MOST_LEVELS = 150, 4
PARAGRAPH_GAP = 0.55
"""Of a line's height between two lines that are two paragraphs."""
SHORT_LINE = 0.75
"""Of the width of its column that a line leaves free when its paragraph ends there."""
LETTER = 0.6
"""The width of a letter where all are equally wide, in sizes."""
_ITEM = re.compile(r"([•◦▪‣∙·●○■□–—*-]|\(?\d{1,2}[.)]|\(?[a-z][.)])\s+(?=\S)")
_BULLET = re.compile(r"[•◦▪‣∙·●○■□–—*-]\s+")
_END = re.compile(r"[.!?:;…。！？][\"')\]»”’]*$")
_NUMBERED = re.compile(r"\d+(\.\d+)*\.?\s+\S|[A-Z]\.\d")
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef]")


class Sizes:
    """Which sizes are headings, learnt from some pages; `outline`: titles that the document lists, with levels."""

    def __init__(self, sample: Iterable[list[Segment]], outline: dict[str, int] | None = None) -> None:
        counted: Counter[float] = Counter()
        code = 0
        for page in sample:
            for one in page:
                counted[one.size] += len(one.text)
                code += len(one.text) if one.is_code else 0
        self.has_code = 2 * code < counted.total()
        """Whether equally wide letters are code: they are not where the text is written so."""
        self.body = counted.most_common(1)[0][0] if counted else 10.0
        larger = sorted((size for size in counted if size >= self.body * LARGER), reverse=True)
        self._levels = {size: min(level, MOST_LEVELS) for level, size in enumerate(larger, 1)}
        self._outline = outline or {}

    def level(self, line: Line) -> int | None:
        """The level of a heading; None for text."""
        text = line.text
        if not any(one.isalpha() for one in text) or len(text) > LONGEST_HEADING:
            return None
        if self._outline and (level := self._outline.get(outlined(text))):
            return level
        if line.size < self.body * LARGER or _END.search(text):
            return None
        known = [level for size, level in self._levels.items() if size >= line.size]
        return max(known, default=1)


def outlined(text: str) -> str:
    """A title as it is compared: letters and digits alone."""
    return "".join(one for one in text.casefold() if one.isalnum())


def blocks(found: list[Segment], sizes: Sizes, number: int) -> Iterator[Block]:
    """The blocks of a page."""
    for kind, same in itertools.groupby(_blocks(found, sizes, number), key=lambda block: block.kind):
        if kind is BlockKind.LIST:
            yield from markup.texts("\n".join(block.text for block in same), number, kind)
        else:
            yield from same


def _blocks(found: list[Segment], sizes: Sizes, number: int) -> Iterator[Block]:
    for part in in_order(found) if found else ():
        width = (min(line.left for line in part), max(line.right for line in part))
        paragraph = _Paragraph(width, sizes, number)
        for one in _with_code(part) if sizes.has_code else with_tables(part):
            if isinstance(one, list):
                yield from paragraph.end()
                yield markup.code(_as_typed(one), page=number)
            elif isinstance(one, Table):
                yield from paragraph.end()
                yield from markup.tables(one.rows[0], one.rows[1:], number)
            else:
                yield from paragraph.take(one)
        yield from paragraph.end()


def _with_code(lines: list[Line]) -> Iterator[Line | Table | list[Line]]:
    """Lines and tables; lines of code that stand together are a list."""
    for is_code, found in itertools.groupby(lines, key=lambda line: line.is_code):
        if is_code:
            yield list(found)
        else:
            yield from with_tables(list(found))


def _as_typed(lines: list[Line]) -> str:
    """Lines of equally wide letters, with the spaces between them and before."""
    left = min(line.left for line in lines)
    typed = []
    for line in lines:
        text = ""
        for one in line.segments:
            column = min(round((one.left - left) / (LETTER * max(one.size, 1))), LONGEST_HEADING)
            text += " " * max(column - len(text), 1 if text else 0) + one.text
        typed.append(text)
    return "\n".join(typed)


def is_open(block: Block) -> bool:
    """Whether a paragraph may go on, on the next page."""
    return block.kind is BlockKind.TEXT and not _END.search(block.text) and len(block.text) < markup.LONGEST_TEXT // 2


def over_the_page(open_end: Block, following: list[Block]) -> list[Block]:
    """The blocks of a page with what was open before them: one paragraph with the first, where that goes on."""
    first = next(iter(following), None)
    if first is None or first.kind is not BlockKind.TEXT or not (first.text[:1].islower() or open_end.text[-1] in "-‐"):
        return [open_end, *following]
    text = joined([open_end.text, first.text])
    return [Block(kind=BlockKind.TEXT, text=text, page=open_end.page), *following[1:]]


class _Paragraph:
    """Gathers lines until one begins something else."""

    def __init__(self, width: tuple[float, float], sizes: Sizes, number: int) -> None:
        self._left, self._right = width
        self._sizes = sizes
        self._number = number
        self._lines: list[Line] = []
        self._level: int | None = None

    def take(self, line: Line) -> Iterator[Block]:
        level = self._sizes.level(line)
        if self._lines and self._begins_anew(line, level):
            yield from self.end()
        self._level = level
        self._lines.append(line)

    def end(self) -> Iterator[Block]:
        lines, self._lines = self._lines, []
        if not lines:
            return
        text = joined([line.text for line in lines])
        if self._level and len(text) <= LONGEST_HEADING:
            yield markup.heading(self._level, text, self._number)
        elif _ITEM.match(text):
            yield from markup.texts(_BULLET.sub("- ", text, count=1), self._number, BlockKind.LIST)
        else:
            yield from markup.texts(markup.plain(text), self._number)

    def _begins_anew(self, line: Line, level: int | None) -> bool:
        last = self._lines[-1]
        height = max(last.top - last.bottom, 1)
        if level != self._level or abs(line.size - last.size) > 1 or _ITEM.match(line.text):
            return True
        if last.bottom - line.top > PARAGRAPH_GAP * height or line.bottom > last.top:
            return True
        if level:
            return bool(_NUMBERED.match(line.text))
        is_short = last.right - self._left < SHORT_LINE * (self._right - self._left)
        is_indented = (
            line.left - last.left > line.size and not _ITEM.match(self._lines[0].text) and bool(_END.search(last.text))
        )
        return (is_short and bool(_END.search(last.text))) or is_indented


def joined(lines: list[str]) -> str:
    """Lines as one text: words that were cut at a line's end are whole again."""
    text = ""
    for line in lines:
        if not text:
            text = line
        elif text[-1] in SOFT_HYPHENS or (text[-1] in "-‐" and text[-2:-1].isalpha() and line[:1].islower()):
            text = text[:-1] + line
        elif _WIDE.match(text[-1]) and _WIDE.match(line):
            text += line
        else:
            text = f"{text} {line}"
    for sign in SOFT_HYPHENS:
        text = text.replace(sign, "-" if sign == SOFT_HYPHENS[0] else "")
    return text
