"""What an installation asks of its database while nobody speaks, after agents have."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import psycopg

from bench.ground import TIMEOUT_S, Ground, temporary_home
from bench.rows.row import Scale
from bench.table import Figure, Target
from crewhall.conversations.sweeping import FIRST_LOOK_S

REST_S = 1
TEN_MINUTES_S = 600
LONGER = 10
"""Times the seconds of other rows: heartbeats are 20 s apart."""
STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): (?P<text>.*(?:\n\t.*)*)")
HEARTBEAT = re.compile(r"processes|turns_left|set_config\('crewhall|^(begin|commit)", re.IGNORECASE)
"""The lease of a process and the look for what another left behind, in transactions (docs/turns.md)."""


class Resting:
    """A turn of the guide, then nothing: what the server's log has of statements meanwhile."""

    name = "resting"
    ground = floor_ground = "fresh"
    figures: Sequence[Figure] = (
        Figure("other", "ten idle minutes behind a turn: statements that are no heartbeat", "", Target(at_most=0)),
        Figure("heartbeats", "… and those of heartbeats", ""),
    )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Nothing: the row makes a home of its own."""

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Let the guide answer, wait until turns rest, and count for a while."""
        seconds = scale.seconds * LONGER
        with temporary_home() as home:
            async with Ground(home, {"CREWHALL_TURN_REST_S": str(REST_S)}) as quiet:
                await _answered(quiet)
                await asyncio.sleep(FIRST_LOOK_S)  # what a start looks for is no rest yet
                found = await _statements(quiet, home, seconds)
        beats = sum(1 for text in found if HEARTBEAT.search(text))
        times = TEN_MINUTES_S / seconds
        return {"other": (len(found) - beats) * times, "heartbeats": beats * times}

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """None: nothing is what it should be."""
        return {}


async def _answered(ground: Ground) -> None:
    """Ask the guide; wait until it has answered and nothing of turns is left."""
    (channel,) = await ground.channels("resting", 1)
    await ground.post(f"/conversations/{channel}/messages", {"content": "@guide how do I back up?"})
    async with (
        asyncio.timeout(TIMEOUT_S),
        await psycopg.AsyncConnection.connect(ground.superuser_url, autocommit=True) as database,
    ):
        while True:
            cursor = await database.execute(
                "select exists (select from runs where completed_at is not null) and not turns_left()"
                " and not exists (select from procrastinate_workers)"
            )
            row = await cursor.fetchone()
            if row and row[0]:
                return
            await asyncio.sleep(0.25)


async def _statements(ground: Ground, home: Path, seconds: float) -> list[str]:
    """The statements of the next seconds, as the server's log has them."""
    log = home / "logs" / "postgres.log"
    async with await psycopg.AsyncConnection.connect(ground.superuser_url, autocommit=True) as database:
        await database.execute("alter system set log_statement = 'all'")
        await database.execute("select pg_reload_conf()")
    await asyncio.sleep(1)
    begins = log.stat().st_size
    await asyncio.sleep(seconds)
    with log.open("rb") as file:
        file.seek(begins)
        said = file.read().decode(errors="replace")
    return [found["text"] for found in STATEMENT.finditer(said)]
