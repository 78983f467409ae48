"""Source code and data in a text's form: pieces between empty lines, each in a fence of its own."""

from collections.abc import Iterator

from crewhall.knowledge.formats import markup
from crewhall.knowledge.formats.decoding import lines
from crewhall.knowledge.formats.kinds import language_of
from crewhall.knowledge.formats.source import Source
from crewhall.knowledge.passages import About, Block, Extracted

ENOUGH, MOST = 1_500, 4_000
"""Characters after which a piece ends where a line is empty, and those after which it ends at any line."""


def read(source: Source) -> Iterator[Extracted]:
    """See formats.read."""
    yield About()
    language = language_of(source)
    held: list[str] = []
    size = 0
    for line in lines(source):
        begins = not line[:1].isspace()
        if (size >= ENOUGH and begins and held and not held[-1].strip()) or size + len(line) > MOST:
            yield from _pieces(held, language)
            held, size = [], 0
        held.append(line)
        size += len(line)
    yield from _pieces(held, language)


def _pieces(held: list[str], language: str) -> Iterator[Block]:
    for piece in markup.pieces("".join(held).strip("\n"), MOST):
        if piece.strip():
            yield markup.code(piece, language)
