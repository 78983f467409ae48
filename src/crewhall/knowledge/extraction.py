"""Documents as text: a process is started for each, because decoders meet strangers' bytes there, not here."""

import asyncio
import contextlib
import logging
import signal
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path
from typing import Self

import msgspec

from crewhall.kernel.errors import CrewhallError, ErrorKind, define_error
from crewhall.knowledge.extraction_settings import ExtractionSettings
from crewhall.knowledge.extraction_task import Failure, Found, Said, Task
from crewhall.knowledge.formats.source import MIB, Bounds, Reason, damaged, too_large
from crewhall.knowledge.passages import About, Block, Chunk, Extracted, Progress

VERSION = 1
"""Grows when documents are to be read anew (`documents.extractor`)."""
PROGRAM = (sys.executable, "-I", "-m", "crewhall.knowledge.extraction_child")
ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONIOENCODING": "utf-8",
    "LANG": "C.UTF-8",
}
LONGEST_LINE = 4 * MIB
LONGEST_NAME = 255
MOST_LINES = 10_000_000
LARGEST_PICTURE = 16 * MIB
PICTURE_S = 30.0
WIDTH = 1_200
_ERRORS: dict[Reason, ErrorKind] = {
    Reason.ENCRYPTED: define_error("document_encrypted", 422, "The document is protected by a password"),
    Reason.DAMAGED: define_error("document_damaged", 422, "The document is damaged"),
    Reason.EMPTY: define_error("document_empty", 422, "The document holds no text"),
    Reason.TOO_LARGE: define_error("document_too_large", 422, "The document is too large to be read"),
    Reason.UNSUPPORTED: define_error("document_unsupported", 422, "The document is of a kind that is not read"),
    Reason.TIMED_OUT: define_error("document_timed_out", 422, "Reading the document took too long"),
}
log = logging.getLogger(__name__)


class Extractor:
    """Reads documents. Each call starts a process with limits and ends it, however the reading ends."""

    def __init__(self, settings: ExtractionSettings, program: Sequence[str] = PROGRAM) -> None:
        """`program`: the command that takes a Task and reads the document on its standard input."""
        self._settings = settings
        self._program = program
        self._decoder = msgspec.json.Decoder(Said)

    async def extract(self, path: Path, media_type: str, name: str) -> AsyncIterator[Extracted]:
        """What stands in a document, in reading order, with signs of progress; what it says of itself comes first.

        What it is is told by its bytes; `media_type` and `name` help between kinds of text. Who leaves early closes it
        (`contextlib.aclosing`), which ends the process. Raises document_encrypted, document_damaged, document_empty,
        document_too_large, document_unsupported or document_timed_out, perhaps after some of it was given.
        """
        async with contextlib.aclosing(self._said(path, self._task(media_type, name))) as saying:
            async for said in saying:
                if not isinstance(said, Found):
                    yield said

    async def chunks(self, path: Path, media_type: str, name: str) -> AsyncIterator[Chunk | Progress | About]:
        """The same as chunks (see chunking), which are made over there, too: for documents of any size."""
        task = self._task(media_type, name, makes_chunks=True)
        async with contextlib.aclosing(self._said(path, task)) as saying:
            async for said in saying:
                if isinstance(said, Found):
                    yield said.chunk
                elif not isinstance(said, Block):
                    yield said

    async def render_page(self, path: Path, media_type: str, page: int, width: int = WIDTH) -> bytes:
        """A page of a PDF or of a picture, counted from 1, as a WebP of so many pixels across.

        Raises what `extract` does.
        """
        task = self._task(media_type, path.name, page=page, width=width)
        async with _Child(self._program, path, task) as child:
            try:
                async with asyncio.timeout(PICTURE_S):
                    made = await child.everything(LARGEST_PICTURE)
            except TimeoutError:
                raise _error(Reason.TIMED_OUT, "Showing the page took too long.") from None
            if not made.startswith(b"RIFF"):
                raise self._failed(made) if made else await child.ended_badly()
            return made

    def _task(
        self, media_type: str, name: str, *, makes_chunks: bool = False, page: int | None = None, width: int = 0
    ) -> Task:
        settings = self._settings
        return Task(
            name=name[-LONGEST_NAME:].replace("\0", ""),
            media_type=media_type[:LONGEST_NAME],
            memory=settings.extraction_memory_mb * MIB,
            seconds=int(settings.extraction_s) + 1,
            bounds=Bounds(characters=settings.extraction_characters, pages=settings.extraction_pages),
            reads_pictures=settings.extraction_ocr,
            makes_chunks=makes_chunks,
            page=page,
            width=width,
        )

    async def _said(self, path: Path, task: Task) -> AsyncGenerator[Extracted | Found]:
        left, most = self._settings.extraction_s, self._settings.extraction_characters
        characters = 0
        async with _Child(self._program, path, task) as child:
            for _ in range(MOST_LINES):
                begun = time.monotonic()
                line = await child.line(min(left, self._settings.extraction_silence_s))
                left -= time.monotonic() - begun
                if not line:
                    return
                said = self._understood(line)
                characters += _length(said)
                if characters > most:
                    raise _error(Reason.TOO_LARGE, too_large(f"more than {most:,} characters").sentence)
                yield said
        raise _error(Reason.TOO_LARGE, too_large("more parts than are read").sentence)

    def _understood(self, line: bytes) -> Extracted | Found:
        try:
            said: Said = self._decoder.decode(line)
        except msgspec.MsgspecError as error:
            log.warning("a document's process said what nobody understands", extra={"error": str(error)})
            raise _error(Reason.DAMAGED, damaged().sentence) from error
        if isinstance(said, Failure):
            raise self._failed(line)
        return said

    def _failed(self, line: bytes) -> CrewhallError:
        said = self._decoder.decode(line)
        assert isinstance(said, Failure)
        if said.cause:
            log.info("a document cannot be read", extra={"reason": said.reason, "cause": said.cause})
        return _error(said.reason, said.sentence)


