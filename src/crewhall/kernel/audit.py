"""The audit log: who did what to what, from where. Rows are append-only in the database itself."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

CHANNEL = "crewhall_audit"
"""Notices that acts were written; they say nothing of them."""


class AuditEntry(msgspec.Struct):
    """One administrative act."""

    id: UUID
    actor_type: ActorType
    actor_id: UUID
    action: str
    resource_type: str | None
    resource_id: str | None
    details: dict[str, Any]
    ip_address: str | None
    created_at: datetime


async def record(
    tx: Tx,
    actor: Actor,
    action: str,
    resource_type: str | None = None,
    resource_id: object = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Write one row in the caller's transaction. `action` is past tense with its noun: `agent.created`."""
    await tx.run(
        """
        with written as (
            insert into audit_log
                (id, org_id, actor_type, actor_id, action, resource_type, resource_id, details, ip_address)
            values
                (%(id)s, %(org)s, %(actor_type)s, %(actor)s, %(action)s, %(type)s, %(resource)s, %(details)s,
                 %(address)s)
            returning 1)
        select pg_notify('crewhall_audit', '') from written
        """,
        {
            "id": new_id(),
            "org": actor.org,
            "actor_type": str(actor.type),
            "actor": actor.id,
            "action": action,
            "type": resource_type,
            "resource": None if resource_id is None else str(resource_id),
            "details": Jsonb(details or {}),
            "address": actor.address,
        },
    )


async def list_audit(
    tx: Tx, *, after: str | None = None, limit: int | None = None, action: str | None = None
) -> Page[AuditEntry]:
    """List the organization's acts, newest first. Row-level security lets only owners and admins see any."""
    size = check_limit(limit)
    key = decode_cursor(after, UUID)
    rows = await tx.all(
        AuditEntry,
        """
        select id, actor_type, actor_id, action, resource_type, resource_id, details, ip_address, created_at
        from audit_log
        where org_id = any (current_orgs())
          and (%(before)s::uuid is null or id < %(before)s) and (%(action)s::text is null or action = %(action)s)
        order by id desc limit %(limit)s
        """,
        {"before": key[0] if key else None, "limit": size + 1, "action": action},
    )
    return page_of(rows, size, lambda row: (row.id,))
