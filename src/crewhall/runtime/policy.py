"""Policy: who may speak, and when. Pure: a situation and a moment give decisions, nothing else does.

A situation is one agent in one conversation with everything that waits for it there: a burst is one decision and makes
one turn. What a person asks of an agent by name is answered at once; what agents ask, and what is answered unasked
(`auto_trigger`), keeps to the conversation's rounds and the agent's cooldown.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from crewhall.agents import AgentStatus, SchedulingConfig, answers
from crewhall.conversations import AgentPolicy
from crewhall.kernel.actor import ActorType
from crewhall.runtime.hours import opens_at
from crewhall.runtime.vocabulary import Cause, Outcome, Reason

FROM_MESSAGES = frozenset({Cause.MENTION, Cause.REPLY, Cause.DIRECT, Cause.AUTO})
AT_ANY_HOUR = frozenset({Cause.RUN_NOW, Cause.QUICK_TASK})
"""What a person starts by hand: it does not wait for working hours."""
ASKED_HERE = FROM_MESSAGES | AT_ANY_HOUR
"""Causes behind which somebody waits in the conversation: a refusal is told there."""


class Trigger(Struct, frozen=True, kw_only=True):
    """Why the agent may speak.

    `message_seq` is the message's, or where the conversation stood when it was asked. `author_rounds` is, for a message
    of an agent, how many messages that agent had posted by then since a person did. `waits_for` is why it was last
    decided to wait.
    """

    id: UUID
    cause: Cause
    author_type: ActorType
    author_id: UUID
    message_id: UUID | None = None
    message_seq: int
    parent_id: UUID | None = None
    prompt: str | None = None
    author_rounds: int = 0
    is_gone: bool = False
    may_read: bool = True
    waits_for: Reason | None = None

    @property
    def is_asked(self) -> bool:
        """Whether a person (or the system, for one) asked this very agent."""
        return self.author_type is not ActorType.AGENT and self.cause is not Cause.AUTO


class Situation(Struct, frozen=True, kw_only=True):
    """One agent in one conversation, with all that waits for it there.

    `triggers` are first what a person asks, then what comes by itself (schedules, webhooks, agents), each the oldest
    first. `rounds` is how often the agent spoke (or took a turn that no person asked for) since a person last spoke
    here, `spoke_at` when it last did either, within the last hour. `seen_seq` is the last message that a turn has read.
    `is_spent`: a hard budget leaves it nothing here. `runtime_id`: the address at which it is asked. `is_away`: it
    thinks elsewhere, and its program gives no sign of life.
    """

    policy: AgentPolicy
    status: AgentStatus
    scheduling: SchedulingConfig
    is_deleted: bool = False
    is_remote: bool = False
    is_away: bool = False
    runtime_id: UUID | None = None
    is_open: bool = True
    is_busy: bool = False
    rounds: int = 0
    spoke_at: datetime | None = None
    seen_seq: int | None = None
    is_spent: bool = False
    triggers: tuple[Trigger, ...]


class Decision(Struct, frozen=True):
    """What was decided about one trigger. `until` is when it is decided again; None: when the open run has ended."""

    trigger: Trigger
    outcome: Outcome
    reason: Reason
    until: datetime | None = None


def decide(situation: Situation, now: datetime) -> list[Decision]:
    """Decide about every trigger. Those that speak make one turn together."""
    decisions = {trigger.id: _judge(situation, trigger, now) for trigger in situation.triggers}
    speaking = [decision.trigger for decision in decisions.values() if decision.outcome is Outcome.SPEAK]
    if speaking:
        decisions.update(_join(situation, speaking, decisions.values()))
    return list(decisions.values())


def leading(speaking: list[Trigger]) -> Trigger:
    """The trigger that a turn of several answers: the newest that a person asked, else the newest."""
    return next((trigger for trigger in reversed(speaking) if trigger.is_asked), speaking[-1])


def _judge(situation: Situation, trigger: Trigger, now: datetime) -> Decision:
    """Decide about one trigger as if it were alone."""
    if reason := _refusal(situation, trigger):
        return Decision(trigger, Outcome.SILENT, reason)
    if situation.is_busy:
        return Decision(trigger, Outcome.WAIT, Reason.BUSY)
    opening = None if trigger.cause in AT_ANY_HOUR else opens_at(situation.scheduling, now)
    if opening is not None:
        return Decision(trigger, Outcome.WAIT, Reason.OUTSIDE_HOURS, opening)
    rested = _rested_at(situation)
    if not trigger.is_asked and rested is not None and rested > now:
        return Decision(trigger, Outcome.WAIT, Reason.COOLDOWN, rested)
    if situation.is_spent and not (trigger.is_asked and trigger.cause in ASKED_HERE):
        return Decision(trigger, Outcome.SILENT, Reason.BUDGET)  # else its turn begins, and says so where it was asked
    return Decision(trigger, Outcome.SPEAK, Reason.FOLLOWS if trigger.cause is Cause.AUTO else Reason.ASKED)


def _refusal(situation: Situation, trigger: Trigger) -> Reason | None:
    """Why the agent will not speak because of this, whatever the time; None when it may."""
    if trigger.is_gone:
        return Reason.GONE
    if situation.is_deleted or not answers(situation.status):
        return Reason.INACTIVE
    if not situation.is_open:
        return Reason.CLOSED
    if not trigger.may_read:
        return Reason.NOT_HERE
    if _is_covered(situation, trigger):
        return Reason.COVERED
    if situation.is_away and trigger.cause is Cause.AUTO:
        return Reason.AWAY
    return None if trigger.is_asked else _limit(situation, trigger)


def _is_covered(situation: Situation, trigger: Trigger) -> bool:
    return (
        trigger.cause in FROM_MESSAGES and situation.seen_seq is not None and trigger.message_seq <= situation.seen_seq
    )


def _limit(situation: Situation, trigger: Trigger) -> Reason | None:
    """Which limit stands against what no person asked. An agent that has said too much wakes nobody."""
    policy = situation.policy
    if trigger.author_type is ActorType.AGENT:
        if not policy.multi_agent_enabled:
            return Reason.ONE_AGENT
        if trigger.author_rounds > policy.max_agent_rounds:
            return Reason.ROUNDS
    return Reason.ROUNDS if situation.rounds >= policy.max_agent_rounds else None


def _rested_at(situation: Situation) -> datetime | None:
    if situation.spoke_at is None:
        return None
    return situation.spoke_at + timedelta(seconds=situation.policy.agent_cooldown_seconds)


def _join(situation: Situation, speaking: list[Trigger], decisions: Iterable[Decision]) -> dict[UUID, Decision]:
    """Make one turn of what may speak.

    A task of its own takes a turn alone, in its order. A remote agent answers each message that it is told of: of what
    no person asked it is told the newest, and only when nothing was asked.
    """
    changed: dict[UUID, Decision] = {}
    first = speaking[0]
    for trigger in speaking[1:]:
        if _is_task(situation, trigger) or _is_task(situation, first):
            changed[trigger.id] = Decision(trigger, Outcome.WAIT, Reason.BUSY)
    together = [trigger for trigger in speaking if trigger.id not in changed]
    if situation.is_remote:
        kept = {trigger.id for trigger in together if trigger.is_asked} or {together[-1].id}
        for trigger in together:
            if trigger.id not in kept:
                changed[trigger.id] = Decision(trigger, Outcome.SILENT, Reason.COVERED)
        return changed
    if not _is_task(situation, first):
        for decision in decisions:  # what only rests is read by this turn, too
            if decision.reason is Reason.COOLDOWN and not _is_task(situation, decision.trigger):
                reason = Reason.FOLLOWS if decision.trigger.cause is Cause.AUTO else Reason.ASKED
                changed[decision.trigger.id] = Decision(decision.trigger, Outcome.SPEAK, reason)
    return changed


def _is_task(situation: Situation, trigger: Trigger) -> bool:
    """Whether it is a task of its own: a prompt, or what a program asked, with its own tools and instructions."""
    return trigger.prompt is not None or (trigger.cause is Cause.API and not situation.is_remote)
