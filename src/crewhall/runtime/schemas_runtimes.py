"""What runtimes take and give at the edge: the address of an agent, calls to it, how each agent answers."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.conversations import MAX_CONTENT_LENGTH
from crewhall.runtime.schemas import RunAgent
from crewhall.runtime.vocabulary import RunStatus

NO_NUL = r"^[^\u0000]*$"
LONGEST_OVERLAP_S = 30 * 86400
Address = Annotated[
    str,
    Meta(min_length=8, max_length=2000, pattern=r"^https?://\S+$", description="Where its turns are POSTed, https."),
]
Content = Annotated[
    str, Meta(max_length=MAX_CONTENT_LENGTH, pattern=NO_NUL, description="What the agent says, Markdown.")
]


class Way(StrEnum):
    """How an agent answers."""

    RESIDENT = "resident"
    """It thinks here, with a model."""
    WEBHOOK = "webhook"
    """Its turns are POSTed to an address."""
    KAFKA = "kafka"
    """What is for it goes to a topic, and what it says comes from another."""
    CLIENT = "client"
    """A program of its own keeps a connection open, or says by heartbeat that it is there."""
    POLLING = "polling"
    """A program of its own comes by now and then."""
    NOBODY = "nobody"
    """Nothing has ever answered for it."""


class Health(StrEnum):
    """Whether it does."""

    HEALTHY = "healthy"
    FAILING = "failing"
    """The last that was asked of it failed."""
    SILENT = "silent"
    """Nothing was heard of it lately."""
    UNKNOWN = "unknown"
    """It was not asked yet."""
    OFF = "off"
    """The agent takes no turns: it is inactive, in maintenance or terminated."""


class AgentRuntime(Struct, kw_only=True):
    """The address at which an agent is served.

    `failures` counts those in a row, since `failing_since`. `previous_until` is when the secret before the present one
    stops signing. `p50_ms` is what a call took in the middle, of the last twenty that succeeded.
    """

    id: UUID
    agent_id: UUID
    base_url: str
    health: Health
    failures: int
    failing_since: datetime | None
    last_ok_at: datetime | None
    last_error: str | None
    last_error_at: datetime | None
    p50_ms: int | None
    previous_until: datetime | None
    created_at: datetime
    updated_at: datetime


class NewAgentRuntime(AgentRuntime, kw_only=True):
    """A runtime with its secret, which is in this answer and in no other."""

    secret: str


class RuntimeInput(Struct, forbid_unknown_fields=True):
    """Serve an agent at an address."""

    base_url: Address


class SecretRotation(Struct, forbid_unknown_fields=True):
    """How many seconds the old secret goes on signing beside the new one."""

    overlap_seconds: Annotated[int, Meta(ge=0, le=LONGEST_OVERLAP_S)] = 86400


class RuntimeCall(Struct, kw_only=True):
    """A request that was made to a runtime. `run_id` is null for a ping, `status` where nothing answered."""

    id: UUID
    run_id: UUID | None
    webhook_id: str
    is_ok: bool
    status: int | None
    duration_ms: int
    error: str | None
    created_at: datetime


class LastTurn(Struct, frozen=True):
    """The newest turn of an agent, in short. `delivered`: its own program was told, whatever that made of it."""

    id: UUID
    status: RunStatus
    reason: str | None
    created_at: datetime


class RuntimeHealth(Struct, kw_only=True):
    """How an agent answers, and whether it does. `since` is when that began, where it is known.

    `waiting` counts what waits to be decided for it, `open` the turns that have not ended. `p50_ms`: of a webhook, what
    a call took in the middle; else a whole turn; null where none is known.
    """

    agent: RunAgent
    way: Way
    health: Health
    since: datetime | None
    base_url: str | None
    last_seen_at: datetime | None
    last_error: str | None
    last_error_at: datetime | None
    p50_ms: int | None
    last_turn: LastTurn | None
    waiting: int
    open: int


class RunAnswer(Struct, forbid_unknown_fields=True, kw_only=True):
    """What the agent answers: `content`, or nothing (`silent`)."""

    content: Content | None = None
    silent: bool = False


class RunAnswered(Struct):
    """The answer is kept; it is posted at once."""

    run_id: UUID
