"""How often agents are asked: turns that agents of a kind begin in an organization, a minute, an hour and a day.

The scheduler counts them when it decides; what may not begin yet waits, nothing is lost.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from crewhall.agents import AgentKind
from crewhall.governance.schemas import RateInput, RateLimit
from crewhall.identity import Permission, check_permission
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx


async def list_rates(tx: Tx, actor: Actor) -> list[RateLimit]:
    """Return the limit of every kind of agent."""
    return await tx.all(
        RateLimit,
        """
        select k.kind as agent_kind, r.per_minute, r.per_hour, r.per_day, r.burst, r.is_default
        from unnest(%(kinds)s::text[]) with ordinality as k (kind, place)
        cross join lateral rate_limit_of(%(org)s, k.kind) r order by k.place
        """,
        {"kinds": [str(kind) for kind in AgentKind], "org": actor.org},
    )


async def set_rate(tx: Tx, actor: Actor, kind: AgentKind, data: RateInput) -> RateLimit:
    """Limit a kind of agent. Raises FORBIDDEN."""
    check_permission(actor, Permission.BUDGETS_UPDATE)
    values = {"org": actor.org, "kind": str(kind), "actor": actor.id, **msgspec.structs.asdict(data)}
    await tx.run(
        """
        insert into rate_limits (org_id, agent_kind, per_minute, per_hour, per_day, burst, updated_by)
        values (%(org)s, %(kind)s, %(per_minute)s, %(per_hour)s, %(per_day)s, %(burst)s, %(actor)s)
        on conflict (org_id, agent_kind) do update
        set per_minute = excluded.per_minute, per_hour = excluded.per_hour, per_day = excluded.per_day,
            burst = excluded.burst, updated_by = excluded.updated_by
        """,
        values,
    )
    await audit.record(tx, actor, "rate.changed", "rate", kind, {"kind": str(kind), **msgspec.structs.asdict(data)})
    return await _rate_of(tx, actor, kind)


async def reset_rate(tx: Tx, actor: Actor, kind: AgentKind) -> RateLimit:
    """Let the limit that comes with Crewhall hold again. Raises FORBIDDEN."""
    check_permission(actor, Permission.BUDGETS_UPDATE)
    values = {"org": actor.org, "kind": str(kind)}
    if await tx.run("delete from rate_limits where org_id = %(org)s and agent_kind = %(kind)s", values):
        await audit.record(tx, actor, "rate.removed", "rate", kind, {"kind": str(kind)})
    return await _rate_of(tx, actor, kind)


async def take_rate(tx: Tx, org_id: UUID, agent_id: UUID) -> datetime | None:
    """Count a turn that begins now; where it may not yet, return when it may."""
    opens: datetime | None = await tx.value(
        "select take_rate(%(org)s, %(agent)s, now())", {"org": org_id, "agent": agent_id}
    )
    return opens


async def find_opening(tx: Tx, org_id: UUID, agent_id: UUID) -> datetime | None:
    """When a turn of the agent may begin, if not now."""
    opens: datetime | None = await tx.value(
        """
        select rate_opens_at(a.org_id, a.kind, now()) from agents a
        where a.org_id = %(org)s and a.id = %(agent)s
        """,
        {"org": org_id, "agent": agent_id},
    )
    return opens


async def _rate_of(tx: Tx, actor: Actor, kind: AgentKind) -> RateLimit:
    return next(rate for rate in await list_rates(tx, actor) if rate.agent_kind is kind)
