"""Trying a document again that failed. The work itself is the worker's."""

from uuid import UUID

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT
from crewhall.knowledge.documents import access_document
from crewhall.knowledge.schemas import Document
from crewhall.knowledge.vocabulary import DocumentStatus
from crewhall.knowledge.work import CHANNEL, ROUND


async def retry_document(tx: Tx, actor: Actor, document_id: UUID) -> Document:
    """Read a document again that failed; whoever may read it may. One that is under way is asked for sooner.

    Raises NOT_FOUND, CONFLICT (it is searchable already).
    """
    found = await access_document(tx, actor, document_id)
    if found.status is DocumentStatus.READY:
        raise CONFLICT("This document is searchable already.")
    await tx.run(
        """
        update documents set status = 'queued', failure = null, failure_code = null, look_at = now(), retries = 0,
               done = 0, total = null, attempt = (attempt / %(round)s + 1) * %(round)s
        where id = %(id)s and status = 'failed'
        """,
        {"id": document_id, "round": ROUND},
    )
    await tx.run(
        """
        update documents set look_at = now(), retries = 0
        where id = %(id)s and retries > 0 and look_at > now() and attempt %% %(round)s = 0 -- nobody is at work on it
        """,
        {"id": document_id, "round": ROUND},
    )
    await tx.notify(CHANNEL, "")
    return await access_document(tx, actor, document_id)
