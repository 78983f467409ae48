"""A document that a process is at work on: what it writes stays only while the document is its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import LiteralString
from uuid import UUID

from msgspec import Struct

from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.knowledge.extraction import VERSION as EXTRACTOR_VERSION
from crewhall.knowledge.telling import Standing
from crewhall.knowledge.vocabulary import DocumentStatus

CHANNEL = "crewhall_documents"
"""Notices that a document is to be looked at."""
ROUND = 1000  # `is_at_work` (SQL) counts so, too
"""What `attempt` goes on by when its count begins anew, or takes one back: no number comes twice, so that nobody who
stood still meanwhile is let in. What is left of it after thousands is the count."""

_CLAIM: LiteralString = """
update documents set attempt = attempt + 1, look_at = clock_timestamp() + interval '2 minutes',
       status = case when status = 'queued' or extractor < %(extractor)s then 'extracting' else status end,
       extractor = greatest(extractor, %(extractor)s),
       chunks = case when status = 'queued' or extractor < %(extractor)s then 0 else chunks end,
       done = case when status = 'queued' or extractor < %(extractor)s then 0 else done end,
       total = case when status = 'queued' or extractor < %(extractor)s then null else total end,
       failure = null, failure_code = null
where id = %(id)s and look_at <= clock_timestamp() and status <> 'failed'
returning id, org_id, sha256, media_type, name, size, status, attempt, chunks, retries
"""
_HOLD: LiteralString = """
update documents set look_at = clock_timestamp() + interval '2 minutes'
where id = %(id)s and attempt = %(attempt)s and look_at is not null
"""
_SAY: LiteralString = """
update documents set status = %(status)s, done = %(done)s, total = %(total)s, unit = %(unit)s
where id = %(id)s and attempt = %(attempt)s
"""
_PUT_BACK: LiteralString = """
update documents set attempt = attempt - 1 + %(round)s, look_at = clock_timestamp()
where id = %(id)s and attempt = %(attempt)s and look_at is not null
"""
_PUT_OFF: LiteralString = """
update documents set attempt = (attempt / %(round)s + 1) * %(round)s, retries = retries + 1,
       look_at = clock_timestamp() + make_interval(secs => %(wait)s)
where id = %(id)s and attempt = %(attempt)s and look_at is not null
"""
_FAIL: LiteralString = """
update documents set status = 'failed', failure = %(failure)s, failure_code = %(code)s, look_at = null,
       attempt = (attempt / %(round)s + 1) * %(round)s, retries = 0
where id = %(id)s and attempt = %(attempt)s
"""
FIRST_WAIT_S, LAST_WAIT_S = 5.0, 3600.0


class NotOurs(Exception):
    """The document is gone, or another process took it over."""


class Work(Struct, frozen=True, kw_only=True):
    """A document as it was taken over. `chunks` are those that an attempt before has written."""

    id: UUID
    org_id: UUID
    sha256: bytes
    media_type: str
    name: str
    size: int
    status: DocumentStatus
    attempt: int
    chunks: int
    retries: int

    @property
    def tries(self) -> int:
        """How many processes have taken it over, this one among them; those that were stopped do not count."""
        return self.attempt % ROUND

    @property
    def wait_s(self) -> float:
        """How long to wait after something passing failed: ever longer."""
        return float(min(FIRST_WAIT_S * 2 ** min(self.retries, 20), LAST_WAIT_S))


async def claim(tx: Tx, document_id: UUID) -> Work | None:
    """Take a document over that is due; None where another was first, or nothing is to be done."""
    return await tx.find(Work, _CLAIM, {"id": document_id, "extractor": EXTRACTOR_VERSION})


@asynccontextmanager
async def fenced(db: Database, work: Work) -> AsyncIterator[Tx]:
    """A transaction that is entered only while the document is ours, and keeps it so. Raises NotOurs.

    The document's row is locked first, then whatever else: nobody waits for another in a ring.
    """
    async with db.transaction(system_actor(work.org_id)) as tx:
        if not await tx.run(_HOLD, {"id": work.id, "attempt": work.attempt}):
            raise NotOurs
        yield tx


async def note(tx: Tx, work: Work, standing: Standing) -> None:
    """Write how far it is; within `fenced`."""
    values = {
        "id": work.id, "attempt": work.attempt, "status": str(standing.status), "done": standing.done,
        "total": standing.total, "unit": standing.unit and str(standing.unit),
    }  # fmt: skip
    await tx.run(_SAY, values)


async def put_back(tx: Tx, work: Work) -> None:
    """Let another go on at once with what this process leaves, which is no attempt that failed."""
    await tx.run(_PUT_BACK, {"id": work.id, "attempt": work.attempt, "round": ROUND})


async def put_off(tx: Tx, work: Work) -> None:
    """Have it looked at again after a while: something passing failed."""
    await tx.run(_PUT_OFF, {"id": work.id, "attempt": work.attempt, "round": ROUND, "wait": work.wait_s})


async def fail(tx: Tx, work: Work, code: str, failure: str) -> bool:
    """End it with the reason; tells whether it was ours to end."""
    values = {"id": work.id, "attempt": work.attempt, "round": ROUND, "code": code, "failure": failure[:1000]}
    return bool(await tx.run(_FAIL, values))
