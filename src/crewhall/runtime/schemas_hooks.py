"""What webhooks take and give at the edge."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.kernel.visible import visible_name
from crewhall.runtime.schemas import RunAgent, RunAuthor, RunPlace
from crewhall.runtime.schemas_schedules import Name
from crewhall.runtime.vocabulary import CallOutcome, PauseReason, Reason

HookPrompt = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=20_000,
        pattern=r"^\s*[^\s\u0000][^\u0000]*$",
        description="What the agent is to do with what comes; the payload follows it.",
    ),
]
Overlap = Annotated[
    int, Meta(ge=0, le=7 * 86_400, description="Seconds that the old secret stays valid, at most 7 days.")
]


class Hook(Struct, kw_only=True):
    """An address that another service calls, signed.

    Each call posts in `conversation` (where `posts`), wakes `agent` there, or both.

    It acts with the rights that `maker` has then; paused, `pause_reason` says why. `conversation` is null for who may
    not read it. `unanswered_reason`: why its agent did not answer the last call, as decisions have it; null where it
    did. `old_secret_until`: after a rotation, the secret before is good until then. `is_mine`: the caller made it, and
    may change, resume and rotate it; `may_pause`: the caller may pause and delete it.
    """

    id: UUID
    name: str
    url: str
    conversation: RunPlace | None
    agent: RunAgent | None
    maker: RunAuthor
    prompt: str | None
    posts: bool
    pause_reason: PauseReason | None
    old_secret_until: datetime | None
    last_called_at: datetime | None
    last_outcome: CallOutcome | None
    unanswered_reason: Reason | None
    is_mine: bool
    may_pause: bool
    created_at: datetime
    updated_at: datetime


class HookWithSecret(Hook, kw_only=True):
    """A webhook with a new secret: keep it now, it is never shown again."""

    secret: str


class HookInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new webhook. It posts what comes, wakes the agent that it names, or both."""

    conversation_id: UUID
    name: Name
    agent_id: UUID | None = None
    prompt: HookPrompt | None = None
    posts: bool = True

    def __post_init__(self) -> None:
        self.name = visible_name(self.name)


class HookPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change of a webhook; what is left out stays, null wakes nobody any more."""

    name: Name | UnsetType = UNSET
    agent_id: UUID | UnsetType | None = UNSET
    prompt: HookPrompt | UnsetType | None = UNSET
    posts: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        if isinstance(self.name, str):
            self.name = visible_name(self.name)


class HookRotation(Struct, forbid_unknown_fields=True, kw_only=True):
    """How long the old secret stays valid beside the new one."""

    overlap_seconds: Overlap = 86_400


class HookCall(Struct, kw_only=True):
    """A call of a webhook, and what became of it. `delivery` is its `webhook-id`; `run_id` the turn that it set off."""

    id: UUID
    delivery: str
    outcome: CallOutcome
    message_id: UUID | None
    run_id: UUID | None
    address: str | None
    created_at: datetime


class HookTaken(Struct, kw_only=True):
    """A call was taken: the message that it posted, and the trigger that wakes its agent.

    `is_repeated`: the same delivery had been taken before; nothing happened again.
    """

    message_id: UUID | None
    trigger_id: UUID | None
    is_repeated: bool
