"""Calculating an agent's KPIs: one after the other, each with something new, over agents that have much evidence.

The floor is what a calculation cannot do without: the sum of what is new, and the row, in a transaction of its own with
the same policies, and none of our locks, events and notices.
"""

import time
from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from bench.ground import Ground
from bench.load.http import percentile
from bench.rows.row import Scale
from bench.table import Figure, Target
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.db import SET_SCOPE, Database, scope_of
from crewhall.kernel.ids import new_id
from crewhall.work.kpis import calculate_agent

AGENTS, EVIDENCE = 20, 5_000
HIRE: LiteralString = """
insert into agents (id, org_id, code, name) select a, %(org)s, 'k-' || a, 'k-' || a from unnest(%(agents)s::uuid[]) as a
"""
FILL: LiteralString = """
insert into kpi_evidence (org_id, agent_id, kind, about, subject, value, since, at)
select %(org)s, a, (array['task_assigned', 'task_completed', 'approved', 'bug', 'pull_merged', 'reworked'])[1 + n %% 6],
       'task:' || gen_random_uuid(), 'task:' || n, 30, case when n %% 6 < 2 then now() - n * interval '1 hour' end,
       now() - n * interval '1 hour'
from unnest(%(agents)s::uuid[]) as a cross join generate_series(1, %(evidence)s) as n
"""
NEWS: LiteralString = """
with counted as (
    insert into kpi_evidence (org_id, agent_id, kind, about, subject, value, since, at)
    values (%(org)s, %(agent)s, 'task_completed', 'task:' || gen_random_uuid(), 'task:x', 30, now(), now()))
insert into kpi_news (id, org_id, kind, subject, agent_id) values (gen_random_uuid(), %(org)s, 'request', '', %(agent)s)
"""
BARE: LiteralString = """
create table if not exists bench_kpis (agent_id uuid, recorded_at timestamptz, amount bigint, held jsonb);
"""
SUM_BARE: LiteralString = """
insert into bench_kpis
select %(agent)s, clock_timestamp(), sum(e.amount), %(held)s from kpi_evidence e
where e.org_id = %(org)s and e.agent_id = %(agent)s and e.position > %(after)s
"""


class KpisRow:
    """20 agents with 5,000 pieces of evidence each."""

    name = "kpis"
    ground = floor_ground = "small"
    figures: Sequence[Figure] = (
        Figure("p50", "an agent's KPIs calculated", "ms", Target(at_most=5), "p50"),
        Figure("p99", "an agent's KPIs calculated: p99", "ms", floor_key="p99"),
    )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Agents, their evidence, and a first calculation of each, which counts all of it."""
        self._agents = [new_id() for _ in range(AGENTS)]
        values = {"org": ground.org_id, "agents": self._agents, "evidence": EVIDENCE}
        with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
            connection.execute(HIRE, values)
            connection.execute(FILL, values)
            connection.execute("analyze kpi_evidence")
            connection.execute("drop table if exists bench_kpis")
            connection.execute(BARE)
            connection.execute("grant insert on bench_kpis to crewhall_app")
            found = connection.execute("select max(position) from kpi_evidence").fetchone()
            self._after = found[0] if found else 0
        await self._walk(ground, 0.0, rounds=1)

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Calculate one after the other, each with a task that was completed since."""
        return await self._walk(ground, scale.seconds)

    async def _walk(self, ground: Ground, seconds: float, rounds: int = 10_000) -> dict[str, float]:
        db, latencies = Database(ground.urls.app, pool_size=1), []
        await db.open()
        try:
            system: Actor = system_actor(UUID(str(ground.org_id)))
            deadline = time.perf_counter() + seconds
            for number in range(AGENTS * rounds):
                agent = self._agents[number % AGENTS]
                async with db.transaction(system) as tx:
                    await tx.run(NEWS, {"org": ground.org_id, "agent": agent})
                begun = time.perf_counter()
                async with db.transaction(system) as tx:
                    await calculate_agent(tx, system, agent)
                latencies.append(time.perf_counter() - begun)
                if seconds and begun > deadline:
                    break
        finally:
            await db.close()
        return _figures(latencies)

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """The bare sum and the bare row."""
        latencies = []
        scope = scope_of(system_actor(UUID(str(ground.org_id))))
        held = Jsonb({f"term_{number}": number for number in range(30)})
        async with await psycopg.AsyncConnection.connect(ground.urls.app, prepare_threshold=0) as connection:
            deadline = time.perf_counter() + scale.seconds
            number = 0
            while (begun := time.perf_counter()) < deadline:
                agent = self._agents[number % AGENTS]
                number += 1
                values = {"org": ground.org_id, "agent": agent, "after": self._after, "held": held}
                async with connection.transaction():
                    await connection.execute(SET_SCOPE, scope)
                    await connection.execute(SUM_BARE, values)
                latencies.append(time.perf_counter() - begun)
        return _figures(latencies)


def _figures(latencies: list[float]) -> dict[str, float]:
    ordered = sorted(latencies)
    return {"p50": percentile(ordered, 0.5) * 1000, "p99": percentile(ordered, 0.99) * 1000}
