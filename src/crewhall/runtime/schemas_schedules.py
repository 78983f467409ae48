"""What schedules take and give at the edge."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.kernel.visible import visible_name
from crewhall.runtime.schemas import Prompt, RunAgent, RunAuthor, RunPlace
from crewhall.runtime.vocabulary import FiringOutcome, PauseReason, Reason, RunStatus

Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^\s*[^\s\u0000][^\u0000\n]*$")]
Cron = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^\u0000]*$",
        description="Minute, hour, day of month, month, day of week: `0 9 * * 1-5`.",
        examples=["0 9 * * 1-5"],
    ),
]
Timezone = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=r"^[^\u0000]*$",
        description="IANA timezone, by whose clock.",
        examples=["Europe/Berlin"],
    ),
]


class Schedule(Struct, kw_only=True):
    """A task that an agent is given again and again, with the rights of `maker` as they are each time.

    `upcoming` are the next moments; none while it is paused, and `pause_reason` says why. `last_outcome` is what became
    of the moment `last_due_at`, and where that is `unanswered`, `unanswered_reason` is why, as decisions have it;
    `run_id` is the turn that it last set off, `run_status` how that stands. `conversation`
    is null for who may not read it, and `prompt` unless they made it. `is_mine`: the caller made it, and may change it,
    resume it and run it now; `may_pause`: the caller may pause and delete it.
    """

    id: UUID
    name: str
    agent: RunAgent
    conversation: RunPlace | None
    maker: RunAuthor
    prompt: str | None
    cron: str
    timezone: str
    pause_reason: PauseReason | None
    next_due_at: datetime | None
    upcoming: list[datetime]
    last_due_at: datetime | None
    last_outcome: FiringOutcome | None
    unanswered_reason: Reason | None
    last_fired_at: datetime | None
    run_id: UUID | None
    run_status: RunStatus | None
    is_mine: bool
    may_pause: bool
    created_at: datetime
    updated_at: datetime


class ScheduleInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new schedule. Without a conversation it is the caller's direct one with the agent."""

    agent_id: UUID
    conversation_id: UUID | None = None
    name: Name
    prompt: Prompt
    cron: Cron
    timezone: Timezone = "UTC"

    def __post_init__(self) -> None:
        self.name = visible_name(self.name)


class SchedulePatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change of a schedule; what is left out stays."""

    name: Name | UnsetType = UNSET
    prompt: Prompt | UnsetType = UNSET
    cron: Cron | UnsetType = UNSET
    timezone: Timezone | UnsetType = UNSET

    def __post_init__(self) -> None:
        if isinstance(self.name, str):
            self.name = visible_name(self.name)
