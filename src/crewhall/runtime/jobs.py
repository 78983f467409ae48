"""Jobs: a turn is one procrastinate job, in the transaction that inserts its run.

procrastinate is imported when the first job is made or the worker starts, never while the server starts up.
"""

from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

from crewhall.kernel.db import Tx

if TYPE_CHECKING:
    from procrastinate import App

QUEUE = "turns"
TASK = "turn"


@cache
def _enqueuing() -> "App":
    """An application that is never opened: jobs are written through the caller's own connection."""
    from procrastinate import App, PsycopgConnector

    return App(connector=PsycopgConnector())


async def enqueue_turn(tx: Tx, org_id: UUID, run_id: UUID, conversation_id: UUID, agent_id: UUID) -> None:
    """Enqueue a run's job, to be seen by workers when the caller's transaction commits.

    Its lock keeps turns of one agent in one conversation from running at once; safety is the run's attempt.
    """
    deferrer = _enqueuing().configure_task(
        TASK, queue=QUEUE, lock=f"turn:{conversation_id}:{agent_id}", connection=tx.connection
    )
    await deferrer.defer_async(run_id=str(run_id), org_id=str(org_id))
