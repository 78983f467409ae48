"""A sync under way: where it is, and whose it is."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database

STEPS = ("repository", "labels", "issues", "comments", "pulls", "reviews", "checks", "deployments", "outcomes")
_CLAIM: LiteralString = """
update github_repositories r set attempt = r.attempt + 1, look_at = clock_timestamp() + interval '3 minutes',
    state = 'syncing', problem = null
where r.id = %(id)s and r.look_at <= clock_timestamp()
returning r.id, r.org_id, r.connection_id, r.full_name, r.installation_id, r.cursor, r.watermark, r.pages_done,
    r.pages_total, r.attempt, r.retries
"""


class Cursor(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Where a sync goes on: the step, and where in it. What was asked last, and its ETag, outlive it."""

    step: str = STEPS[0]
    began: datetime | None = None
    since: datetime | None = None
    page: int = 1
    number: int = 0
    etags: dict[str, str] = {}
    asked: dict[str, datetime] = {}


class Sync(msgspec.Struct, kw_only=True):
    """A repository that this process reads. What it writes counts while `attempt` is the row's."""

    id: UUID
    org_id: UUID
    connection_id: UUID
    full_name: str
    installation_id: int | None
    cursor: Cursor
    watermark: datetime | None
    pages_done: int
    pages_total: int | None
    attempt: int
    retries: int


class NotOurs(Exception):
    """Another process reads it now, or nobody is to."""


async def claim_sync(db: Database, org_id: UUID, repository_id: UUID) -> Sync | None:
    """Take a repository over, if it is still due."""
    async with db.transaction(system_actor(org_id)) as tx:
        return await tx.find(Sync, _CLAIM, {"id": repository_id})
