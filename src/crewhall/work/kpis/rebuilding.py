"""Every KPI row worked out again from evidence alone, and compared with what stands: for the operator.

Needs the administrator's connection in autocommit mode. Each agent is one transaction, with its organization's lock.
"""

from collections.abc import Iterator
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow, dict_row
from psycopg.types.json import Jsonb

from crewhall.work.kpis.replay import EvidenceRow, Replay

COLUMNS: tuple[LiteralString, ...] = (
    "recorded_at", "position", "asked_by", "counted", "tasks_assigned", "tasks_completed", "tasks_ripe",
    "ripe_completed", "first_approvals", "approvals", "change_requests", "failing_pulls", "bugs",
    "deployment_failures", "reworks", "average_task_minutes", "rejected_in_row", "recent_bugs", "custom", "quality",
    "completion", "overall", "tasks_trend", "quality_trend", "overall_trend", "term_quality", "term_completion",
    "term_bugs", "term_deployments", "term_trend", "deviation", "term_steadiness", "term_sum", "start", "evidence",
    "trust", "concerns",
)  # fmt: skip
_LISTED: LiteralString = ", ".join(COLUMNS)
_GIVEN: LiteralString = ", ".join("%(" + name + ")s" for name in COLUMNS)
_AGENTS: LiteralString = """
select e.org_id, e.agent_id, a.code from kpi_evidence e join agents a on a.id = e.agent_id
where e.agent_id is not null group by e.org_id, e.agent_id, a.code order by e.org_id, a.code
"""
_LOCK: LiteralString = """
select pg_advisory_xact_lock(hashtextextended('crewhall.kpis', 0) # hashtextextended(%(org)s::text, 0))
"""
_EVIDENCE: LiteralString = """
select position, kind, about, subject, amount, value::float8 as value, since, at from kpi_evidence
where org_id = %(org)s and agent_id = %(agent)s order by position
"""
_STANDING: LiteralString = (
    "select " + _LISTED + " from kpis where org_id = %(org)s and agent_id = %(agent)s order by recorded_at"
)
_WRITE: LiteralString = (
    "insert into kpis (agent_id, org_id, " + _LISTED + ") values (%(agent)s, %(org)s, " + _GIVEN + ")"
)


class Rebuilt(msgspec.Struct, frozen=True):
    """What became of an agent's rows: how many there are by evidence, and how many stood otherwise or not at all."""

    org_id: UUID
    agent_id: UUID
    agent: str
    rows: int
    different: int


def rebuild(connection: Connection[TupleRow], *, write: bool) -> Iterator[Rebuilt]:
    """Work out every agent's rows again, one agent after the other; with `write` what differs is put right."""
    for org, agent, code in connection.execute(_AGENTS).fetchall():
        key = {"org": org, "agent": agent}
        with connection.transaction():
            connection.execute(_LOCK, key)
            made = list(Replay().rows(_evidence(connection, key)))
            with connection.cursor(row_factory=dict_row) as cursor:
                stood = {row["recorded_at"]: _comparable(row) for row in cursor.execute(_STANDING, key)}
            right = {row["recorded_at"]: _comparable(row) for row in made}
            different = sum(stood.get(moment) != right.get(moment) for moment in stood.keys() | right.keys())
            if different and write:
                _replace(connection, key, made)
        yield Rebuilt(org, agent, code, len(made), different)


def _evidence(connection: Connection[TupleRow], key: dict[str, Any]) -> Iterator[EvidenceRow]:
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_EVIDENCE, key):
            yield msgspec.convert(row, EvidenceRow)


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    """A row with plain numbers and lists, whether it was read or worked out."""
    plain = msgspec.to_builtins(row, builtin_types=())
    found: dict[str, Any] = msgspec.convert(plain, dict[str, Any])
    return {name: float(value) if _is_number(row[name]) else value for name, value in found.items()}


def _is_number(value: object) -> bool:
    from decimal import Decimal

    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _replace(connection: Connection[TupleRow], key: dict[str, Any], made: list[dict[str, Any]]) -> None:
    connection.execute("select forget_kpis(%(agent)s)", key)
    with connection.cursor() as cursor:
        cursor.executemany(
            _WRITE, [{**key, **row, "counted": Jsonb(row["counted"]), "custom": Jsonb(row["custom"])} for row in made]
        )
