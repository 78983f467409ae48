"""Taking the next task: so many agents at once, in the processes' own way to the database, without HTTP.

The floor is the bare statement of every queue in a table: the first row by the same index, `for update skip locked`,
updated, in a transaction of its own, with the same policies and none of our triggers, facts and notices.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

import psycopg

from bench.ground import Ground
from bench.load.http import percentile
from bench.rows.row import Scale
from bench.table import Figure, Target
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Database
from crewhall.kernel.ids import new_id
from crewhall.work.checkout import take

AGENTS = 16
AHEAD = 20_000
"""Tasks for a second: more than are taken in one."""
HIRE: LiteralString = """
with project as (
    insert into projects (id, org_id, name, slug) values (%(project)s, %(org)s, 'Checkout', 'p-' || %(project)s)
    returning id, org_id)
insert into project_numbers (project_id, org_id) select id, org_id from project
"""
AGENT: LiteralString = """
insert into agents (id, org_id, code, name) select a, %(org)s, 'c-' || a, 'c-' || a from unnest(%(agents)s::uuid[]) as a
"""
FILL: LiteralString = """
insert into tasks (id, org_id, project_id, number, priority, title, created_by_type, created_by, created_by_name)
select gen_random_uuid(), %(org)s, %(project)s, 0, 'P' || n %% 4, 'Task ' || n, 'system', %(org)s, 'bench'
from generate_series(1, %(count)s) as n
"""
BARE: LiteralString = """
create table if not exists bench_queue (
    id uuid primary key, org_id uuid, priority text, status text, taken_by uuid);
create index if not exists bench_queue_free on bench_queue (org_id, priority, id) where status = 'backlog';
"""
FILL_BARE: LiteralString = """
insert into bench_queue select gen_random_uuid(), %(org)s, 'P' || n %% 4, 'backlog', null
from generate_series(1, %(count)s) as n
"""
TAKE_BARE: LiteralString = """
update bench_queue set status = 'in_progress', taken_by = %(me)s where id = (
    select id from bench_queue where org_id = %(org)s and status = 'backlog'
    order by priority, id limit 1 for update skip locked) returning id
"""


class Checkout:
    """16 agents that take one task after the other."""

    name = "checkout"
    ground = floor_ground = "small"
    figures: Sequence[Figure] = (
        Figure("rate", f"next task taken, {AGENTS} agents at once", "/s", Target(at_least=2000), "rate"),
        Figure("p99", "next task taken: p99", "ms", floor_key="p99"),
        Figure("twice", "tasks taken twice", "", Target(at_most=0)),
    )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """A project, its agents, and more tasks than are taken."""
        self._project, self._agents = new_id(), [new_id() for _ in range(AGENTS)]
        values = {"org": ground.org_id, "project": self._project, "agents": self._agents}
        with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
            connection.execute(HIRE, values)
            connection.execute(AGENT, values)
            connection.execute("drop table if exists bench_queue")
            connection.execute(BARE)

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Take them as the application does: role, policies, triggers."""
        values = {"org": ground.org_id, "project": self._project, "count": int(AHEAD * scale.seconds)}
        await asyncio.to_thread(_execute, ground, FILL, values, "tasks")
        db = Database(ground.urls.app, pool_size=AGENTS)
        await db.open()
        try:
            actors = [Actor(type=ActorType.AGENT, id=one, org_id=ground.org_id, name="bench") for one in self._agents]
            runs = await asyncio.gather(*(_take(db, actor, scale.seconds, self._project) for actor in actors))
        finally:
            await db.close()
        taken = [task for ids, _ in runs for task in ids]
        return _figures(len(taken), [second for _, seconds in runs for second in seconds], scale.seconds) | {
            "twice": float(len(taken) - len(set(taken)))
        }

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """The bare statement, as often at once."""
        values = {"org": ground.org_id, "count": int(AHEAD * scale.seconds)}
        await asyncio.to_thread(_execute, ground, FILL_BARE, values, "bench_queue")
        runs = await asyncio.gather(*(_bare(ground, agent, scale.seconds) for agent in self._agents))
        latencies = [second for seconds in runs for second in seconds]
        return _figures(len(latencies), latencies, scale.seconds)


async def _take(db: Database, actor: Actor, seconds: float, project: UUID) -> tuple[list[UUID], list[float]]:
    taken, latencies, deadline = [], [], time.perf_counter() + seconds
    while (begun := time.perf_counter()) < deadline:
        async with db.transaction(actor) as tx:
            found = await take(tx, project)
        if found is None:
            break
        taken.append(found.id)
        latencies.append(time.perf_counter() - begun)
    return taken, latencies


async def _bare(ground: Ground, agent: object, seconds: float) -> list[float]:
    latencies, values = [], {"org": ground.org_id, "me": agent}
    async with await psycopg.AsyncConnection.connect(
        ground.superuser_url, autocommit=True, prepare_threshold=0
    ) as connection:
        deadline = time.perf_counter() + seconds
        while (begun := time.perf_counter()) < deadline:
            cursor = await connection.execute(TAKE_BARE, values)
            if await cursor.fetchone() is None:
                break
            latencies.append(time.perf_counter() - begun)
    return latencies


def _execute(ground: Ground, sql: LiteralString, values: dict[str, object], table: LiteralString) -> None:
    analyze: dict[LiteralString, LiteralString] = {"tasks": "analyze tasks", "bench_queue": "analyze bench_queue"}
    with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
        connection.execute(sql, values)
        connection.execute(analyze[table])


def _figures(count: int, latencies: list[float], seconds: float) -> dict[str, float]:
    return {"rate": count / seconds, "p99": percentile(sorted(latencies), 0.99) * 1000}
