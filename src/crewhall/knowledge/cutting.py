"""Where a text may be cut: rows of tables, lines of code, sentences, words; elsewhere only where none of it is."""

import re
import unicodedata
from collections.abc import Iterator

from msgspec import Struct

from crewhall.knowledge.passages import BlockKind
from crewhall.knowledge.tokens import MOST_TOKENS, size_of

_SENTENCE = re.compile(
    r"(?<=[.!?…])(?<!\s\d\.)(?<!\s\d\d\.)[\"'”’»)\]]*\s+(?=[^\s.!?…])|(?<=[。！？｡])(?=[^\s。！？」』）])|\n+"
)
_CLAUSE = re.compile(r"(?<=[,;:，、；：])\s*|\s+[–—-]\s+")
_WORD = re.compile(r"\s+")
_LINE = re.compile(r"\n+")
_CELL = re.compile(r"(?<=\|)\s")
_RULE = re.compile(r"\|(?: --- \|)+$|[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)*$")
_JOINERS = "\u200d\ufe0f"
LONGEST_HEADER = MOST_TOKENS // 3
"""Tokens of a table's header that is repeated."""
LARGEST_OVERLAP = 40
"""Tokens of a sentence that is repeated."""
ENOUGH = 40
"""Tokens up to which neighbours are one piece."""


class Piece(Struct, frozen=True):
    """A piece of a text, its tokens, and what is said again before it where a chunk begins with it."""

    text: str
    size: int
    again: str = ""


def cut(kind: BlockKind, text: str) -> list[Piece]:
    """The pieces of a block, which put together are its text; each is no larger than a chunk."""
    if kind is BlockKind.TABLE:
        return _rows(text)
    if kind is BlockKind.CODE:
        return _code(text)
    size = size_of(text)
    if size <= MOST_TOKENS:
        return [Piece(text, size)]
    places = (_LINE, _SENTENCE, _CLAUSE, _WORD) if kind is BlockKind.LIST else (_SENTENCE, _CLAUSE, _WORD)
    return [Piece(one, size_of(one)) for one in _small(text, places, MOST_TOKENS - LARGEST_OVERLAP)]


def last_sentence(text: str) -> str:
    """The last sentence of a text, with the space after it."""
    inner = text.rstrip()
    starts = [found.end() for found in _SENTENCE.finditer(inner)]
    return text[starts[-1] :] if starts else text


def _rows(text: str) -> list[Piece]:
    """A table's rows; its header and the rule below it are one piece."""
    lines = text.splitlines(keepends=True)
    has_header = len(lines) > 1 and _RULE.match(lines[1].strip()) is not None
    header = "".join(lines[:2]) if has_header else ""
    again = header if size_of(header) <= LONGEST_HEADER else ""
    most = MOST_TOKENS - size_of(again)
    pieces = [Piece(one, size_of(one)) for one in _fitting(header, (_LINE, _CELL, _WORD), MOST_TOKENS)]
    for line in lines[2:] if has_header else lines:
        pieces += [Piece(one, size_of(one), again) for one in _fitting(line, (_CELL, _WORD), most)]
    return _closed(pieces)


def _code(text: str) -> list[Piece]:
    """Lines of code."""
    lines = text.splitlines(keepends=True)
    is_fenced = lines[0].lstrip().startswith(("```", "~~~")) and len(lines) > 1
    again = lines[0] if is_fenced and size_of(lines[0]) <= LONGEST_HEADER else ""
    most = MOST_TOKENS - size_of(again)
    pieces = [Piece(one, size_of(one), again) for line in lines for one in _fitting(line, (_WORD,), most)]
    return _closed(pieces)


def _closed(pieces: list[Piece]) -> list[Piece]:
    """The pieces, with what is white or only closes a fence as the end of the one before: no chunk begins with it."""
    whole: list[Piece] = []
    for piece in pieces:
        if whole and not piece.text.strip("`~ \t\r\n"):
            last = whole.pop()
            whole.append(Piece(last.text + piece.text, last.size + piece.size, last.again))
        else:
            whole.append(piece)
    return whole


def _fitting(text: str, places: tuple[re.Pattern[str], ...], most: int) -> Iterator[str]:
    """A text that fits as it is, or cut."""
    if not text or size_of(text) <= most:
        yield from [text] if text else []
    else:
        yield from _small(text, places, most)


def _small(text: str, places: tuple[re.Pattern[str], ...], most: int) -> Iterator[str]:
    """Cut a text at the first kind of place, what is still too large at the next; small neighbours stay together."""
    if not places:
        yield from _anywhere(text, most)
        return
    held, held_size = "", 0
    for part in _split(text, places[0]):
        size = size_of(part)
        if held and held_size + size > ENOUGH:
            yield held
            held, held_size = "", 0
        if size > most:
            yield from _small(part, places[1:], most)
        else:
            held, held_size = held + part, held_size + size
    if held:
        yield held


def _split(text: str, place: re.Pattern[str]) -> Iterator[str]:
    """The parts of a text, each with what stands between it and the next."""
    start = 0
    for found in place.finditer(text):
        if found.end() > start:
            yield text[start : found.end()]
            start = found.end()
    if start < len(text):
        yield text[start:]


def _anywhere(text: str, most: int) -> Iterator[str]:
    step = max(1, len(text) * most // size_of(text) * 4 // 5)
    start = 0
    while start < len(text):
        end = start + step
        while size_of(text[start:end]) > most and end > start + 1:
            end = start + (end - start) // 2
        while end < len(text) and end < start + 2 * step and _belongs(text[end]):
            end += 1
        yield text[start:end]
        start = end


def _belongs(sign: str) -> bool:
    """Whether a character is part of the one before."""
    return sign in _JOINERS or unicodedata.category(sign).startswith("M")
