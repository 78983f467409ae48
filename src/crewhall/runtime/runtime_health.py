"""Health of runtimes: how each agent answers, and whether it does, as the database knows it. Nobody is asked."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.runtime.runs import OPEN
from crewhall.runtime.runtimes import find_runtime
from crewhall.runtime.schemas import RunAgent
from crewhall.runtime.schemas_runtimes import Health, LastTurn, RuntimeHealth, Way
from crewhall.runtime.vocabulary import RunStatus

POLLS_WITHIN_S = 900
"""How long ago the key of a program that comes by now and then may have been used, before it counts as silent."""

_LIST: LiteralString = """
select json_build_object('id', a.id, 'code', a.code, 'name', a.name) as agent,
       a.status in ('active', 'probation') as takes_turns,
       a.model_config ->> 'provider' is not null as thinks_here, w.id is not null as is_served,
       k.id is not null as is_on_kafka, k.failing_since, k.last_error as kafka_error, k.heard_at,
       a.presence_until > now() is true as is_there, a.last_heartbeat_at as beat_at,
       (select max(c.last_used_at) from agent_credentials c where c.org_id = a.org_id and c.agent_id = a.id) as used_at,
       l.last_turn, l.last_status, l.last_detail, l.last_ended_at,
       (select percentile_disc(0.5) within group (order by k.took) from (
           select (extract(epoch from r.completed_at - r.started_at) * 1000)::integer as took from runs r
           where r.org_id = a.org_id and r.agent_id = a.id and r.status = 'succeeded' and not r.is_remote
             and r.waits = 0 and r.runtime_id is null
           order by r.id desc limit 20) k) as p50_ms,
       (select count(*) from turn_triggers t where t.org_id = a.org_id and t.agent_id = a.id)::integer as waiting,
       (select count(*) from runs r where r.org_id = a.org_id and r.agent_id = a.id
           and r.status in ('queued', 'running', 'waiting'))::integer as open
from agents a
left join agent_runtimes w on w.org_id = a.org_id and w.agent_id = a.id and w.deleted_at is null
left join agent_topics k on k.org_id = a.org_id and k.agent_id = a.id and k.deleted_at is null
left join lateral (
    select json_build_object('id', r.id, 'status', r.status, 'reason', r.reason,
                             'created_at', r.created_at) as last_turn,
           r.status as last_status, coalesce(r.detail, r.reason) as last_detail, r.completed_at as last_ended_at
    from runs r where r.org_id = a.org_id and r.agent_id = a.id order by r.id desc limit 1) l on true
where a.org_id = any (current_orgs()) and a.deleted_at is null and (%(all)s or a.owner_user_id = %(actor)s)
  and (%(after)s::uuid is null or a.id > %(after)s)
order by a.id limit %(limit)s
"""


class _Row(msgspec.Struct, kw_only=True):
    agent: RunAgent
    takes_turns: bool
    thinks_here: bool
    is_served: bool
    is_on_kafka: bool
    failing_since: datetime | None
    kafka_error: str | None
    heard_at: datetime | None
    is_there: bool
    beat_at: datetime | None
    used_at: datetime | None
    last_turn: LastTurn | None
    last_status: RunStatus | None
    last_detail: str | None
    last_ended_at: datetime | None
    p50_ms: int | None
    waiting: int
    open: int


async def list_runtimes(
    tx: Tx, actor: Actor, *, after: str | None = None, limit: int | None = None
) -> Page[RuntimeHealth]:
    """List how agents answer, oldest agent first: of all to who manages agents, else of those that one owns."""
    size, key = check_limit(limit), decode_cursor(after, UUID)
    values = {
        "all": is_allowed(actor, Permission.AGENTS_UPDATE),
        "actor": actor.id,
        "after": key[0] if key else None,
        "limit": size + 1,
    }
    now = await tx.value("select now()")
    rows = [await _described(tx, row, now) for row in await tx.all(_Row, _LIST, values)]
    return page_of(rows, size, lambda row: (row.agent.id,))


async def _described(tx: Tx, row: _Row, now: datetime) -> RuntimeHealth:
    way = _way_of(row)
    shown = RuntimeHealth(
        agent=row.agent,
        way=way,
        health=Health.UNKNOWN,
        since=None,
        base_url=None,
        last_seen_at=max((at for at in (row.beat_at, row.used_at) if at is not None), default=None),
        last_error=None,
        last_error_at=None,
        p50_ms=row.p50_ms,
        last_turn=row.last_turn,
        waiting=row.waiting,
        open=row.open,
    )
    if way is Way.WEBHOOK:
        await _fill_webhook(tx, shown)
    elif way is Way.RESIDENT:
        _fill_resident(shown, row)
    elif way is Way.KAFKA:
        _fill_kafka(shown, row)
    elif way is not Way.NOBODY:
        is_there = row.is_there if way is Way.CLIENT else _is_recent(row.used_at, now)
        shown.health, shown.since = (Health.HEALTHY, None) if is_there else (Health.SILENT, shown.last_seen_at)
    if not row.takes_turns:
        shown.health, shown.since = Health.OFF, None
    return shown


def _way_of(row: _Row) -> Way:
    """How an agent answers: at its address if it has one, else with its model, else at Kafka, else by a program."""
    if row.is_served:
        return Way.WEBHOOK
    if row.thinks_here:
        return Way.RESIDENT
    if row.is_on_kafka:
        return Way.KAFKA
    if row.beat_at is not None:
        came_since = 0.0 if row.used_at is None else (row.used_at - row.beat_at).total_seconds()
        if came_since < POLLS_WITHIN_S:
            return Way.CLIENT
    return Way.NOBODY if row.used_at is None else Way.POLLING


async def _fill_webhook(tx: Tx, shown: RuntimeHealth) -> None:
    runtime = await find_runtime(tx, shown.agent.id)
    if runtime is None:
        return
    shown.health, shown.base_url, shown.p50_ms = runtime.health, runtime.base_url, runtime.p50_ms
    shown.since = runtime.failing_since
    shown.last_seen_at, shown.last_error, shown.last_error_at = (
        runtime.last_ok_at,
        runtime.last_error,
        runtime.last_error_at,
    )


def _fill_resident(shown: RuntimeHealth, row: _Row) -> None:
    if row.last_status is None or row.last_status in OPEN:
        shown.health = Health.UNKNOWN if row.p50_ms is None else Health.HEALTHY
        return
    shown.last_seen_at = row.last_ended_at
    shown.health = Health.FAILING if row.last_status is RunStatus.FAILED else Health.HEALTHY
    if shown.health is Health.FAILING:
        shown.since, shown.last_error, shown.last_error_at = row.last_ended_at, row.last_detail, row.last_ended_at


def _fill_kafka(shown: RuntimeHealth, row: _Row) -> None:
    """Whether Kafka takes what is for it, and when it was heard; whether its program runs, nobody here knows."""
    shown.last_seen_at, shown.since = row.heard_at, row.failing_since
    if row.failing_since is not None:
        shown.health, shown.last_error, shown.last_error_at = Health.FAILING, row.kafka_error, row.failing_since
    elif row.heard_at is not None:
        shown.health = Health.HEALTHY


def _is_recent(at: datetime | None, now: datetime) -> bool:
    return at is not None and (now - at).total_seconds() < POLLS_WITHIN_S
