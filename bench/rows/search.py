"""Full-text search over the large data set: a rare, a middling and a common word, alone and narrowed, one by one."""

import asyncio
import time
from collections.abc import Sequence
from typing import LiteralString
from urllib.parse import quote

import psycopg

from bench import peers
from bench.dataset import AUTHORS, COMMON, MIDDLING, RARE, STRANGER
from bench.ground import Ground
from bench.load.http import get_request, percentile, run_loop
from bench.rows.row import Scale
from bench.table import Figure, Target

WORDS = {"rare": RARE, "middling": MIDDLING, "common": COMMON}
NARROWED = {
    "author": ("common word of who writes seldom", f"{COMMON} from:{STRANGER}"),
    "place": ("middling word in one channel", f"{MIDDLING} in:data-3"),
    "kinds": ("common word in questions of one channel", f"{COMMON} in:data-3 kind:question"),
    "before": ("rare word before yesterday", f"{RARE} before:yesterday"),
    "both": ("middling word of one author in one channel", f"{MIDDLING} in:data-3 from:{STRANGER}"),
    "files": ("files, no word", "has:file"),
    "any": ("common word of either of two authors", f"{COMMON} from:{STRANGER} from:{AUTHORS[0]}"),
    "but": ("no word, but of nobody who writes much", " ".join(f"-from:{one}" for one in AUTHORS)),
    "none": ("common word but of one author", f"{COMMON} -from:{AUTHORS[0]}"),
}
"""What a search is narrowed by, and what is typed."""
TARGET, TAIL = Target(at_most=5), Target(at_most=30)
BARE: LiteralString = """
select message_id from message_search where org_id = %(org)s and vector @@ to_tsquery('english', %(word)s)
order by message_id desc limit 20
"""
BY_INDEX: LiteralString = """
with matching as materialized (
    select message_id from message_search where org_id = %(org)s and vector @@ to_tsquery('english', %(word)s))
select message_id from matching order by message_id desc limit 20
"""
# The planner only guesses how common a word is; the floor knows, and takes the better of the two ways.
STATEMENTS: dict[str, LiteralString] = {"rare": BY_INDEX, "middling": BARE, "common": BARE}
FLOOR_TIMES = 2


class Search:
    """The floor is twice the bare statement: the twenty newest ids that match, by the better plan, past policies."""

    name = "search"
    ground = floor_ground = "data"

    def __init__(self) -> None:
        peer = {"rare": peers.SEARCH_RARE_P50_MS, "common": peers.SEARCH_COMMON_P50_MS}
        self.figures: Sequence[Figure] = tuple(
            figure
            for kind in WORDS
            for figure in (
                Figure(f"{kind}_p50", f"search, {kind} word: p50", "ms", TARGET, f"{kind}_p50", peer.get(kind)),
                Figure(f"{kind}_p99", f"search, {kind} word: p99", "ms", TAIL, f"{kind}_p99"),
            )
        ) + tuple(
            Figure(f"{kind}_{place}", f"search, {what}: {place}", "ms", TARGET if place == "p50" else TAIL)
            for kind, (what, _) in NARROWED.items()
            for place in ("p50", "p99")
        )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Search once each way."""
        await self.product(ground, scale)
        await self.floor(ground, scale)

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Search through the API, each word for a third of the time, and as long narrowed in all."""
        found = {}
        asked = WORDS | {kind: typed for kind, (_, typed) in NARROWED.items()}
        for kind, typed in asked.items():
            share = len(WORDS) * (1 if kind in WORDS else len(NARROWED))
            latencies = await search_latencies(ground, quote(typed), scale.seconds / share)
            found |= _figures(kind, latencies)
        return found

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Run the bare statement."""
        return await asyncio.to_thread(self._bare, ground, scale.seconds / len(WORDS))

    def _bare(self, ground: Ground, seconds: float) -> dict[str, float]:
        found = {}
        with psycopg.connect(ground.superuser_url, autocommit=True, prepare_threshold=0) as connection:
            for kind, word in WORDS.items():
                latencies = []
                deadline = time.perf_counter() + seconds
                while time.perf_counter() < deadline:
                    begun = time.perf_counter()
                    connection.execute(STATEMENTS[kind], {"org": ground.org_id, "word": word}).fetchall()
                    latencies.append((time.perf_counter() - begun) * FLOOR_TIMES)
                found |= _figures(kind, latencies)
        return found


async def search_latencies(ground: Ground, word: str, seconds: float) -> list[float]:
    """The seconds that each search for a word took, one after the other."""
    request = get_request(f"/api/v1/search?q={word}", ground.headers)
    outcome = await run_loop(ground.address, 1, seconds, lambda _connection: lambda: request)
    return outcome.latencies


def _figures(kind: str, latencies: list[float]) -> dict[str, float]:
    return {f"{kind}_p50": percentile(latencies, 0.5) * 1000, f"{kind}_p99": percentile(latencies, 0.99) * 1000}
