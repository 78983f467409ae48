"""The order in which segments of a page are read: lines, two columns, tables. Works on places alone."""

import statistics
from collections.abc import Iterator, Sequence

from msgspec import Struct

from crewhall.knowledge.formats.pdf_segments import Segment

FEWEST_LINES = 6
"""In each of two columns."""
MOST_ACROSS = 0.25
"""The share of lines that may cross the gap between two columns: titles, wide figures."""
PROSE = 18
"""Characters of a line in a column of prose, at least, in the median."""
SAME_LINE = 0.5
"""How much of the lower of two segments stands beside the other, when they are one line."""
ROWS_OF_TABLE = 3


class Line(Struct):
    """Segments beside one another, from left to right."""

    segments: list[Segment]

    @property
    def text(self) -> str:
        """Its words."""
        return " ".join(one.text for one in self.segments)

    @property
    def left(self) -> float:
        """Where it begins."""
        return self.segments[0].left

    @property
    def right(self) -> float:
        """Where it ends."""
        return max(one.right for one in self.segments)

    @property
    def bottom(self) -> float:
        """How far down it reaches."""
        return min(one.bottom for one in self.segments)

    @property
    def top(self) -> float:
        """How far up it reaches."""
        return max(one.top for one in self.segments)

    @property
    def is_code(self) -> bool:
        """Whether all of it is."""
        return all(one.is_code for one in self.segments)

    @property
    def size(self) -> float:
        """The size of most of its characters."""
        return max(self.segments, key=lambda one: len(one.text)).size


class Table(Struct):
    """Lines whose segments stand below one another."""

    rows: list[list[str]]


def in_order(found: list[Segment]) -> list[list[Line]]:
    """The lines of a page as it is read: parts of it that stand in one column each, one after the other."""
    gutter = _gutter(found)
    if gutter is None:
        return [lines_of(found)]
    parts: list[list[Line]] = []
    left: list[Segment] = []
    right: list[Segment] = []
    for one in sorted(found, key=lambda segment: -segment.top):
        if one.left < gutter < one.right:
            parts += [lines_of(left), lines_of(right), lines_of([one])]
            left, right = [], []
        else:
            (left if one.right <= gutter else right).append(one)
    parts += [lines_of(left), lines_of(right)]
    return _joined([part for part in parts if part])


def lines_of(found: Sequence[Segment]) -> list[Line]:
    """Segments as lines from top to bottom."""
    lines: list[list[Segment]] = []
    for one in sorted(found, key=lambda segment: -segment.middle):
        last = lines[-1] if lines else None
        if last and _is_beside(last[-1], one) and not any(_overlaps(other, one) for other in last):
            last.append(one)
        else:
            lines.append([one])
    return [Line(sorted(line, key=lambda segment: segment.left)) for line in lines]


def _is_beside(one: Segment, other: Segment) -> bool:
    shared = min(one.top, other.top) - max(one.bottom, other.bottom)
    return shared > SAME_LINE * min(one.top - one.bottom, other.top - other.bottom)


def _overlaps(one: Segment, other: Segment) -> bool:
    return min(one.right, other.right) - max(one.left, other.left) > 1


def _joined(parts: list[list[Line]]) -> list[list[Line]]:
    """Lines across both columns that follow one another are one part."""
    joined: list[list[Line]] = []
    for part in parts:
        if joined and len(part) == 1 and len(joined[-1]) == 1:
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def _gutter(found: list[Segment]) -> float | None:
    """Where the gap between two columns of prose is; None where there are not two."""
    if len(found) < 2 * FEWEST_LINES:
        return None
    begin, end = min(one.left for one in found), max(one.right for one in found)
    places = [begin + (end - begin) * share / 100 for share in range(35, 66)]
    place = min(places, key=lambda x: (sum(one.left < x < one.right for one in found), abs(x - (begin + end) / 2)))
    across = [one for one in found if one.left < place < one.right]
    left = [one for one in found if one.right <= place]
    right = [one for one in found if one.left >= place]
    if len(across) > MOST_ACROSS * len(found) or min(len(left), len(right)) < FEWEST_LINES:
        return None
    if min(statistics.median(len(one.text) for one in side) for side in (left, right)) < PROSE:
        return None
    beside = sum(1 for line in lines_of(left) if len(line.segments) > 1) + sum(
        1 for line in lines_of(right) if len(line.segments) > 1
    )
    return None if beside > len(found) // 4 else place


def with_tables(lines: list[Line]) -> Iterator[Line | Table]:
    """Lines and the tables among them: at least three lines of several segments whose columns fit."""
    held: list[Line] = []
    for line in lines:
        if len(line.segments) > 1 and (not held or _near(held[-1], line)):
            held.append(line)
            continue
        yield from _table_or_lines(held)
        held = [line] if len(line.segments) > 1 else []
        if not held:
            yield line
    yield from _table_or_lines(held)


def _near(one: Line, other: Line) -> bool:
    return one.bottom - other.top < 2 * max(one.size, 1)


def _table_or_lines(held: list[Line]) -> Iterator[Line | Table]:
    columns = _columns(held) if len(held) >= ROWS_OF_TABLE else []
    rows = [_cells(line, columns) for line in held] if len(columns) > 1 else []
    if rows and all(row is not None for row in rows):
        yield Table([row for row in rows if row is not None])
    else:
        yield from held


def _columns(lines: list[Line]) -> list[tuple[float, float]]:
    """Where columns begin and end: what overlaps from line to line is one."""
    spans = sorted((one.left, one.right) for line in lines for one in line.segments)
    columns: list[tuple[float, float]] = []
    for left, right in spans:
        if columns and left < columns[-1][1]:
            columns[-1] = columns[-1][0], max(columns[-1][1], right)
        else:
            columns.append((left, right))
    return columns


def _cells(line: Line, columns: list[tuple[float, float]]) -> list[str] | None:
    """The cells of a row; None where two segments stand in one column."""
    cells = [""] * len(columns)
    for one in line.segments:
        at = next(at for at, (left, right) in enumerate(columns) if left <= one.left and one.right <= right)
        if cells[at]:
            return None
        cells[at] = one.text
    return cells
