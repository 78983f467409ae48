"""A long PDF as text: pages a second, and the memory that reading takes over there and here."""

import asyncio
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from bench.ground import Ground, Skip
from bench.meter import resident_mib
from bench.rows.row import Scale
from bench.table import Figure, Target
from crewhall.knowledge.extraction import Extractor
from crewhall.knowledge.extraction_settings import ExtractionSettings
from crewhall.knowledge.passages import Chunk, Progress
from tests.support.pdfs import Sheet, Words, column, pdf

PAGES = 500
LINES = 46
LOOK_EACH = 25
"""Pages between two looks at the memory."""
BARE = """
import sys, time, pypdfium2
begun = time.perf_counter()
document = pypdfium2.PdfDocument(sys.argv[1])
for page in document:
    page.get_textpage().get_text_range()
print(len(document) / (time.perf_counter() - begun))
"""


class Extraction:
    """A manual of 500 pages as chunks, with progress. The floor is pypdfium2's text of each page, kept by nobody."""

    name = "extraction"
    ground = floor_ground = "fresh"
    figures: Sequence[Figure] = (
        Figure("pages", "PDF of 500 pages as chunks with progress", "/s", Target(floor_share=0.1), "pages"),
        Figure("first", "… its first chunk", "s", Target(at_most=2)),
        Figure("peak", "… most memory of the process that reads it", "MiB", Target(at_most=150)),
        Figure("grown", "… memory that the server grows by", "MiB", Target(at_most=16)),
    )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Write the manual."""
        self._folder = tempfile.TemporaryDirectory(prefix="crewhall-bench-")
        self._path = Path(self._folder.name) / "manual.pdf"
        self._path.write_bytes(manual())

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Read it as the worker does."""
        here = resident_mib(psutil.Process().pid)
        begun = time.perf_counter()
        first = peak = 0.0
        async for one in Extractor(ExtractionSettings()).chunks(self._path, "application/pdf", "manual.pdf"):
            if isinstance(one, Chunk):
                first = first or time.perf_counter() - begun
            elif isinstance(one, Progress) and one.done % LOOK_EACH == 0:
                peak = max(peak, _peak_of_reader())
        taken = time.perf_counter() - begun
        grown = max(0.0, resident_mib(psutil.Process().pid) - here)
        return {"pages": PAGES / taken, "first": first, "peak": peak, "grown": grown}

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Read it in a bare loop, in a process of its own."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", BARE, str(self._path), stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
        if process.returncode:
            raise Skip("the bare loop failed")
        return {"pages": float(said)}


def manual() -> bytes:
    """A manual with chapters, running titles and page numbers."""
    pages = []
    for number in range(1, PAGES + 1):
        lines = [f"On page {number}, line {at}, the roaster is told how warm its drum is to be." for at in range(LINES)]
        heading = [Words(72, 735, f"Chapter {number // 10 + 1}", 18)] if number % 10 == 0 else []
        margins = [Words(72, 770, "The manual of the roaster", 8), Words(300, 30, str(number), 8)]
        pages.append(Sheet([*margins, *heading, *column(lines, up=710)]))
    return pdf(pages, title="The manual")


def _peak_of_reader() -> float:
    """The most memory that the reading process took so far, in MiB."""
    for child in psutil.Process().children():
        if any("extraction_child" in word for word in child.cmdline()):
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{child.pid}/status").read_text(encoding="utf-8"))
            return int(found[1]) / 1024 if found else 0.0
    return 0.0
