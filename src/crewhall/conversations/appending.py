"""How consumers append what follows from what they read: one process at a time, each record once."""

import asyncio
import logging
from collections.abc import Sequence

from crewhall.conversations.consumers import BATCH
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import UNAVAILABLE, CrewhallError
from crewhall.ports.message_log import CLIENT_ID_REUSED, CONVERSATION_CLOSED, MessageLog, NewRecord

log = logging.getLogger(__name__)


async def try_turn(tx: Tx, consumer: str) -> bool:
    """Take a consumer's turn for this transaction, unless another process has it.

    The lock is an advisory one: it holds no transaction id, so that `log_horizon` moves on while the log appends.
    """
    query = "select pg_try_advisory_xact_lock(hashtext('crewhall.' || %(consumer)s))"
    return bool(await tx.value(query, {"consumer": consumer}))


async def append_all(message_log: MessageLog, records: Sequence[NewRecord]) -> None:
    """Append records with client ids; those of a batch done again are there already. Raises UNAVAILABLE and its like.

    Side by side, so that they share commits, but never too many; the log keeps the order in which they are handed over.
    """
    for first in range(0, len(records), BATCH):
        await asyncio.gather(*[_append(message_log, record) for record in records[first : first + BATCH]])


async def _append(message_log: MessageLog, record: NewRecord) -> None:
    try:
        await message_log.append(record)
    except CrewhallError as error:
        if error.kind.status == UNAVAILABLE.status:  # the log or what it stands on is away or behind
            raise
        # There already, and what it says was changed since; or the conversation has gone: nothing is left to do.
        if error.kind not in {CLIENT_ID_REUSED, CONVERSATION_CLOSED}:
            log.warning("a record was refused", extra={"client_id": record.client_id, "reason": str(error)})
