"""Probation, entered and left by rule D7, with all that follows: tasks, the timeline, the inboxes of who must know."""

from typing import LiteralString

from crewhall.agents import AgentStatus, put_on_standing
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.notifications import NotificationKind, tell
from crewhall.work.kpis.formulas import ends_probation
from crewhall.work.kpis.sums import Calculated
from crewhall.work.kpis.vocabulary import CONCERN_WORDS

_WHO: LiteralString = """
select m.user_id from memberships m
where m.org_id = %(org)s and (m.role in ('owner', 'admin') or m.user_id = %(owner)s)
"""


async def settle_standing(tx: Tx, system: Actor, done: Calculated) -> None:
    """Put the agent on probation, or end it, if the rule says so."""
    concerns = [one for one in done.figures.concerns if one not in done.excused]
    if done.agent.status is AgentStatus.ACTIVE and concerns:
        reason = _sentence("; ".join(CONCERN_WORDS[one] for one in concerns))
        await _put(tx, system, done, AgentStatus.PROBATION, reason, f"is on probation: {reason}")
    has_come_through = not done.figures.concerns and ends_probation(done.figures, done.counts, done.past)
    if done.agent.status is AgentStatus.PROBATION and has_come_through:
        reason = "Trust, quality and five tasks are there, and three rows in a row improved."
        await _put(tx, system, done, AgentStatus.ACTIVE, reason, "has come through probation")


async def _put(tx: Tx, system: Actor, done: Calculated, after: AgentStatus, reason: str, told: str) -> None:
    agent = done.agent
    await put_on_standing(tx, system, agent.id, agent.code, agent.status, after, reason)
    people = await tx.values(_WHO, {"org": system.org, "owner": agent.owner_user_id})
    for recipients, kind in ((people, ActorType.USER), ([agent.id], ActorType.AGENT)):
        await tell(
            tx,
            recipients,
            NotificationKind.PROBATION,
            org_id=system.org,
            actor_type=ActorType.AGENT,
            actor_id=agent.id,
            actor_name=agent.name,
            recipient_type=kind,
            subject_id=agent.id,
            detail=told[:500],
        )


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
