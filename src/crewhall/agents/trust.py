"""An agent's trust, set by hand. It decides which of its tools are used at once, asked about or refused."""

from crewhall.agents.events import AgentTrustSet
from crewhall.agents.schemas import AgentDetail
from crewhall.identity import Permission, check_permission
from crewhall.kernel import audit, events
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx


async def set_trust(tx: Tx, actor: Actor, agent: AgentDetail, trust: float) -> bool:
    """Set a locked agent's trust, to two decimals; return whether that changed it.

    Raises FORBIDDEN for who does not manage the organization's agents: owning the agent is not enough, else approvals
    could be walked around by who asks for them.
    """
    check_permission(actor, Permission.AGENTS_UPDATE)
    trust = round(trust, 2)
    if trust == agent.trust_score:
        return False
    await tx.run(
        "update agents set trust_score = %(trust)s, updated_by = %(actor)s where id = %(id)s",
        {"trust": trust, "id": agent.id, "actor": actor.id},
    )
    change = {"code": agent.code, "before": f"{agent.trust_score:g}", "after": f"{trust:g}"}
    await audit.record(tx, actor, "agent.trust_set", "agent", agent.id, change)
    told = AgentTrustSet(agent_id=agent.id, org_id=actor.org, before=agent.trust_score, after=trust)
    await events.publish(tx, actor, told)
    return True
