"""The log of key use: one row for each validation, good or bad; further uses of a verified key in aggregate.

Counting costs a dictionary entry per request. The counts are written some seconds after the first of them and when the
process ends; while no key is used, no timer runs.
"""

import asyncio
import logging
from datetime import datetime
from itertools import groupby
from typing import LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import Error
from psycopg_pool import PoolClosed, PoolTimeout

from crewhall.agents.access import access_agent
from crewhall.agents.credential_schemas import CredentialUse
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.errors import NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.kernel.verified import Verified

log = logging.getLogger(__name__)

_INSERT: LiteralString = """
insert into credential_usage (id, org_id, credential_id, agent_id, ok, reason, uses, address)
values (%(id)s, %(org)s, %(credential)s, %(agent)s, %(ok)s, %(reason)s, %(uses)s, %(address)s)
"""
_TOUCH: LiteralString = "update agent_credentials set last_used_at = now() where id = %(credential)s"


class Use(Struct, frozen=True):
    """Whose key was used, and from where."""

    org: UUID
    credential: UUID
    agent: UUID
    address: str | None


async def record_use(tx: Tx, use: Use, *, ok: bool = True, reason: str | None = None, uses: int = 1) -> None:
    """Write one row of the log; a good use moves the credential's `last_used_at`."""
    row = {"id": new_id(), "org": use.org, "credential": use.credential, "agent": use.agent, "address": use.address}
    await tx.run(_INSERT, {**row, "ok": ok, "reason": reason, "uses": uses})
    if ok:
        await tx.run(_TOUCH, {"credential": use.credential})


async def list_uses(
    tx: Tx, actor: Actor, agent_id: UUID, credential_id: UUID, *, after: str | None = None, limit: int | None = None
) -> Page[CredentialUse]:
    """List the uses of a credential, newest first, to the agent's owner, admins and the agent itself."""
    await access_agent(tx, actor, agent_id, "own_credentials")
    named = {"agent": agent_id, "credential": credential_id}
    known = "select exists (select from agent_credentials where agent_id = %(agent)s and id = %(credential)s)"
    if not await tx.value(known, named):
        raise NOT_FOUND("There is no such credential.")
    size = check_limit(limit)
    key = decode_cursor(after, datetime, UUID) or (None, None)
    rows = await tx.all(
        CredentialUse,
        """
        select id, ok, reason, uses, address, used_at from credential_usage
        where org_id = any (current_orgs()) and credential_id = %(credential)s
          and (%(time)s::timestamptz is null or (used_at, id) < (%(time)s, %(id)s::uuid))
        order by used_at desc, id desc limit %(limit)s
        """,
        {**named, "time": key[0], "id": key[1], "limit": size + 1},
    )
    return page_of(rows, size, lambda row: (row.used_at, row.id))


class KeyUses:
    """The counts of one process that are not written yet."""

    def __init__(self, db: Database, *, flush_after_s: float) -> None:
        self._db = db
        self._flush_after = flush_after_s
        self._counts: dict[Use, int] = {}
        self._flushing: asyncio.Task[None] | None = None
        self._month = 0

    def count(self, verified: Verified, address: str | None) -> None:
        """Count one use of a key that was verified before."""
        actor = verified.actor
        if actor.credential_id is None:
            return
        use = Use(actor.org, actor.credential_id, actor.id, address)
        self._counts[use] = self._counts.get(use, 0) + 1
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush_later(), name="key-uses")

    @property
    def pending(self) -> bool:
        """Whether something is counted that is not written."""
        return bool(self._counts) or not (self._flushing is None or self._flushing.done())

    async def ensure_partitions(self) -> None:
        """Make the months' partitions ahead of time, once a month of this process."""
        month = utc_now().month
        if month != self._month:
            async with self._db.transaction(None) as tx:
                await tx.value("select ensure_partitions()")
            self._month = month

    async def flush(self) -> None:
        """Write what was counted; what cannot be written stays counted."""
        counts, self._counts = self._counts, {}
        # Always in the same order: processes that count the same keys must not wait for each other in a circle.
        waiting = sorted(counts, key=lambda use: (use.org, use.credential))
        try:
            await self.ensure_partitions()
            for org, uses in groupby(waiting, key=lambda use: use.org):
                batch = list(uses)
                async with self._db.transaction(system_actor(org)) as tx:
                    for use in batch:
                        await record_use(tx, use, uses=counts[use])
                for use in batch:
                    del counts[use]
        finally:
            for use, number in counts.items():
                self._counts[use] = self._counts.get(use, 0) + number

    async def close(self) -> None:
        """Write the rest; the process ends."""
        if self._flushing:
            await end_tasks([self._flushing])
        await self.flush()

    async def _flush_later(self) -> None:
        while self._counts:
            await asyncio.sleep(self._flush_after)
            try:
                await self.flush()
            except (Error, PoolTimeout, PoolClosed, OSError) as error:
                log.warning("uses of keys are not written yet", extra={"reason": str(error).strip()})
