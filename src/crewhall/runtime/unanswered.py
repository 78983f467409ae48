"""What schedules and webhooks asked for and their agent does not answer: noted on them, told to their makers once."""

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

_OF_SCHEDULE: LiteralString = """
with asked as (
    select id, unanswered_reason is null as is_news from schedules
    where org_id = %(org)s and agent_id = %(agent)s and trigger_id = %(trigger)s for no key update
)
update schedules s set last_outcome = %(outcome)s, unanswered_reason = %(reason)s
from asked where s.id = asked.id
returning s.id, s.name, s.maker_id, asked.is_news, (select a.name from agents a where a.id = s.agent_id) as agent_name
"""
_OF_HOOK: LiteralString = """
with asked as (
    select id, unanswered_reason is null as is_news from hooks
    where org_id = %(org)s and agent_id = %(agent)s and id = (
        select hook_id from hook_calls where org_id = %(org)s and trigger_id = %(trigger)s limit 1) for no key update
)
update hooks h set unanswered_reason = %(reason)s
from asked where h.id = asked.id
returning h.id, h.name, h.maker_id, asked.is_news, (select a.name from agents a where a.id = %(agent)s) as agent_name
"""
_SCHEDULE_ANSWERED: LiteralString = """
update schedules set unanswered_reason = null
where org_id = %(org)s and agent_id = %(agent)s and trigger_id = %(trigger)s and unanswered_reason is not null
"""
_HOOK_ANSWERED: LiteralString = """
update hooks set unanswered_reason = null
where org_id = %(org)s and agent_id = %(agent)s and unanswered_reason is not null and id = (
    select hook_id from hook_calls where org_id = %(org)s and trigger_id = %(trigger)s limit 1)
"""
NOTED = {
    Cause.SCHEDULE: (_OF_SCHEDULE, _SCHEDULE_ANSWERED, NotificationKind.SCHEDULE),
    Cause.WEBHOOK: (_OF_HOOK, _HOOK_ANSWERED, NotificationKind.WEBHOOK),
}


class _Asked(msgspec.Struct):
    id: UUID
    name: str
    maker_id: UUID
    is_news: bool
    agent_name: str


async def note_answers(tx: Tx, place: Place, decisions: Sequence[Decision]) -> None:
    """Note of what schedules and webhooks asked for whether it is answered; what still waits is noted once decided.

    What goes unanswered day after day tells its maker the first time, and again after one that was answered.
    """
    for decision in decisions:
        if decision.trigger.cause not in NOTED or decision.outcome is Outcome.WAIT:
            continue
        unanswered, answered, kind = NOTED[decision.trigger.cause]
        values: Params = {"org": place.org_id, "agent": place.agent_id, "trigger": decision.trigger.id}
        if decision.outcome is Outcome.SPEAK:
            await tx.run(answered, values)
            continue
        noted = {"outcome": str(FiringOutcome.UNANSWERED), "reason": str(decision.reason)}
        found = await tx.find(_Asked, unanswered, {**values, **noted})
        if found is not None and found.is_news:
            await tell(
                tx,
                [found.maker_id],
                kind,
                org_id=place.org_id,
                actor_type=ActorType.AGENT,
                actor_id=place.agent_id,
                actor_name=found.agent_name,
                conversation_id=place.conversation_id,
                subject_id=found.id,
                detail=found.name,
            )
