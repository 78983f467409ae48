"""Markdown as blocks hold it: text that stays what it is, tables, fences."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from crewhall.knowledge.passages import Block, BlockKind

LONGEST_TEXT = 16_000
"""Characters of one block: what is longer goes on in the next."""
ROWS_AT_ONCE, CHARACTERS_AT_ONCE = 200, 12_000
"""Of one table block; what is longer goes on in the next, with its header again."""
MOST_LEVELS = 6
_UNSEEN = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_LOOKS_LIKE_MARKUP = re.compile(r"^(\s{0,3})(#{1,6}(?=\s|$)|>|```|~~~|(?:-{3,}|={3,}|\*{3,}|_{3,})\s*$)", re.MULTILINE)
_FENCES = re.compile(r"`{3,}")
_LANGUAGE = re.compile(r"[^A-Za-z0-9+#._-]")


def clean(text: str) -> str:
    """The text without what no database and no eye takes: controls, halves of characters; line ends are line feeds."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n").replace("\x85", "\n")
    if _UNSEEN.search(plain):
        plain = _UNSEEN.sub("", plain)
    return plain if unicodedata.is_normalized("NFC", plain) else unicodedata.normalize("NFC", plain)


def one_line(text: str) -> str:
    """The text on one line, with single spaces."""
    return _SPACES.sub(" ", text).strip()


def plain(text: str) -> str:
    """Text that nobody meant as Markdown, so that nothing in it becomes a heading, a quote or a rule."""
    return _LOOKS_LIKE_MARKUP.sub(r"\1\\\2", text)


def heading(level: int, text: str, page: int | None = None) -> Block:
    """A heading of a level from 1 to 6."""
    level = min(max(level, 1), MOST_LEVELS)
    return Block(kind=BlockKind.HEADING, text=f"{'#' * level} {one_line(text)}", level=level, page=page)


def texts(text: str, page: int | None = None, kind: BlockKind = BlockKind.TEXT) -> Iterator[Block]:
    """A text as a block, or several where it is very long; none where it is empty."""
    for piece in pieces(text.strip("\n"), LONGEST_TEXT):
        if piece.strip():
            yield Block(kind=kind, text=piece.rstrip(), page=page)


def pieces(text: str, longest: int) -> Iterator[str]:
    """Cut a text into pieces of at most so many characters, at ends of lines or words where there are any."""
    start = 0
    while len(text) - start > longest:
        end = start + longest
        cut = max(text.rfind("\n", start + longest // 2, end), text.rfind(" ", start + longest // 2, end))
        end = cut + 1 if cut > 0 else end
        yield text[start:end]
        start = end
    yield text[start:]


def code(text: str, language: str = "", page: int | None = None) -> Block:
    """Code in a fence that it does not hold itself."""
    fence = "`" * max(3, 1 + max((len(one) for one in _FENCES.findall(text)), default=0))
    return Block(
        kind=BlockKind.CODE,
        text=f"{fence}{_LANGUAGE.sub('', language)[:20]}\n{text.strip(chr(10))}\n{fence}",
        page=page,
    )


def tables(header: Sequence[str], rows: Iterable[Sequence[str]], page: int | None = None) -> Iterator[Block]:
    """A table as blocks of some rows, each with the header above them. Rows may be shorter than it or longer."""
    held: list[Sequence[str]] = []
    size, given = 0, False
    for row in rows:
        held.append(row)
        size += sum(map(len, row))
        if len(held) >= ROWS_AT_ONCE or size >= CHARACTERS_AT_ONCE:
            yield table(header, held, page)
            held, size, given = [], 0, True
    if held or not given:
        yield table(header, held, page)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], page: int | None = None) -> Block:
    """A table as one block."""
    width = max(len(header), max(map(len, rows), default=0))
    lines = [_row(header, width), "|" + " --- |" * width, *(_row(row, width) for row in rows)]
    return Block(kind=BlockKind.TABLE, text="\n".join(lines), page=page)


def _row(cells: Sequence[str], width: int) -> str:
    shown = [one_line(cell).replace("|", "\\|") for cell in cells]
    return "| " + " | ".join(shown + [""] * (width - len(shown))) + " |"


def item(text: str, depth: int = 0, number: int | None = None) -> str:
    """A line of a list; `depth` counts from 0."""
    mark = "-" if number is None else f"{number}."
    return f"{'    ' * depth}{mark} {one_line(text)}"