class _Child:
    """The process that reads one document."""

    def __init__(self, program: Sequence[str], path: Path, task: Task) -> None:
        self._program = program
        self._path = path
        self._task = task

    async def __aenter__(self) -> Self:
        with self._path.open("rb") as file:
            self._process = await asyncio.create_subprocess_exec(
                *self._program, msgspec.json.encode(self._task).decode(), env=ENVIRONMENT, limit=LONGEST_LINE,
                stdin=file, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        assert self._process.stdout is not None
        self._out = self._process.stdout
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def line(self, patience_s: float) -> bytes:
        """The next line; empty at the end of a document that was read whole. Raises what its end means."""
        try:
            async with asyncio.timeout(max(patience_s, 0)):
                line = await self._out.readline()
        except TimeoutError:
            raise _error(
                Reason.TIMED_OUT, "Reading the file took too long. Send it in parts, or save it anew."
            ) from None
        except ValueError:  # longer than any line that our reader writes
            raise _error(Reason.DAMAGED, damaged().sentence) from None
        if line.endswith(b"\n"):
            return line
        if error := await self._bad_end():
            raise error
        return b""

    async def everything(self, most: int) -> bytes:
        """All that it says, up to so many bytes."""
        said = b""
        while piece := await self._out.read(MIB):
            said += piece
            if len(said) > most:
                raise _error(Reason.TOO_LARGE, "The page is too large to be shown.")
        return said

    async def ended_badly(self) -> CrewhallError:
        """What is said of a process that said nothing."""
        return await self._bad_end() or _error(Reason.DAMAGED, damaged().sentence)

    async def _bad_end(self) -> CrewhallError | None:
        status = await self._process.wait()
        if status == 0:
            return None
        log.info("a document's process ended", extra={"status": status})
        if status in {-signal.SIGXCPU, -signal.SIGALRM}:
            return _error(Reason.TIMED_OUT, "Reading the file took too long. Send it in parts, or save it anew.")
        if status > 0 or status in {-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL}:
            return _error(Reason.DAMAGED, damaged().sentence)
        return _error(Reason.TOO_LARGE, "The file takes more memory than there is for it. Send it in parts.")


def _length(said: Extracted | Found) -> int:
    match said:
        case Block(text=text):
            return len(text)
        case Found(chunk=chunk):
            return len(chunk.content) - chunk.overlap
        case _:
            return 0


def _error(reason: Reason, sentence: str) -> CrewhallError:
    return _ERRORS[reason](sentence[:500])
