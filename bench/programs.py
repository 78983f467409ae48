"""Programs that a bench starts: each prints `READY <address>` when it serves."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from typing import IO, Self

READY = "READY "
PATIENCE_S = 60.0


class ProgramError(RuntimeError):
    """A program ended, or did not come up; the message carries the end of what it said."""


class Program:
    """A subprocess of this interpreter, started with `start` and ended with `stop`."""

    def __init__(self, process: asyncio.subprocess.Process, address: str, said: IO[bytes], started_in: float) -> None:
        self._process = process
        self._said = said
        self.address = address
        self.started_in = started_in
        """Seconds from starting it until it said that it serves."""

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @classmethod
    async def start(cls, module: str, *arguments: str, environment: dict[str, str] | None = None) -> Self:
        """Run `python -m module arguments…` and wait until it serves. Raises ProgramError."""
        said = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the program
        begun = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=said, env=os.environ | (environment or {}),
        )  # fmt: skip
        try:
            address = await asyncio.wait_for(_ready_line(process), PATIENCE_S)
        except (TimeoutError, ProgramError) as error:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            said.seek(0)
            raise ProgramError(f"{module} did not come up: {said.read()[-3000:].decode(errors='replace')}") from error
        return cls(process, address, said, time.perf_counter() - begun)

    async def stop(self) -> None:
        """Ask it to stop as Ctrl-C would, and wait; kill it after a quarter of a minute."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), 15)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._said.close()


async def _ready_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        text = line.decode().strip()
        if text.startswith(READY):
            return text.removeprefix(READY)
    raise ProgramError("it ended")
