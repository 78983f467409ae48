"""What schedules asked for and their agent does not answer: noted on them, told to their makers once until it does."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.kernel.actor import ActorType
from crewhall.kernel.db import Params, Tx
from crewhall.notifications import NotificationKind, tell
from crewhall.runtime.places import Place
from crewhall.runtime.policy import Decision
from crewhall.runtime.vocabulary import Cause, FiringOutcome, Outcome

_UNANSWERED: LiteralString = """
with asked as (
    select id, unanswered_reason is null as is_news from schedules
    where org_id = %(org)s and agent_id = %(agent)s and trigger_id = %(trigger)s for no key update
)
update schedules s set last_outcome = %(outcome)s, unanswered_reason = %(reason)s
from asked where s.id = asked.id
returning s.id, s.name, s.maker_id, asked.is_news, (select a.name from agents a where a.id = s.agent_id) as agent_name
"""
_ANSWERED: LiteralString = """
update schedules set unanswered_reason = null
where org_id = %(org)s and agent_id = %(agent)s and trigger_id = %(trigger)s and unanswered_reason is not null
"""


class _Asked(msgspec.Struct):
    id: UUID
    name: str
    maker_id: UUID
    is_news: bool
    agent_name: str


async def note_answers(tx: Tx, place: Place, decisions: Sequence[Decision]) -> None:
    """Note of what schedules asked for whether it is answered; what still waits is noted once it is decided.

    A schedule that goes unanswered day after day tells its maker the first time, and again after one that was answered.
    """
    for decision in decisions:
        if decision.trigger.cause is not Cause.SCHEDULE or decision.outcome is Outcome.WAIT:
            continue
        values: Params = {"org": place.org_id, "agent": place.agent_id, "trigger": decision.trigger.id}
        if decision.outcome is Outcome.SPEAK:
            await tx.run(_ANSWERED, values)
            continue
        noted = {"outcome": str(FiringOutcome.UNANSWERED), "reason": str(decision.reason)}
        found = await tx.find(_Asked, _UNANSWERED, {**values, **noted})
        if found is not None and found.is_news:
            await tell(
                tx,
                [found.maker_id],
                NotificationKind.SCHEDULE,
                org_id=place.org_id,
                actor_type=ActorType.AGENT,
                actor_id=place.agent_id,
                actor_name=found.agent_name,
                conversation_id=place.conversation_id,
                subject_id=found.id,
                detail=found.name,
            )
