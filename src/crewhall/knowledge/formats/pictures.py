"""Pictures: the text in them. A TIFF may have several pages."""

from collections.abc import Iterator

from crewhall.knowledge.formats import pdf_text
from crewhall.knowledge.formats.ocr import Ocr
from crewhall.knowledge.formats.source import Source, damaged, too_large, unsupported
from crewhall.knowledge.passages import About, Extracted, Progress
from crewhall.knowledge.vocabulary import Unit

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")
LONGEST_SIDE = 3_000
"""Pixels; larger pictures are read smaller."""
PAGED = "TIFF"


def read(source: Source) -> Iterator[Extracted]:
    """See formats.read."""
    from PIL import Image, ImageOps

    ocr = Ocr()
    if not source.reads_pictures:
        raise unsupported("Text in pictures is not looked for here.")
    if not ocr.is_there:
        raise unsupported("To read pictures, install crewhall[ocr] where Crewhall runs.")
    Image.MAX_IMAGE_PIXELS = None  # asked here, before anything is decoded
    source.file.seek(0)
    try:
        image = Image.open(source.file, formats=FORMATS)
        pages = getattr(image, "n_frames", 1) if image.format == PAGED else 1
    except (OSError, ValueError, SyntaxError) as error:
        raise damaged() from error
    if pages > source.bounds.pages:
        raise too_large(f"more than {source.bounds.pages:,} pages")
    yield About(pages=pages)
    for number in range(1, pages + 1):
        try:
            image.seek(number - 1)
            if image.width * image.height > source.bounds.pixels:
                raise too_large(f"a picture of more than {source.bounds.pixels // 1_000_000} million pixels")
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            upright = ImageOps.exif_transpose(image)
            on_white = Image.new("RGB", upright.size, "white")
            on_white.paste(upright.convert("RGB"), mask=upright.convert("RGBA").getchannel("A"))
            on_white.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise damaged() from error
        seen = ocr.segments(on_white)
        yield from pdf_text.blocks(seen, pdf_text.Sizes([seen]), number)
        yield Progress(done=number, total=pages, unit=Unit.PAGE)
