"""Processes that take turns and die at a chosen moment: between any two steps, before or after each is recorded.

Run as a program it forks one such process per line of its standard input, so that what is heavy is imported once. A
line is JSON: `Orders`. When the process has ended it answers with how: `killed` or `done`.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import msgspec

from crewhall.adapters.postgres.message_log import PostgresMessageLog
from crewhall.conversations import FileSettings, Posting, start_conversations
from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database
from crewhall.kernel.limits import RateLimiter
from crewhall.kernel.signals import Signals
from crewhall.ports.blobs import MemoryBlobs
from crewhall.ports.live import MemoryLive
from crewhall.runtime import concluding
from crewhall.runtime import executor as executing
from crewhall.runtime.calling import RuntimeCaller
from crewhall.runtime.executor import Executor
from crewhall.runtime.jobs import TurnWorker
from crewhall.runtime.journal import Journal
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.tools import Caller, Tool

HEARTBEAT_S = 0.05


class Orders(msgspec.Struct):
    """What a process is to do: take turns, die at that moment (0: never), stop when the run has ended or waits."""

    url: str
    org_id: UUID
    run_id: UUID
    die_at: int
    model_url: str
    called: str


class Weather(msgspec.Struct, forbid_unknown_fields=True):
    """Tell the weather."""

    city: str


class Dying:
    """Counts moments, and dies at one of them: SIGKILL, nothing is cleaned up."""

    def __init__(self, at: int) -> None:
        self._at = at
        self._passed = 0

    def moment(self) -> None:
        self._passed += 1
        if self._passed == self._at:
            os.kill(os.getpid(), signal.SIGKILL)

    def after(self, owner: Any, name: str) -> None:
        """Make a moment after each call of a coroutine function."""
        original = getattr(owner, name)

        async def observed(*args: Any, **kwargs: Any) -> Any:
            result = await original(*args, **kwargs)
            self.moment()
            return result

        setattr(owner, name, observed)


async def take(orders: Orders) -> None:
    """Be a process that takes turns. Within a transaction and after it are moments of their own."""
    dying = Dying(orders.die_at)
    dying.after(executing, "begin_run")
    dying.after(Journal, "write_in")
    dying.after(Journal, "write")
    dying.after(Posting, "append")
    dying.after(concluding, "end_run")
    dying.after(RuntimeCaller, "call")

    async def tell_weather(caller: Caller, asked: Weather) -> dict[str, str]:
        dying.moment()
        note(orders.called, f"{caller.run_id} {caller.key}\n")
        dying.moment()
        return {"city": asked.city, "sky": "blue"}

    settings = TurnSettings(model_endpoints=f"scripted={orders.model_url}", turn_heartbeat_s=HEARTBEAT_S)
    db = Database(orders.url, pool_size=4)
    signals = Signals(orders.url)
    log = PostgresMessageLog(db, signals)
    parts = start_conversations(
        db=db,
        log=log,
        signals=signals,
        limiter=RateLimiter(),
        posts_per_second=1_000,
        blobs=MemoryBlobs(),
        file_settings=FileSettings(),
    )
    tools = {
        "weather": Tool("weather", "Tell the weather.", Weather, tell_weather, is_repeatable=True),
        "wire_money": Tool("wire_money", "Wire money.", Weather, tell_weather, is_repeatable=False),
    }
    executor = Executor(db, log, parts.posting, MemoryLive(), signals, settings, tools=tools)
    worker = TurnWorker(db, signals, executor.execute, heartbeat_s=HEARTBEAT_S)
    await db.open()
    await log.start()
    await signals.start()
    await worker.start()
    while await is_open(db, orders):
        await asyncio.sleep(0.02)
    await worker.stop()
    await executor.close()
    await signals.stop()
    await log.stop()
    await db.close()


def note(path: str, line: str) -> None:
    with Path(path).open("a") as kept:
        kept.write(line)


async def is_open(db: Database, orders: Orders) -> bool:
    async with db.transaction(system_actor(orders.org_id)) as tx:
        still = "select completed_at is null and status <> 'waiting' from runs where id = %(id)s"
        return bool(await tx.value(still, {"id": orders.run_id}))


def fork(orders: Orders) -> str:
    """Be that process in a child; says how it ended."""
    child = os.fork()
    if not child:
        try:
            asyncio.run(take(orders))
        except BaseException as error:  # noqa: BLE001 - the child must not go on as its parent
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "killed"
    return "done" if os.WEXITSTATUS(status) == 0 else "failed"


class Mortals:
    """The program, seen from a test."""

    def __init__(self, url: str, model_url: str, called: Path) -> None:
        self._url, self._model_url, self.called = url, model_url, called

    async def __aenter__(self) -> Self:
        self._program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.taking.dying", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._program.stdin
        self._program.stdin.close()
        await self._program.wait()

    async def take(self, org_id: UUID, run_id: UUID, die_at: int) -> str:
        """Let a process take turns until it dies or the run has ended; says which."""
        assert self._program.stdin
        assert self._program.stdout
        orders = Orders(self._url, org_id, run_id, die_at, self._model_url, str(self.called))
        self._program.stdin.write(msgspec.json.encode(orders) + b"\n")
        return str(json.loads(await self._program.stdout.readline()))

    def calls(self, run_id: UUID) -> list[str]:
        """The keys of the tool calls that were carried out for a run, in order."""
        lines = self.called.read_text().splitlines() if self.called.exists() else []
        return [line.split()[1] for line in lines if line.startswith(str(run_id))]


if __name__ == "__main__":
    import crewhall.runtime.thinking
    import crewhall.runtime.worker  # noqa: F401 - before the first fork

    for line in sys.stdin:
        print(json.dumps(fork(msgspec.json.decode(line, type=Orders))), flush=True)
