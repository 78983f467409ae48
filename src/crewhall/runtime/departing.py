"""What is under way for somebody who is deactivated ends with their rights."""

from crewhall.identity.events import MemberDeactivated
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.runtime.canceling import cancel_open


async def end_runs_of(tx: Tx, actor: Actor, event: MemberDeactivated) -> None:
    """Cancel the open runs of the person's agents, and those in which an agent acts for the person."""
    open_runs = await tx.values(
        """
        select r.id from runs r join agents a on a.id = r.agent_id
        where r.org_id = %(org)s and r.status in ('queued', 'running', 'waiting')
          and (%(user)s = any (r.behalf_of) or a.owner_user_id = %(user)s)
        order by r.id
        """,
        {"org": event.org_id, "user": event.user_id},
    )
    for run_id in open_runs:
        await cancel_open(tx, actor, run_id)
