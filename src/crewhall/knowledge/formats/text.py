"""Plain text: paragraphs between empty lines, pages between form feeds."""

from collections.abc import Iterator

from crewhall.knowledge.formats import markup
from crewhall.knowledge.formats.decoding import lines
from crewhall.knowledge.formats.source import Source
from crewhall.knowledge.passages import About, Block, Extracted


def read(source: Source) -> Iterator[Extracted]:
    """See formats.read."""
    yield About()
    yield from paragraphs(lines(source))


def paragraphs(text: Iterator[str]) -> Iterator[Block]:
    """The paragraphs of a text that comes line by line."""
    held: list[str] = []
    size = 0
    for line in text:
        if held and (not line.strip() or size > markup.LONGEST_TEXT):
            yield from markup.texts(markup.plain("".join(held)))
            held, size = [], 0
        if line.strip():
            held.append(line)
            size += len(line)
    yield from markup.texts(markup.plain("".join(held)))
