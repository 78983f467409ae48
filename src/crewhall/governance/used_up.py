"""Agents that have nothing left to spend: which, and until when."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from crewhall.kernel.db import Tx


class _UsedUp(msgspec.Struct):
    agent_id: UUID
    until: datetime | None


async def find_used_up(
    tx: Tx, agent_ids: Collection[UUID], conversation_id: UUID | None = None
) -> dict[UUID, datetime | None]:
    """Return, by agent, when the next budget begins for those that have used up a hard one; None: never by itself.

    Budgets of a conversation count only where it is named. The caller has checked who may know.
    """
    rows = await tx.all(
        _UsedUp,
        """
        select a.id as agent_id, s.until
        from agents a
        left join agent_runtimes w on w.org_id = a.org_id and w.agent_id = a.id and w.deleted_at is null
        cross join lateral (
            select case when bool_or(b.period = 'total') then null else max(period_end(b.period, now())) end as until,
                   count(*) > 0 as any
            from used_up_budgets(a.org_id, a.id, %(conversation)s,
                                 case when w.id is null then a.model_config ->> 'provider' end,
                                 case when w.id is null then a.model_config ->> 'model' end, now()) b) s
        where a.org_id = any (current_orgs()) and a.id = any (%(agents)s) and s.any
        """,
        {"agents": list(agent_ids), "conversation": conversation_id},
    )
    return {row.agent_id: row.until for row in rows}
