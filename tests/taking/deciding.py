"""What waits for a person's decision, and deciding it, by hand."""

from typing import Any

from crewhall.runtime.approvals import Approval
from tests.taking.hall import Asked

ROME, OSLO = {"city": "Rome"}, {"city": "Oslo"}


async def waiting(asked: Asked) -> list[Approval]:
    """Everything that the turn asked for, in order."""
    return await asked.hall.rows(Approval, "select * from approvals where run_id = %(id)s order by id", id=asked.run_id)


async def decide(asked: Asked, act: Any, *args: Any, who: Any = None, **kwargs: Any) -> Any:
    """Do something about it, as the owner unless somebody else is named."""
    actor = who or asked.org.owner.actor
    async with asked.hall.db.transaction(actor) as tx:
        return await act(tx, actor, *args, **kwargs)


async def jobs(asked: Asked) -> int:
    """How many jobs the turn has had."""
    (row,) = await asked.hall.rows(
        dict, "select count(*) as n from procrastinate_jobs where args ->> 'run_id' = %(id)s", id=str(asked.run_id)
    )
    return int(row["n"])
