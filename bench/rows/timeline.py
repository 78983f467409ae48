"""The timeline over a million events (ten on demand): its first page by each filter, and one far back."""

import asyncio
import os
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import LiteralString
from urllib.parse import quote

import psycopg

from bench.ground import Ground
from bench.large_timeline import fill
from bench.load.http import get_request, percentile, run_loop
from bench.rows.row import FULL, Scale
from bench.table import Figure, Target
from crewhall.kernel.clock import utc_now

EVENTS, FEW = 1_000_000, 50_000
EVENTS_VARIABLE = "CREWHALL_BENCH_EVENTS"
"""How many events, where it is set: 10000000 is what the target is meant for."""
SOMEBODY, SELDOM = "01900000-0000-7000-8000-000000000007", "01900000-0000-7000-8000-0000000003e7"
OFTEN = "01900000-0000-7000-8000-000000000015"
"""Somebody whom one event in a hundred mentions."""
FILTERS = {
    "newest": ("no filter", ""),
    "type": ("a common type", "type=task_completed"),
    "rare_type": ("a rare type", "type=problem_report"),
    "types": ("three types", "type=problem_report&type=task_completed&type=session_log"),
    "author": ("an author", f"author={SOMEBODY}"),
    "both": ("a type and an author that never meet", f"author={SOMEBODY}&type=task_completed"),
    "mention": ("who is often mentioned", f"mention={OFTEN}"),
    "never_mention": ("who is never mentioned", f"mention={SOMEBODY}"),
    "rare_mention": ("who is seldom mentioned", f"mention={SELDOM}"),
    "label": ("a label of nearly all", "metadata=service%3Dshop"),
    "some_label": ("a label of one in 300", "metadata=shift%3D17"),
    "rare_label": ("a rare label", "metadata=service%3Dbilling"),
    "nothing": ("a label of none", "metadata=service%3Dnone"),
    "word": ("a common word", "q=step"),
    "rare_word": ("a rare word", "q=stuck"),
    "session": ("a session", "session=01900000-0000-7000-8000-0000000003f1"),
}
TARGET = Target(at_most=10)
BARE: LiteralString = """
select id, type, author_name, content, metadata, "timestamp" from events where org_id = %(org)s
order by "timestamp" desc, id desc limit 51
"""


class TimelineRow:
    """The floor is the bare page of the newest events, past policies and reach."""

    name = "timeline"
    ground = floor_ground = "timeline"

    def __init__(self) -> None:
        self.figures: Sequence[Figure] = (
            *(
                Figure(f"{kind}_p50", f"timeline, {what}: p50", "ms", TARGET, "p50" if kind == "newest" else None)
                for kind, (what, _) in FILTERS.items()
            ),
            Figure("late_p50", "timeline, far back: p50", "ms", TARGET),
        )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Fill it, and read each page once."""
        events = int(os.environ.get(EVENTS_VARIABLE) or (EVENTS if scale == FULL else FEW))
        await asyncio.to_thread(fill, ground, events)
        found = (await ground.api.get("/timeline?until=" + quote(_year_ago()))).raise_for_status()
        self._late = f"after={found.json()['next']}"
        await self.product(ground, Scale(seconds=1.0, runs=1, messages=0))

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Read each page, one request after the other."""
        asked = {kind: query for kind, (_, query) in FILTERS.items()} | {"late": self._late}
        return {
            f"{kind}_p50": await _median(ground, query, scale.seconds * 3 / len(asked)) for kind, query in asked.items()
        }

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Run the bare statement."""
        return await asyncio.to_thread(_bare, ground, scale.seconds / 2)


async def _median(ground: Ground, query: str, seconds: float) -> float:
    request = get_request(f"/api/v1/timeline?{query}", ground.headers)
    outcome = await run_loop(ground.address, 1, seconds, lambda _connection: lambda: request)
    return percentile(outcome.latencies, 0.5) * 1000


def _year_ago() -> str:
    return (utc_now() - timedelta(days=365)).isoformat()


def _bare(ground: Ground, seconds: float) -> dict[str, float]:
    latencies = []
    with psycopg.connect(ground.superuser_url, autocommit=True, prepare_threshold=0) as connection:
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            begun = time.perf_counter()
            connection.execute(BARE, {"org": ground.org_id}).fetchall()
            latencies.append(time.perf_counter() - begun)
    return {"p50": percentile(latencies, 0.5) * 1000}
