"""Pictures: the text in them. A TIFF may have several pages."""

import io
from collections.abc import Iterator
from typing import Any

from crewhall.knowledge.formats import pdf_text
from crewhall.knowledge.formats.ocr import Ocr
from crewhall.knowledge.formats.source import Source, damaged, too_large, unsupported
from crewhall.knowledge.passages import About, Extracted, Progress
from crewhall.knowledge.vocabulary import Unit

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")
LONGEST_SIDE = 3_000
"""Pixels; larger pictures are read smaller."""
PAGED = "TIFF"
WIDEST, TALLEST = 2_000, 4_000
"""Pixels of a picture that is shown."""


def read(source: Source) -> Iterator[Extracted]:
    """See formats.read."""
    ocr = Ocr()
    if not source.reads_pictures:
        raise unsupported("Text in pictures is not looked for here.")
    if not ocr.is_there:
        raise unsupported("To read pictures, install crewhall[ocr] where Crewhall runs.")
    image, pages = _opened(source)
    if pages > source.bounds.pages:
        raise too_large(f"more than {source.bounds.pages:,} pages")
    yield About(pages=pages)
    for number in range(1, pages + 1):
        seen = ocr.segments(_upright(image, number, source, LONGEST_SIDE))
        yield from pdf_text.blocks(seen, pdf_text.Sizes([seen]), number)
        yield Progress(done=number, total=pages, unit=Unit.PAGE)


def picture(source: Source, number: int, width: int) -> bytes:
    """A page of it as a WebP of at most so many pixels across. Raises Refused; `number` counts from 1."""
    image, pages = _opened(source)
    if not 1 <= number <= pages:
        raise damaged()
    shown = _upright(image, number, source, LONGEST_SIDE)
    shown.thumbnail((min(width, WIDEST), TALLEST))
    made = io.BytesIO()
    shown.save(made, "WEBP", quality=80)
    return made.getvalue()


def _opened(source: Source) -> tuple[Any, int]:
    """The image, of Pillow, and how many pages it has."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # asked here, before anything is decoded
    source.file.seek(0)
    try:
        image = Image.open(source.file, formats=FORMATS)
        pages = getattr(image, "n_frames", 1) if image.format == PAGED else 1
    except (OSError, ValueError, SyntaxError) as error:
        raise damaged() from error
    return image, pages


def _upright(image: Any, number: int, source: Source, side: int) -> Any:
    """A page as it is seen, on white, its pixels alone."""
    from PIL import Image, ImageOps

    try:
        image.seek(number - 1)
        if image.width * image.height > source.bounds.pixels:
            raise too_large(f"a picture of more than {source.bounds.pixels // 1_000_000} million pixels")
        image.draft("RGB", (side, side))
        upright = ImageOps.exif_transpose(image)
        on_white = Image.new("RGB", upright.size, "white")
        on_white.paste(upright.convert("RGB"), mask=upright.convert("RGBA").getchannel("A"))
        on_white.thumbnail((side, side))
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise damaged() from error
    return on_white
