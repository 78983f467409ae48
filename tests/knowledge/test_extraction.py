"""The process that reads documents: what comes back, and what becomes of it when a document goes too far."""

import asyncio
import sys
from pathlib import Path

import psutil
import pytest

from crewhall.kernel.errors import CrewhallError
from crewhall.knowledge.extraction import Extractor
from crewhall.knowledge.extraction_settings import ExtractionSettings
from crewhall.knowledge.passages import About, Block, Chunk, Extracted, Progress
from tests.knowledge.reading import over_there, picture_of
from tests.support.pdfs import Sheet, column, pdf

LINES = [f"Line {at} says what is to be said of it." for at in range(40)]


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    path = tmp_path / "manual"
    path.write_bytes(pdf([Sheet(column([*LINES, f"Page {at} ends."])) for at in range(3)], title="Manual"))
    return path


async def refused(path: Path, **settings: float) -> CrewhallError:
    with pytest.raises(CrewhallError) as error:
        await over_there(path, **settings)
    return error.value


async def test_a_document_comes_as_blocks_with_progress(manual: Path):
    found = await over_there(manual)
    assert found[0] == About(title="Manual", pages=3)
    assert [one.done for one in found if isinstance(one, Progress)] == [1, 2, 3]
    assert [one.page for one in found if isinstance(one, Block)] == [1, 2, 3]


async def test_its_process_starts_without_what_the_server_is_made_of():
    asked = "import sys, crewhall.knowledge.extraction_child; print(*sorted(sys.modules))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-I", "-c", asked, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    loaded = {name for name in said.decode().split() if name.startswith("crewhall.") or "." not in name}
    assert "crewhall.knowledge.extraction_child" in loaded
    assert not loaded & {"psycopg", "litestar", "asyncio", "httpx", "crewhall.kernel.db", "crewhall.conversations"}
    assert not {one for one in loaded if one.startswith("crewhall.") and not one.startswith("crewhall.knowledge")}


async def test_or_as_chunks(manual: Path):
    found = [one async for one in Extractor(ExtractionSettings()).chunks(manual, "application/pdf", "manual.pdf")]
    chunks = [one for one in found if isinstance(one, Chunk)]
    blocks = [one.text for one in await over_there(manual) if isinstance(one, Block)]
    assert len(chunks) > 3
    assert "".join(one.content[one.overlap :] for one in chunks) == "\n\n".join(blocks)
    assert found[0] == About(title="Manual", pages=3)


@pytest.mark.rule("B8")
async def test_a_scan_is_read(tmp_path: Path):
    words = ["Cleaning the roaster", "The drum is cleaned after", "every third batch."]
    scan = picture_of(words, (620, 240))
    path = tmp_path / "scan.pdf"
    path.write_bytes(pdf([Sheet(column(["A page of text."])), Sheet(picture=scan, width=223, height=86)]))
    found = [(one.page, one.text) for one in await over_there(path) if isinstance(one, Block)]
    assert found == [(1, "A page of text."), (2, "Cleaning the roaster The drum is cleaned after every third batch.")]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
async def test_pictures_of_each_kind_are_read(tmp_path: Path, kind: str):
    path = tmp_path / "picture"
    second = picture_of(["and another page"], (700, 200))
    more = {"save_all": True, "append_images": [second]} if kind == "TIFF" else {}
    picture_of(["Weight: 34 kg", "of two sorts"], (700, 200)).save(path, kind, **more)
    found = [(one.page, one.text) for one in await over_there(path) if isinstance(one, Block)]
    assert found == [(1, "Weight: 34 kg of two sorts"), *([(2, "and another page")] if more else [])]


async def test_where_pictures_are_not_to_be_read_a_scan_holds_no_text(tmp_path: Path):
    path = tmp_path / "scan.pdf"
    path.write_bytes(pdf([Sheet(picture=picture_of(["Words"], (300, 100)))]))
    assert (await refused(path, extraction_ocr=False)).code == "document_empty"


async def test_a_page_is_shown(manual: Path):
    shown = await Extractor(ExtractionSettings()).render_page(manual, "application/pdf", 2, 300)
    assert shown[:4] == b"RIFF"
    assert shown[8:12] == b"WEBP"
    with pytest.raises(CrewhallError) as error:
        await Extractor(ExtractionSettings()).render_page(manual, "application/pdf", 4)
    assert error.value.code == "document_damaged"


@pytest.mark.rule("B8")
@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"extraction_characters": 1_000}, "document_too_large"),
        ({"extraction_pages": 2}, "document_too_large"),
        ({"extraction_s": 0.001}, "document_timed_out"),
        ({"extraction_silence_s": 0.001}, "document_timed_out"),
    ],
)
async def test_what_goes_beyond_a_setting_ends_so(manual: Path, settings: dict[str, float], code: str):
    assert (await refused(manual, **settings)).code == code


SCRIPT = """
import sys
from crewhall.knowledge import extraction_child as child
from crewhall.knowledge.passages import Block
def harm(task, source=None):
    {}
    yield b""
child.{} = harm
sys.exit(child.main())
"""


async def harmed(path: Path, harm: str, place: str = "say", **settings: float) -> list[Extracted]:
    """What comes of a document that makes its reader do that."""
    program = (sys.executable, "-c", SCRIPT.format(harm, place))
    extractor = Extractor(ExtractionSettings(extraction_memory_mb=512, **settings), program)  # type: ignore[arg-type]
    return [one async for one in extractor.extract(path, "", "")]


@pytest.mark.rule("B8")
@pytest.mark.parametrize(
    ("harm", "place", "code"),
    [
        ("held = bytes(600 * 2**20)", "say", "document_too_large"),
        ("while True: pass", "say", "document_timed_out"),
        ("import ctypes; ctypes.string_at(0)", "say", "document_damaged"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "say", "document_too_large"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "say", "document_timed_out"),
        ("import tempfile; tempfile.TemporaryFile(buffering=0).write(b'x')", "say", "document_damaged"),
        ("yield b'nonsense' + bytes([10])", "work", "document_damaged"),
        ("while True: yield b'x' * 65536", "work", "document_damaged"),
    ],
)
async def test_a_document_that_harms_its_reader_harms_nobody_else(manual: Path, harm: str, place: str, code: str):
    with pytest.raises(CrewhallError) as error:
        await harmed(manual, harm, place, extraction_silence_s=0.3 if harm.startswith("while True: pass") else 180)
    assert error.value.code == code


async def test_the_reader_reaches_nobody(manual: Path):
    leaving = await asyncio.create_subprocess_exec(
        "unshare", "--user", "--net", "true", stderr=asyncio.subprocess.DEVNULL
    )
    if await leaving.wait():
        pytest.skip("this kernel lets no process leave the network")
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        with pytest.raises(CrewhallError) as error:
            await harmed(
                manual,
                f"import socket; socket.create_connection(('127.0.0.1', {port})); yield Block(kind='text', text='x')",
            )
    finally:
        server.close()
    assert error.value.code == "document_damaged"


async def test_who_stops_reading_leaves_no_process_behind(manual: Path):
    extractor = Extractor(ExtractionSettings())
    reading = extractor.extract(manual, "", "")
    assert await anext(reading) == About(title="Manual", pages=3)
    (child,) = readers()
    await reading.aclose()  # type: ignore[attr-defined]
    assert not child.is_running()
    assert readers() == []


def readers() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if any("extraction_child" in word for word in one.cmdline())]
