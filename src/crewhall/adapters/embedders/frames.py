"""The built-in model's process as its parent sees it: frames go to and fro, answers find who asked."""

import asyncio
import contextlib
import itertools
import struct
import sys
from array import array
from pathlib import Path

import msgspec

from crewhall.kernel.errors import CrewhallError
from crewhall.ports.embedder import TEXT_REFUSED, Vector

CHILD = Path(__file__).with_name("local_child.py")
START_S = 60.0
ANSWER_S = 120.0
"""A process that says nothing for so long is ended; another is started."""
MOST_BYTES = 64 * 1024 * 1024
Answer = list[object]


class ChildEnded(Exception):
    """The process is gone: what was asked may be asked of another."""


class Child:
    """A process with the model in it."""

    def __init__(self, process: asyncio.subprocess.Process, dimension: int) -> None:
        self._process = process
        self._dimension = dimension
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[list[Vector]]] = {}
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, threads: int, weights: Path, tokenizer: Path, dimension: int) -> "Child":
        """Start one; gives it once it can be asked. Raises ChildEnded where it cannot begin."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(CHILD), str(threads), str(weights), str(tokenizer),
            env={"TOKENIZERS_PARALLELISM": "false"}, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        child = cls(process, dimension)
        try:
            async with asyncio.timeout(START_S):
                await child._frame()
        except (TimeoutError, asyncio.IncompleteReadError) as error:
            await child.end()
            raise ChildEnded from error
        except BaseException:
            await child.end()
            raise
        child._reading = asyncio.create_task(child._read(), name="embedder")
        return child

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def is_up(self) -> bool:
        """Whether it can be asked."""
        return self._process.returncode is None and self._reading is not None and not self._reading.done()

    async def embed(self, texts: list[str], *, is_urgent: bool) -> list[Vector]:
        """Ask for the vectors of texts. Raises ChildEnded; TEXT_REFUSED where the model cannot read them."""
        assert self._process.stdin is not None
        number = next(self._numbers)
        answer: asyncio.Future[list[Vector]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        frame = msgspec.msgpack.encode((number, is_urgent, texts))
        try:
            self._process.stdin.write(struct.pack(">I", len(frame)) + frame)
            await self._process.stdin.drain()
            if not self.is_up:
                raise ChildEnded
            async with asyncio.timeout(ANSWER_S):
                return await answer
        except (BrokenPipeError, ConnectionResetError, TimeoutError) as error:
            await self.end()
            raise ChildEnded from error
        finally:
            self._waiting.pop(number, None)

    async def end(self) -> None:
        """End it, and wait until it is gone."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()
        if self._reading is not None:
            await self._reading

    async def _read(self) -> None:
        """Give answers to those who asked; at the end tell them all."""
        try:
            while True:
                self._answer(await self._frame())
        except (asyncio.IncompleteReadError, ConnectionResetError, msgspec.DecodeError, ValueError):
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ChildEnded())

    def _answer(self, said: Answer) -> None:
        number, vectors = said[0], said[1]
        assert isinstance(number, int)
        answer = self._waiting.get(number)
        if answer is None or answer.done():
            return
        if isinstance(vectors, bytes):
            answer.set_result(_unpacked(vectors, self._dimension))
        else:
            answer.set_exception(_unreadable(str(said[2])))

    async def _frame(self) -> Answer:
        assert self._process.stdout is not None
        length = struct.unpack(">I", await self._process.stdout.readexactly(4))[0]
        if length > MOST_BYTES:
            raise ValueError(length)
        return msgspec.msgpack.decode(await self._process.stdout.readexactly(length), type=list[object])


def _unpacked(vectors: bytes, dimension: int) -> list[Vector]:
    numbers = array("f")
    numbers.frombytes(vectors)
    if sys.byteorder == "big":
        numbers.byteswap()
    return [list(numbers[at : at + dimension]) for at in range(0, len(numbers), dimension)]


def _unreadable(why: str) -> CrewhallError:
    return TEXT_REFUSED(f"The embedding model could not read this text: {why}")
