"""GitHub's webhooks acknowledged: each is a delivery of its own, signed, kept before it is answered, mirrored behind.

The floor is what keeping one cannot do without: a bare insert of the same bytes, in a transaction of its own, as many
connections at once.
"""

import asyncio
import itertools
import time
import uuid
from collections.abc import Callable, Sequence
from typing import LiteralString

import msgspec
import psycopg

from bench.ground import Ground
from bench.load.http import NextRequest, percentile, post_request, run_loop
from bench.rows.row import Scale
from bench.table import Figure, Target
from crewhall.kernel.ids import new_id
from crewhall.work.github.signing import HEADER, sign

CONNECTIONS = 16
WORDS = "The mill grinds on one side only since the stones were turned, and the second sieve stands still. "
REPOSITORY: LiteralString = """
insert into github_repositories (id, org_id, connection_id, full_name, github_id, state)
values (%(id)s, %(org)s, %(connection)s, 'octo/mill', 7, 'synced')
"""
BARE: LiteralString = """
create table if not exists bench_deliveries (id uuid primary key, delivery text unique, body bytea)
"""
KEEP_BARE: LiteralString = "insert into bench_deliveries values (gen_random_uuid(), %(delivery)s, %(body)s)"


def payload() -> bytes:
    """An issue that was edited, as long as most."""
    issue = {
        "id": 1, "number": 12, "title": "The mill is slow", "body": WORDS * 60, "state": "open", "labels": [],
        "assignees": [], "user": {"login": "mara", "id": 3}, "created_at": "2026-11-02T09:00:00Z",
        "updated_at": "2026-11-03T09:00:00Z", "html_url": "https://github.com/octo/mill/issues/12",
    }  # fmt: skip
    repository = {"id": 7, "full_name": "octo/mill", "default_branch": "main"}
    return msgspec.json.encode({"action": "edited", "issue": issue, "repository": repository, "sender": issue["user"]})


class Intake:
    """16 connections that each deliver, wait for the acknowledgement, and deliver again."""

    name = "intake"
    ground = floor_ground = "small"
    figures: Sequence[Figure] = (
        Figure("rate", f"webhooks acknowledged, {CONNECTIONS} connections", "/s", Target(at_least=1000), "rate"),
        Figure("p99", "webhooks acknowledged: p99", "ms", floor_key="p99"),
    )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """A connection to GitHub and a repository that follows webhooks; deliver for a moment."""
        asked = {"name": "Hub", "token": "ghp_" + "a" * 36}
        made = await ground.post("/github/connections", asked)
        self._path, self._body = f"/api/v1/github/hooks/{made['id']}", payload()
        self._headers = {"X-GitHub-Event": "issues", HEADER: sign(made["webhook_secret"], self._body)}
        with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
            connection.execute(REPOSITORY, {"id": new_id(), "org": ground.org_id, "connection": made["id"]})
            connection.execute(BARE)
        await self._deliver(ground, scale.seconds / 2)

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Deliver to the product."""
        return await self._deliver(ground, scale.seconds)

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Keep the same bytes."""
        runs = await asyncio.gather(*(self._keep(ground, scale.seconds) for _ in range(CONNECTIONS)))
        return _figures([second for seconds in runs for second in seconds], scale.seconds)

    async def _deliver(self, ground: Ground, seconds: float) -> dict[str, float]:
        outcome = await run_loop(ground.address, CONNECTIONS, seconds, self._requests())
        return _figures(outcome.latencies, outcome.seconds)

    def _requests(self) -> Callable[[int], NextRequest]:
        run = uuid.uuid4().hex[:12]

        def requests(connection: int) -> NextRequest:
            numbers = itertools.count()

            def following() -> bytes:
                headers = self._headers | {"X-GitHub-Delivery": f"{run}-{connection}-{next(numbers)}"}
                return post_request(self._path, headers, self._body)

            return following

        return requests

    async def _keep(self, ground: Ground, seconds: float) -> list[float]:
        latencies: list[float] = []
        async with await psycopg.AsyncConnection.connect(
            ground.superuser_url, autocommit=True, prepare_threshold=0
        ) as connection:
            deadline = time.perf_counter() + seconds
            while (begun := time.perf_counter()) < deadline:
                await connection.execute(KEEP_BARE, {"delivery": str(uuid.uuid4()), "body": self._body})
                latencies.append(time.perf_counter() - begun)
        return latencies


def _figures(latencies: list[float], seconds: float) -> dict[str, float]:
    return {"rate": len(latencies) / seconds, "p99": percentile(latencies, 0.99) * 1000}
