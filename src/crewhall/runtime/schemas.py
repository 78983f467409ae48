"""What turns take and give at the edge: runs, their steps, decisions, who would be woken."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.agents import Presence
from crewhall.kernel.actor import ActorType
from crewhall.runtime.vocabulary import Cause, Outcome, Reason, RunStatus, StepKind, WaitsFor

NO_NUL = r"^[^\u0000]*$"
NOT_BLANK = r"^\s*[^\s\u0000][^\u0000]*$"
Prompt = Annotated[
    str, Meta(min_length=1, max_length=40_000, pattern=NOT_BLANK, description="What the agent is asked to do.")
]
Draft = Annotated[str, Meta(max_length=40_000, pattern=NO_NUL, description="The message as it stands, Markdown.")]


class RunAgent(Struct, frozen=True):
    """The agent of a run, in short."""

    id: UUID
    code: str
    name: str


class RunPlace(Struct, frozen=True):
    """The conversation of a run, in short. `partner` is the other one's name in the caller's direct conversation."""

    id: UUID
    kind: str
    name: str | None
    title: str | None
    partner: str | None = None


class RunAuthor(Struct, frozen=True):
    """Who set a turn off."""

    type: ActorType
    id: UUID
    name: str


class Run(Struct, kw_only=True):
    """A turn that an agent took, takes or will take.

    `message_id` is the message that set it off, `exchange_id` the person's message at the root of the chain,
    `answer_id` what the agent posted. `reason` is a stable word for how it ended, `detail` the sentence that people
    were told. `seen_seq` is the newest message that the agent had before it. `is_remote`: the agent thinks in a program
    of its own and was only told. `runtime_id`: it was asked at that address. `waits` is how often
    the run was put aside for somebody. `cached_tokens` are those
    read that the provider had at hand. `cost` is in `currency`, by the price `price_id`; all three are null where no
    price of its model is known. `canceled_by` is who stopped it; `waits_for` says what one that waits does wait for: a
    person's decision, or the program that asked for it.
    """

    id: UUID
    conversation: RunPlace
    agent: RunAgent
    status: RunStatus
    cause: Cause
    author: RunAuthor
    exchange_id: UUID
    message_id: UUID | None
    message_seq: int | None
    parent_id: UUID | None
    prompt: str | None
    answer_id: UUID | None
    answer_seq: int | None
    is_remote: bool
    runtime_id: UUID | None
    attempt: int
    waits: int
    seen_seq: int | None
    model: str | None
    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost: Decimal | None
    currency: str | None
    price_id: UUID | None
    reason: str | None
    detail: str | None
    cancel_requested_at: datetime | None
    canceled_by: RunAuthor | None
    waits_for: WaitsFor | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime


class RunDetail(Run, kw_only=True):
    """A run with what the caller may do about it.

    `may_inspect`: the caller sees what the agent was given and did (who manages agents, and the agent's owner); else
    its steps come without their body. `may_cancel`: it is open, and the caller may write in its conversation.
    """

    may_inspect: bool
    may_cancel: bool


class RunStep(Struct, kw_only=True):
    """A recorded step. `key` ties a request to its answer and a call to its result; `tool` is the tool's name.

    `body` is null for who may not see inside the agent, and where it `is_sealed`: from the first result on that quotes
    what the caller may not read, another conversation or what the agent remembers of somebody else. A context's body
    holds its instructions and the conversation's lines; an answer's the model's response; a call's its arguments; a
    result's what the tool gave, or its error.
    """

    ordinal: int
    attempt: int
    kind: StepKind
    key: str | None
    tool: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost: Decimal | None
    currency: str | None
    duration_ms: int | None
    created_at: datetime
    body: dict[str, Any] | None
    is_sealed: bool = False


class TurnDecision(Struct, kw_only=True):
    """Why an agent spoke, waits or stays silent.

    `explanation` says it in a sentence; `until` is when it is decided anew. `epoch` is that of the process that
    decided. A decision to wait is followed by another one about the same message.
    """

    id: UUID
    agent: RunAgent
    outcome: Outcome
    reason: Reason
    explanation: str
    cause: Cause
    author: RunAuthor
    message_id: UUID | None
    message_seq: int | None
    run_id: UUID | None
    until: datetime | None
    epoch: int
    created_at: datetime


class ConversationSummary(Struct, kw_only=True):
    """What an agent noted of the older part of a conversation, to be shown instead of it in its turns.

    It speaks of `messages` messages from `from_seq` to `up_to_seq`; `is_whole`: nothing before `up_to_seq` was left
    out. `tokens` is estimated. `run_id` is the turn that made it, with `model`. It is dropped when one of its messages
    is edited or deleted.
    """

    id: UUID
    agent: RunAgent
    from_seq: int
    up_to_seq: int
    messages: int
    is_whole: bool
    summary: str
    tokens: int
    model: str
    run_id: UUID
    created_at: datetime


class AnsweredAt(Struct, frozen=True):
    """An agent of a conversation that was asked at an address, by which runtime, since when."""

    agent_id: UUID
    runtime_id: UUID
    since: datetime


class ConversationRuntime(Struct, kw_only=True):
    """Which process decides about turns in a conversation, and how much is under way there.

    `status` is `active` while a process holds the lease (until `lease_until`), else `idle`. `epoch` rises with each
    takeover; what an older epoch decides is refused. `public_key` verifies the conversation's session tokens.
    `agent_runtimes`: the addresses at which agents were asked about this conversation.
    """

    conversation_id: UUID
    shard: int
    status: str
    controller_id: UUID | None
    region: str
    epoch: int
    lease_until: datetime | None
    public_key: str | None
    last_active_at: datetime
    open_runs: int
    waiting_triggers: int
    agent_runtimes: list[AnsweredAt]


class SessionToken(Struct, kw_only=True):
    """A signed word about who the caller is in a conversation; `public_key` (on the runtime, too) verifies it."""

    token: str
    expires_at: datetime
    public_key: str
    rights: list[str]


class TurnRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Ask an agent for a turn: about a message of the conversation, or by a prompt, or both."""

    agent_id: UUID
    message_id: UUID | None = None
    prompt: Prompt | None = None


class TurnRequested(Struct):
    """It will be decided at once. A turn about a message alone bears the message's id, here and in the decisions."""

    trigger_id: UUID


class TryRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Something to try an agent with. What is left out is as the agent has it; nothing of it is saved."""

    prompt: Prompt
    instructions: Annotated[str, Meta(max_length=100_000, pattern=NO_NUL)] | UnsetType | None = UNSET
    model_config: dict[str, Any] | UnsetType = UNSET


class TryBegan(Struct, tag="began", kw_only=True):
    """The try has begun: its run, and `provider:model`."""

    run_id: UUID
    model: str


class TryWords(Struct, tag="words", kw_only=True):
    """More of the answer. With `request` it begins, or begins again: what came before is void."""

    text: str
    request: int | None = None


class TryResult(Struct, tag="done", kw_only=True):
    """The whole answer, how long it took, what it used; `cost` is null where no price of the model is known.

    `html` is the text as a message shows it; `sources` are what its numbers name, as a message's metadata holds them.
    """

    run_id: UUID
    text: str
    html: str
    sources: list[dict[str, Any]]
    seconds: float
    model: str | None
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost: Decimal | None
    currency: str | None


class TryFailed(Struct, tag="failed", kw_only=True):
    """There is no answer. `reason` is a stable word, as on runs; `detail` says what to do."""

    run_id: UUID
    reason: str
    detail: str


class MessageDraft(Struct, forbid_unknown_fields=True, kw_only=True):
    """A message that is being written."""

    content: Draft
    parent_id: UUID | None = None


class Woken(Struct, kw_only=True):
    """An agent that a message concerns, and what would be decided about it now.

    `until`: when what waits is decided again, or when there is a new budget for who has used one up.
    """

    agent: RunAgent
    presence: Presence
    is_remote: bool
    cause: Cause
    outcome: Outcome
    reason: Reason
    explanation: str
    until: datetime | None


class MessagePreview(Struct):
    """Whom a message would wake, or would not, and why."""

    agents: list[Woken]
