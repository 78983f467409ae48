"""Spreadsheets: each sheet as tables of some rows, with what formulas gave when the file was saved."""

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from crewhall.knowledge.formats import markup, packed
from crewhall.knowledge.formats.delimited import rows_in
from crewhall.knowledge.formats.source import Source, damaged, too_large
from crewhall.knowledge.passages import About, Extracted, Progress
from crewhall.knowledge.vocabulary import Unit

MOST_TITLES = 20
"""Rows of one cell above a table that are taken for its title."""
LONGEST_GAP = 100_000
"""Empty rows after which a sheet is over."""
TOLD_EACH = 1_000
"""Rows between two signs of progress."""


def read(source: Source) -> Iterator[Extracted]:
    """See formats.read."""
    import openpyxl

    packed.check(source)
    try:
        book = openpyxl.load_workbook(source.file, read_only=True, data_only=True, keep_links=False)
    except MemoryError:
        raise
    except Exception as error:
        raise damaged() from error
    yield About(title=book.properties.title)
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    for done, sheet in enumerate(sheets, 1):
        yield markup.heading(2, sheet.title)
        yield from _sheet(sheet, source, done - 1, len(sheets))
        yield Progress(done=done, total=len(sheets), unit=Unit.SHEET)


def _sheet(sheet: Any, source: Source, done: int, total: int) -> Iterator[Extracted]:
    sheet.reset_dimensions()  # what is said of them may be anything
    rows = _rows(sheet.iter_rows(), source)
    titles: list[list[str]] = []
    for row in rows:
        if sum(1 for cell in row if cell) > 1 or len(titles) >= MOST_TITLES:
            yield from _titles(titles)
            for block in markup.tables(row, rows):
                yield block
                if rows_in(block) >= markup.ROWS_AT_ONCE:
                    yield Progress(done=done, total=total, unit=Unit.SHEET)
            return
        titles.append(row)
    yield from _titles(titles)


def _titles(rows: list[list[str]]) -> Iterator[Extracted]:
    yield from markup.texts(markup.plain("\n".join(next(cell for cell in row if cell) for row in rows)))


def _rows(rows: Iterable[Any], source: Source) -> Iterator[list[str]]:
    """Rows that hold something, as text, without empty cells at their end."""
    gap = 0
    for row in rows:
        if len(row) > source.bounds.columns and any(cell.value is not None for cell in row[source.bounds.columns :]):
            raise too_large(f"a table of more than {source.bounds.columns:,} columns")
        cells = [shown(cell) for cell in itertools.islice(row, source.bounds.columns)]
        while cells and not cells[-1]:
            cells.pop()
        gap = 0 if cells else gap + 1
        if gap > LONGEST_GAP:
            return
        if cells:
            yield cells


def shown(cell: Any) -> str:
    """What stands in a cell, as one reads it."""
    match cell.value:
        case None:
            return ""
        case bool() as value:
            return "TRUE" if value else "FALSE"
        case float() | int() as value:
            return _number(value, str(cell.number_format or ""))
        case dt.datetime() as value:
            return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "minutes")
        case value:
            return markup.one_line(str(value))


def _number(value: float, number_format: str) -> str:
    if number_format.endswith("%"):
        places = len(number_format.rstrip("%").partition(".")[2])
        return f"{value * 100:.{min(places, 10)}f}%"
    return str(value) if isinstance(value, int) else f"{value:.15g}"
