"""What stands at the top or bottom of page after page: running titles and page numbers, which belong to no text."""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator

from msgspec import Struct

from crewhall.knowledge.formats.pdf_layout import Line, lines_of
from crewhall.knowledge.formats.pdf_segments import Segment

LINES = 3
"""At each edge that are looked at."""
EDGE = 0.15
"""Of the page's height."""
AROUND = 2
"""Pages before and after that a page is compared with: left and right ones differ."""
LARGER = 1.15
"""How much larger than most of its page a line is that heads it: such a one is no running title, even if it repeats."""
SAME_PLACE = 6.0
"""Points by which the places of what is repeated may differ."""
_NUMBERS = re.compile(r"\d{1,9}")
_ROMAN = re.compile(r"^[ivxlc]+$")
_PAGE_NUMBER = re.compile(
    r"\W*(?:page|seite|página|pagina|p\.|s\.)?\s*#(?:\s*(?:/|of|von|de|sur|di)\s*#)?\W*$", re.IGNORECASE
)


class Page(Struct):
    """A page before its margins are known. `picture`: it holds no text but something to be seen."""

    number: int
    height: float
    segments: list[Segment]
    is_picture: bool = False


class _Edge(Struct, frozen=True):
    page: int
    text: str
    """Its words with `#` for numbers."""
    numbers: tuple[int, ...]
    place: float
    segments: frozenset[int]
    """Which of the page's segments it is made of, by `id`."""


def without_margins(pages: Iterable[Page]) -> Iterator[Page]:
    """The pages without what is repeated; holds a few at once."""
    held: deque[tuple[Page, list[_Edge]]] = deque()
    given = 0
    for page in pages:
        held.append((page, _edges(page)))
        if len(held) - given > AROUND:
            yield _without(held, given)
            given += 1
        if len(held) > 2 * AROUND:
            held.popleft()
            given -= 1
    while given < len(held):
        yield _without(held, given)
        given += 1


def _edges(page: Page) -> list[_Edge]:
    sizes: Counter[float] = Counter()
    for one in page.segments:
        sizes[one.size] += len(one.text)
    largest = sizes.most_common(1)[0][0] * LARGER if sizes else 0.0
    lines = [line for line in lines_of(page.segments) if line.size <= largest]
    wanted = [line for line in lines[:LINES] if line.bottom > page.height * (1 - EDGE)]
    wanted += [line for line in lines[-LINES:] if line.top < page.height * EDGE and line not in wanted]
    return [_edge(page.number, line) for line in wanted]


def _edge(page: int, line: Line) -> _Edge:
    text = _ROMAN.sub("#", _NUMBERS.sub("#", line.text).casefold())
    numbers = tuple(int(one) for one in _NUMBERS.findall(line.text))
    return _Edge(page, text, numbers, line.bottom, frozenset(id(one) for one in line.segments))


def _without(held: deque[tuple[Page, list[_Edge]]], at: int) -> Page:
    page, edges = held[at]
    others = [other for place, (_, other) in enumerate(held) if place != at and abs(place - at) <= AROUND]
    dropped: set[int] = set()
    for edge in edges:
        is_number = _PAGE_NUMBER.match(edge.text) is not None
        if (is_number and (not others or len(edge.text) < 4)) or any(_repeats(edge, other) for other in others):  # noqa: PLR2004
            dropped |= edge.segments
    return Page(page.number, page.height, [one for one in page.segments if id(one) not in dropped], page.is_picture)


def _repeats(edge: _Edge, others: list[_Edge]) -> bool:
    """Whether the same stands at the same place of another page; its numbers may count pages."""
    return any(
        edge.text == other.text
        and abs(edge.place - other.place) < SAME_PLACE
        and all(b - a in {0, other.page - edge.page} for a, b in zip(edge.numbers, other.numbers, strict=False))
        for other in others
    )
