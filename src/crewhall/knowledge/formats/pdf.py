"""PDFs, page by page: text where there is text, and what a picture of the page says where there is none."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

from crewhall.knowledge.formats import pdf_text
from crewhall.knowledge.formats.ocr import Ocr
from crewhall.knowledge.formats.pdf_margins import Page, without_margins
from crewhall.knowledge.formats.pdf_segments import Segment, is_unreadable, segments
from crewhall.knowledge.formats.source import Source, damaged, encrypted, too_large
from crewhall.knowledge.passages import About, Block, Extracted, Progress
from crewhall.knowledge.vocabulary import Unit

SAMPLE = 12
"""Pages that sizes are learnt from."""
FEW = 20
"""Characters of a page that may stand beside a picture of text."""
DPI = 200
MOST_PIXELS = 9_000_000
"""Of a page that is read as a picture."""
MOST_TITLES, MOST_LEVELS = 5_000, 5
WIDEST, TALLEST = 2_000, 4_000
"""Pixels of a picture that is shown."""
_NO_TITLE = re.compile(
    r"untitled|unnamed|microsoft (word|powerpoint|excel)|\.(docx?|pdf|indd|tex|dvi|qxd|pptx?|xlsx?)$", re.IGNORECASE
)


def read(source: Source) -> Iterator[Extracted]:
    """See formats.read."""
    document = opened(source)
    total = len(document)
    if total > source.bounds.pages:
        raise too_large(f"more than {source.bounds.pages:,} pages")
    yield About(title=_title(document), pages=total)
    outline = _outline(document)
    places = sorted({at * total // SAMPLE for at in range(SAMPLE)} if total > SAMPLE else range(total))
    sizes = pdf_text.Sizes((_segments(document, at) for at in places), outline)
    ocr = Ocr() if source.reads_pictures else None
    open_end: Block | None = None
    for page in without_margins(_pages(document, total)):
        found = list(_blocks(document, page, sizes, ocr))
        if open_end is not None:
            found = pdf_text.over_the_page(open_end, found)
        open_end = found.pop() if found and pdf_text.is_open(found[-1]) else None
        yield from found
        yield Progress(done=page.number, total=total, unit=Unit.PAGE)
    if open_end is not None:
        yield open_end


def opened(source: Source) -> Any:
    """The document, of pypdfium2. Raises Refused."""
    import pypdfium2
    from pypdfium2 import raw

    source.file.seek(0)
    try:
        document = pypdfium2.PdfDocument(source.file)
    except pypdfium2.PdfiumError as error:
        locked = {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY}
        raise (encrypted() if getattr(error, "err_code", None) in locked else damaged()) from error
    if len(document) == 0:
        raise damaged()
    return document


def picture(source: Source, number: int, width: int) -> bytes:
    """A page as a WebP of so many pixels across. Raises Refused; `number` counts from 1."""
    import io

    document = opened(source)
    if not 1 <= number <= len(document):
        raise damaged()
    page = document[number - 1]
    across, up = page.get_size()
    scale = min(min(width, WIDEST) / max(across, 1), TALLEST / max(up, 1))
    image = page.render(scale=scale).to_pil().convert("RGB")
    made = io.BytesIO()
    image.save(made, "WEBP", quality=80)
    return made.getvalue()


def _pages(document: Any, total: int) -> Iterator[Page]:
    for at in range(total):
        page = _page(document, at)
        if page is None:
            yield Page(at + 1, 1.0, [])
            continue
        found = segments(page)
        few = sum(len(one.text) for one in found) < FEW
        yield Page(at + 1, page.get_height(), found, (few and _shows_something(page)) or is_unreadable(found))
        page.close()


def _blocks(document: Any, page: Page, sizes: pdf_text.Sizes, ocr: Ocr | None) -> Iterator[Block]:
    if page.is_picture and ocr is not None and ocr.is_there:
        if seen := _seen(document, page, ocr):
            yield from pdf_text.blocks(seen, pdf_text.Sizes([seen]), page.number)
            return
        if is_unreadable(page.segments):
            return
    yield from pdf_text.blocks(page.segments, sizes, page.number)


def _seen(document: Any, page: Page, ocr: Ocr) -> list[Segment]:
    """What a picture of the page says, in points."""
    opened_page = document[page.number - 1]
    across, up = opened_page.get_size()
    scale = min(DPI / 72, (MOST_PIXELS / max(across * up, 1)) ** 0.5)
    image = opened_page.render(scale=scale).to_pil().convert("RGB")
    opened_page.close()
    return ocr.segments(image, 1 / scale)


def _shows_something(page: Any) -> bool:
    from pypdfium2 import raw

    kinds = (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_SHADING)
    return any(True for _ in itertools.islice(page.get_objects(filter=kinds, max_depth=3), 1))


def _segments(document: Any, at: int) -> list[Segment]:
    page = _page(document, at)
    if page is None:
        return []
    found = segments(page)
    page.close()
    return found


def _page(document: Any, at: int) -> Any:
    """A page; None where this one is damaged."""
    import pypdfium2

    try:
        return document[at]
    except pypdfium2.PdfiumError:
        return None


def _title(document: Any) -> str | None:
    said: str = document.get_metadata_dict().get("Title", "").strip()
    return None if not said or _NO_TITLE.search(said) else said


def _outline(document: Any) -> dict[str, int]:
    """The titles that the document lists itself, as they are compared, with their levels."""
    import pypdfium2

    found: dict[str, int] = {}
    try:
        for mark in itertools.islice(document.get_toc(max_depth=MOST_LEVELS), MOST_TITLES):
            title = pdf_text.outlined(mark.get_title())
            if title and not title.isdecimal():
                found.setdefault(title, min(mark.level + 1, MOST_LEVELS))
    except (pypdfium2.PdfiumError, ValueError):
        return {}
    return found
