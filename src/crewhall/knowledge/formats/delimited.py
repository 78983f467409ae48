"""Tables as text: CSV and what is like it, whichever character stands between cells."""

import csv
import itertools
from collections.abc import Iterator

from crewhall.knowledge.formats import markup
from crewhall.knowledge.formats.decoding import lines
from crewhall.knowledge.formats.source import Source, damaged, too_large
from crewhall.knowledge.passages import About, Block, BlockKind, Extracted, Progress
from crewhall.knowledge.vocabulary import Unit

LOOKED_AT = 50
"""Rows that the dialect is told by."""
ROWS_TOLD = 1_000
DELIMITERS = ",;\t|"


def read(source: Source) -> Iterator[Extracted]:
    """See formats.read."""
    yield About()
    text = lines(source)
    first = list(itertools.islice(text, LOOKED_AT))
    csv.field_size_limit(source.bounds.characters)
    rows = csv.reader(itertools.chain(first, text), delimiter=delimiter_of("".join(first)))
    try:
        yield from _tables(_checked(rows, source))
    except csv.Error as error:
        raise damaged() from error


def delimiter_of(text: str) -> str:
    """The character between cells: the one that cuts most rows into the same number of cells, more than one."""
    best, most = ",", (0.0, 0)
    for one in DELIMITERS:
        widths = [len(row) for row in csv.reader(text.splitlines(), delimiter=one) if row]
        if not widths:
            continue
        usual = max(set(widths), key=widths.count)
        found = (widths.count(usual) / len(widths), usual) if usual > 1 else (0.0, 0)
        if found > most:
            best, most = one, found
    return best


def _checked(rows: Iterator[list[str]], source: Source) -> Iterator[list[str]]:
    for row in rows:
        if len(row) > source.bounds.columns:
            raise too_large(f"a table of more than {source.bounds.columns:,} columns")
        if any(cell.strip() for cell in row):
            yield row


def _tables(rows: Iterator[list[str]]) -> Iterator[Extracted]:
    header = next(rows, None)
    if header is None:
        return
    done = 0
    for block in markup.tables(header, rows):
        done += rows_in(block)
        yield block
        yield Progress(done=done, total=None, unit=Unit.ROW)


def rows_in(block: Block) -> int:
    """How many rows a block of a table holds, without its header."""
    return block.text.count("\n") - 1 if block.kind is BlockKind.TABLE else 0
