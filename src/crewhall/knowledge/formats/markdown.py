"""Markdown: its own blocks, as they are written. Line by line: a large file takes no more memory than a small one."""

import re
from collections.abc import Iterable, Iterator

from crewhall.knowledge.formats import markup
from crewhall.knowledge.formats.decoding import lines
from crewhall.knowledge.formats.source import Source
from crewhall.knowledge.passages import About, Block, BlockKind, Extracted

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\S")
_RULE_OF_TABLE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-*:?[ \t]*)*$")
_TITLE = re.compile(r"title:\s*(.+)", re.IGNORECASE)
_FRONT = "---"
_LONGEST_FRONT = 200
"""Lines of front matter."""


def read(source: Source) -> Iterator[Extracted]:
    """See formats.read."""
    text = lines(source)
    front, rest = _front_matter(text)
    said = next((found[1].strip("\"' ") for line in front if (found := _TITLE.match(line))), None)
    yield About(title=said)
    yield from blocks(rest)


def _front_matter(text: Iterator[str]) -> tuple[list[str], Iterator[str]]:
    """The lines between two rules at the beginning, and what follows them."""
    begun: list[str] = []
    for line in text:
        begun.append(line)
        if begun[0].rstrip() != _FRONT or len(begun) > _LONGEST_FRONT:
            break
        if len(begun) > 1 and line.rstrip() in {_FRONT, "..."}:
            return begun, text
    return [], _both(begun, text)


def _both(first: Iterable[str], then: Iterable[str]) -> Iterator[str]:
    yield from first
    yield from then


def blocks(text: Iterable[str]) -> Iterator[Block]:
    """The blocks of Markdown that comes line by line."""
    held: list[str] = []
    fence = ""
    size = 0
    for line in text:
        found = _FENCE.match(line)
        size += len(line)
        if fence:
            held.append(line)
            if found and found[1].startswith(fence) and line.strip() == found[1]:
                yield from _block(held)
                held, fence, size = [], "", 0
        elif found:
            yield from _block(held)
            held, fence, size = [line], found[1], 0
        elif heading := _HEADING.match(line):
            yield from _block(held)
            held, size = [], 0
            if heading[2]:
                yield markup.heading(len(heading[1]), heading[2])
        elif len(held) == 1 and _UNDERLINE.match(line) and not _ITEM.match(held[0]) and "|" not in held[0]:
            yield markup.heading(1 if "=" in line else 2, held[0])
            held, size = [], 0
        elif not line.strip():
            yield from _block(held)
            held, size = [], 0
        else:
            held.append(line)
        if size > markup.LONGEST_TEXT and not fence:
            yield from _block(held)
            held, size = [], 0
    yield from _block(held)


def _block(held: list[str]) -> Iterator[Block]:
    if not held:
        return
    text = "".join(held).strip("\n")
    if _FENCE.match(held[0]):
        yield from _code(held)
    elif len(held) > 1 and "|" in held[0] and _RULE_OF_TABLE.match(held[1]):
        yield from markup.texts(text, kind=BlockKind.TABLE)
    elif _ITEM.match(held[0]):
        yield from markup.texts(text, kind=BlockKind.LIST)
    else:
        yield from markup.texts(text)


def _code(held: list[str]) -> Iterator[Block]:
    language = held[0].strip().strip("`~").split(" ")[0]
    inside = held[1:-1] if len(held) > 1 and _FENCE.match(held[-1]) else held[1:]
    for piece in markup.pieces("".join(inside), markup.LONGEST_TEXT):
        if piece.strip():
            yield markup.code(piece, language)
