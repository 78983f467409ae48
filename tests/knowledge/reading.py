"""What tests say to read a document: here, or in the process that reads strangers' files."""

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from crewhall.knowledge.extraction import Extractor
from crewhall.knowledge.extraction_settings import ExtractionSettings
from crewhall.knowledge.formats import read
from crewhall.knowledge.formats.source import Bounds, Source
from crewhall.knowledge.passages import About, Block, BlockKind, Extracted

HEADING, TEXT, LIST, TABLE, CODE = BlockKind.HEADING, BlockKind.TEXT, BlockKind.LIST, BlockKind.TABLE, BlockKind.CODE


def source(data: bytes, name: str = "", media_type: str = "", **bounds: int) -> Source:
    return Source(
        file=io.BytesIO(data),
        size=len(data),
        media_type=media_type,
        name=name,
        bounds=Bounds(**bounds),
        reads_pictures=False,
    )


def extracted(data: bytes, name: str = "", media_type: str = "", **bounds: int) -> list[Extracted]:
    return list(read(source(data, name, media_type, **bounds)))


def blocks(data: bytes, name: str = "", media_type: str = "") -> list[tuple[BlockKind, str]]:
    return [(one.kind, one.text) for one in extracted(data, name, media_type) if isinstance(one, Block)]


def about(data: bytes, name: str = "") -> About:
    first = extracted(data, name)[0]
    assert isinstance(first, About)
    return first


async def over_there(path: Path, **settings: float) -> list[Extracted]:
    extractor = Extractor(ExtractionSettings(**settings))  # type: ignore[arg-type]
    return [one async for one in extractor.extract(path, "application/octet-stream", path.name)]


def picture_of(lines: list[str], size: tuple[int, int], font_size: int = 34) -> Image.Image:
    """A scan: words on paper."""
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    for at, line in enumerate(lines):
        pen.text((40, 30 + at * font_size * 1.7), line, font=ImageFont.load_default(font_size), fill="black")
    return image
