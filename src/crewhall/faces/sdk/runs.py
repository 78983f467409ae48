"""What the API answers about turns. Unknown fields are ignored, so that a newer server can be talked to."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from crewhall.faces.sdk.records import Author
from crewhall.faces.sdk.resources import ConversationRef

OPEN = frozenset({"queued", "running", "waiting"})


class RunAgent(msgspec.Struct, frozen=True):
    """An agent in short."""

    id: str
    code: str
    name: str


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A turn that an agent took, takes or will take.

    `message_id` set it off, `answer_id` is what the agent posted; `reason` is a stable word for how it ended, `detail`
    the sentence that people were told.
    """

    id: str
    conversation: ConversationRef
    agent: RunAgent
    status: str
    cause: str
    author: Author
    exchange_id: str
    created_at: datetime
    message_id: str | None = None
    message_seq: int | None = None
    prompt: str | None = None
    answer_id: str | None = None
    answer_seq: int | None = None
    is_remote: bool = False
    runtime_id: str | None = None
    attempt: int = 0
    waits: int = 0
    seen_seq: int | None = None
    model: str | None = None
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost: Decimal | None = None
    currency: str | None = None
    price_id: str | None = None
    reason: str | None = None
    detail: str | None = None
    cancel_requested_at: datetime | None = None
    canceled_by: Author | None = None
    waits_for: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    may_inspect: bool = False
    may_cancel: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it has not ended yet."""
        return self.status in OPEN


class RunStep(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded step. `body` is None for who may not see inside the agent."""

    ordinal: int
    kind: str
    attempt: int
    created_at: datetime
    key: str | None = None
    tool: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = None
    currency: str | None = None
    duration_ms: int | None = None
    body: dict[str, Any] | None = None
    is_sealed: bool = False


class TurnDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Why an agent spoke, waits or stayed silent; `explanation` says it in a sentence."""

    id: str
    agent: RunAgent
    outcome: str
    reason: str
    explanation: str
    cause: str
    author: Author
    created_at: datetime
    message_id: str | None = None
    message_seq: int | None = None
    run_id: str | None = None
    until: datetime | None = None


class ConversationSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent noted of `messages` earlier messages of a conversation, which its turns read in their place."""

    id: str
    agent: RunAgent
    from_seq: int
    up_to_seq: int
    messages: int
    summary: str
    tokens: int
    model: str
    run_id: str
    created_at: datetime
    is_whole: bool = True


class ConversationRuntime(msgspec.Struct, frozen=True, kw_only=True):
    """Which process decides about turns in a conversation, and how much is under way there."""

    conversation_id: str
    shard: int
    status: str
    epoch: int
    controller_id: str | None = None
    region: str = ""
    lease_until: datetime | None = None
    public_key: str | None = None
    open_runs: int = 0
    waiting_triggers: int = 0


class Woken(msgspec.Struct, frozen=True, kw_only=True):
    """An agent that a message concerns, and what would be decided about it now."""

    agent: RunAgent
    cause: str
    outcome: str
    reason: str
    explanation: str
    presence: str = "offline"
    is_remote: bool = False
    until: datetime | None = None


class MessagePreview(msgspec.Struct, frozen=True):
    """Whom a message would wake, or would not, and why."""

    agents: list[Woken]


class RunAnswered(msgspec.Struct, frozen=True):
    """An answer was kept."""

    run_id: str


class TurnRequested(msgspec.Struct, frozen=True):
    """A turn was asked for."""

    trigger_id: str
