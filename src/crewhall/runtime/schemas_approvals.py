"""What approvals take and give at the edge."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.kernel.tools import Risk
from crewhall.runtime.schemas import RunAgent, RunAuthor, RunPlace
from crewhall.runtime.vocabulary import ApprovalStatus, Cause

RefusalReason = Annotated[
    str, Meta(min_length=1, max_length=2000, pattern=r"^\s*[^\s\u0000][^\u0000]*$", description="The agent reads it.")
]


class ApprovalMessage(Struct, frozen=True):
    """The message that the turn answers, where the caller may read it."""

    id: UUID
    seq: int
    author_name: str
    content: str


class ApprovalView(Struct, kw_only=True):
    """A call of an agent that waits for a person, or waited.

    `arguments` is what the agent asked for, whole; `approved_arguments` what a person approved in its place, null where
    that is the same. `effect` says what the call would change, `why` why it is asked about. `asked_for` are the people
    and agents for whom the agent acts: the call is made with no more rights than each of them has. `conversation` and
    `message` are null for who may not read there. `may_decide`: it waits, and the caller may decide.
    """

    id: UUID
    run_id: UUID
    agent: RunAgent
    tool: str
    risk: Risk
    effect: str
    why: str
    arguments: dict[str, Any]
    approved_arguments: dict[str, Any] | None
    status: ApprovalStatus
    reason: str | None
    cause: Cause
    asked_for: list[RunAuthor]
    conversation: RunPlace | None
    message: ApprovalMessage | None
    prompt: str | None
    decided_by: RunAuthor | None
    decided_at: datetime | None
    used_at: datetime | None
    expires_at: datetime
    created_at: datetime
    may_decide: bool


class ApprovalStanding(Struct, kw_only=True):
    """How a call stands that a person decides about, as everybody in its conversation may know it."""

    id: UUID
    conversation_id: UUID
    agent: RunAgent
    tool: str
    status: ApprovalStatus
    decided_at: datetime | None
    expires_at: datetime
    created_at: datetime


class ApprovalInput(Struct, forbid_unknown_fields=True):
    """Approve as asked, or with other arguments: the whole of them, as the tool takes them."""

    arguments: dict[str, Any] | None = None


class RefusalInput(Struct, forbid_unknown_fields=True):
    """Refuse, and say why."""

    reason: RefusalReason
