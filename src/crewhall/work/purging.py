"""Deletion for good, by the operator: what was deleted before goes with what is its alone (`purge` of the schema)."""

from datetime import datetime
from typing import Any, Literal, LiteralString, get_args
from uuid import UUID

import psycopg
from msgspec import Struct, convert
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from crewhall.kernel.actor import SYSTEM_ID
from crewhall.kernel.errors import NOT_FOUND
from crewhall.kernel.ids import new_id

Kind = Literal["agent", "project"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ACTS = {"agent": "agent.purged", "project": "project.purged"}
MOST = 1000
_DELETED: LiteralString = """
select d.kind, d.id, d.name, o.slug as organization, d.deleted_at from (
    select 'agent' as kind, a.id, a.name, a.org_id, a.deleted_at from agents a where a.deleted_at is not null
    union all
    select 'project', p.id, p.name, p.org_id, p.deleted_at from projects p where p.deleted_at is not null) d
join organizations o on o.id = d.org_id order by d.deleted_at desc limit %(most)s
"""
_FIND: LiteralString = """
select d.org_id, d.name from (
    select 'agent' as kind, id, org_id, name from agents where deleted_at is not null
    union all select 'project', id, org_id, name from projects where deleted_at is not null) d
where d.kind = %(kind)s and d.id = %(id)s
"""
_AUDIT: LiteralString = """
with written as (
    insert into audit_log (id, org_id, actor_type, actor_id, action, resource_type, resource_id, details)
    values (%(row)s, %(org)s, 'system', %(system)s, %(action)s, %(kind)s, %(id)s::text, %(details)s) returning 1)
select pg_notify('crewhall_audit', '') from written
"""


class Deleted(Struct, frozen=True):
    """An agent or a project that was deleted, and may be purged."""

    kind: Kind
    id: UUID
    name: str
    organization: str
    deleted_at: datetime


def list_deleted(connection: "psycopg.Connection[Any]") -> list[Deleted]:
    """What may be purged, the last deleted first, at most a thousand. The connection is the administrator's."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return convert(cursor.execute(_DELETED, {"most": MOST}).fetchall(), list[Deleted])


def purge(connection: "psycopg.Connection[Any]", kind: Kind, of_id: UUID) -> dict[str, int]:
    """Delete it for good; gives how many rows of which table went. It is audited.

    The connection is the administrator's. Raises NOT_FOUND where there is none that was deleted.
    """
    with connection.transaction():
        found = connection.execute(_FIND, {"kind": kind, "id": of_id}).fetchone()
        if found is None:
            raise NOT_FOUND(f"There is no {kind} of this id that was deleted. Delete it first: that can be undone.")
        org, name = found
        gone: dict[str, int] = {}
        for table, count in connection.execute("select * from purge(%s, %s)", (kind, of_id)):
            gone[table] = gone.get(table, 0) + count
        told = {table: count for table, count in sorted(gone.items()) if count}
        values = {"row": new_id(), "org": org, "system": SYSTEM_ID, "action": ACTS[kind], "kind": kind, "id": of_id}
        connection.execute(_AUDIT, values | {"details": Jsonb({"name": name, "rows": told})})
    return told
