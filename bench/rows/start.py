"""From the command to ready, the first time and later, and the memory that the server then takes."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from bench import peers
from bench.ground import Ground, Skip, server_environment, temporary_home
from bench.load.http import Connection, connect, get_request
from bench.meter import resident_mib
from bench.programs import Program
from bench.rows.row import Scale
from bench.table import Figure, Target
from crewhall.kernel.postgres import EmbeddedPostgres

PATIENCE_S = 60.0
SETTLE_S = 1.0
CLI = "crewhall.faces.cli.app"


class Start:
    """`crewhall up` on an empty home and again on the same. The floor is its Postgres alone, made and started."""

    name = "start"
    ground = floor_ground = "fresh"
    figures: Sequence[Figure] = (
        Figure("first", "first start to ready (initdb, migrations, seed)", "s", Target(at_most=4), "first"),
        Figure("later", "later start to ready", "s", Target(at_most=1.5), "later", peers.LATER_START_S),
        Figure(
            "resident", "resident memory of the server after start", "MiB", Target(at_most=peers.RESIDENT_MIB),
            "resident", peers.RESIDENT_MIB,
        ),
    )  # fmt: skip

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Nothing: the row makes homes of its own."""

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Start on an empty home, stop, start again."""
        with temporary_home() as home:
            try:
                first, resident_first = await _up(home)
                later, resident = await _up(home)
            finally:
                await asyncio.to_thread(EmbeddedPostgres(home).stop)
        return {"first": first, "later": later, "resident": max(resident, resident_first)}

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Make and start Postgres, stop it, start it again; and the memory of the bare programs' process."""
        with temporary_home() as home:
            first, later = [await asyncio.to_thread(_postgres_once, home) for _ in range(2)]
        floors: Program = await ground.floors()
        return {"first": first, "later": later, "resident": resident_mib(floors.pid)}


def _postgres_once(home: Path) -> float:
    postgres = EmbeddedPostgres(home, dump_on_stop=False)
    begun = time.perf_counter()
    postgres.start()
    taken = time.perf_counter() - begun
    postgres.release()
    return taken


async def _up(home: Path) -> tuple[float, float]:
    """Run the command until `/health/ready` says yes; returns the seconds, and the server's MiB a second later."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).parent / "crewhall"), "up"]
    if find_spec(CLI) is None:
        command = [sys.executable, "-m", "bench.serving"]
    environment = os.environ | server_environment(home) | {"CREWHALL_PORT": str(port)}
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        ready = asyncio.create_task(_ready(f"http://127.0.0.1:{port}"))
        ended = asyncio.create_task(process.wait())
        await asyncio.wait({ready, ended}, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not ready.done():
            ready.cancel()
            raise Skip(f"{' '.join(command)} did not come up")
        taken = time.perf_counter() - begun
        await asyncio.sleep(SETTLE_S)
        return taken, resident_mib(process.pid)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def _ready(address: str) -> None:
    request = get_request("/health/ready", {})
    while True:
        try:
            connection: Connection = await connect(address)
        except OSError:
            await asyncio.sleep(0.005)
            continue
        answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        connection.on_answer = answered.set_result
        connection.on_lost = answered.set_exception
        connection.send(request)
        status = await answered
        connection.close()
        if status == 200:
            return
        await asyncio.sleep(0.005)
