"""Presentations: slides with titles, what stands on them from top to bottom, and the speaker's notes."""

from collections.abc import Iterator
from typing import Any

from crewhall.knowledge.formats import markup, packed
from crewhall.knowledge.formats.source import Source, damaged, too_large
from crewhall.knowledge.passages import About, Block, BlockKind, Extracted, Progress
from crewhall.knowledge.vocabulary import Unit

DEEPEST = 10
"""Groups within one another."""


def read(source: Source) -> Iterator[Extracted]:
    """See formats.read."""
    import pptx

    packed.check(source)
    try:
        deck = pptx.Presentation(source.file)
        total = len(deck.slides)
    except MemoryError:
        raise
    except Exception as error:
        raise damaged() from error
    if total > source.bounds.pages:
        raise too_large(f"more than {source.bounds.pages:,} slides")
    yield About(title=deck.core_properties.title, pages=total)
    for number in range(total):
        yield from _slide(deck.slides[number], number + 1)
        yield Progress(done=number + 1, total=total, unit=Unit.SLIDE)


def _slide(slide: Any, number: int) -> Iterator[Block]:
    title = slide.shapes.title
    said = markup.one_line(title.text_frame.text) if title is not None and title.has_text_frame else ""
    yield markup.heading(2, said or f"Slide {number}", number)
    for shape in _in_order(slide.shapes, 0):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        yield from _shape(shape, number)
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) and frame.text.strip():
        yield from markup.texts("Notes: " + markup.plain(frame.text.strip()), number)


def _in_order(shapes: Any, depth: int) -> Iterator[Any]:
    """Shapes from top to bottom and left to right, those of groups where their group stands."""
    for shape in sorted(
        shapes, key=lambda one: ((one.top or 0) // 180_000, one.left or 0)
    ):  # in rows of half a centimetre
        if hasattr(shape, "shapes") and depth < DEEPEST:
            yield from _in_order(shape.shapes, depth + 1)
        else:
            yield shape


def _shape(shape: Any, page: int) -> Iterator[Block]:
    if getattr(shape, "has_table", False):
        rows = [[cell.text_frame.text for cell in row.cells] for row in shape.table.rows]
        if rows:
            yield from markup.tables(rows[0], rows[1:], page)
    elif getattr(shape, "has_chart", False):
        yield from _chart(shape.chart, page)
    elif shape.has_text_frame:
        lines = [(one.level, one.text) for one in shape.text_frame.paragraphs if one.text.strip()]
        if len(lines) > 1:
            yield from markup.texts("\n".join(markup.item(text, level) for level, text in lines), page, BlockKind.LIST)
        elif lines:
            yield from markup.texts(markup.plain(lines[0][1].replace("\v", "\n")), page)


def _chart(chart: Any, page: int) -> Iterator[Block]:
    """The figures that a chart shows, as a table."""
    plots = list(chart.plots)
    if not plots:
        return
    series = list(plots[0].series)
    rows = [
        [str(label), *(str(one.values[at]) if at < len(one.values) else "" for one in series)]
        for at, label in enumerate(plots[0].categories)
    ]
    if rows:
        yield from markup.tables(["", *(one.name or "" for one in series)], rows, page)
