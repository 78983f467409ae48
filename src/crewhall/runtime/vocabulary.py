"""The words of turns: why an agent may speak, what was decided, how a run stands and what it recorded."""

from enum import StrEnum


class Cause(StrEnum):
    """What may make an agent speak."""

    MENTION = "mention"
    REPLY = "reply"
    DIRECT = "direct"
    AUTO = "auto"
    QUICK_TASK = "quick_task"
    RUN_NOW = "run_now"
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    API = "api"
    TRY = "try"
    """Who manages the agent tried it out: nothing is posted."""


class Outcome(StrEnum):
    """What was decided: a turn begins, may begin later, or does not."""

    SPEAK = "speak"
    WAIT = "wait"
    SILENT = "silent"


class Reason(StrEnum):
    """Why it was decided so."""

    ASKED = "asked"
    """Somebody asked for it: a mention, a reply, a direct message, a task."""
    FOLLOWS = "follows"
    """The conversation lets the agent answer unasked (`auto_trigger`)."""
    COVERED = "covered"
    """A turn that was decided before saw the message."""
    BUSY = "busy"
    """A turn of the agent is under way here; it is decided again when that ends."""
    COOLDOWN = "cooldown"
    ROUNDS = "rounds"
    """Agents have spoken `max_agent_rounds` times since a person did."""
    ONE_AGENT = "one_agent"
    """Agents do not answer each other here (`multi_agent_enabled` is off)."""
    INACTIVE = "inactive"
    """The agent takes no turns: inactive, in maintenance, terminated or deleted."""
    OUTSIDE_HOURS = "outside_hours"
    NOT_HERE = "not_here"
    """The agent may not read or answer in the conversation any more."""
    CLOSED = "closed"
    """The conversation takes no messages."""
    GONE = "gone"
    """The message was deleted."""
    AWAY = "away"
    """The agent's own program is not there, and nobody asked for it."""
    BUDGET = "budget"
    """A hard budget that concerns it is used up."""
    RATE = "rate"
    """Agents of its kind have begun as many turns as they may for now."""


class RunStatus(StrEnum):
    """How a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    STOPPED = "stopped"


class WaitsFor(StrEnum):
    """What a run that was put aside waits for."""

    DECISION = "decision"
    """A person decides about a call."""
    PROGRAM = "program"
    """The program that asked for it uses tools of its own."""


class ApprovalStatus(StrEnum):
    """How a call that waits for a person stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"
    """Nobody decided in time: it counts as refused."""
    CANCELED = "canceled"
    """Its run ended before anybody decided."""


class StepKind(StrEnum):
    """What a step of a run recorded."""

    CONTEXT = "context"
    SUMMARY = "summary"
    """The older part of the conversation was summed up, and the summary kept."""
    REQUEST = "request"
    ANSWER = "answer"
    CALL = "call"
    RESULT = "result"
    APPROVAL = "approval"
    FAILURE = "failure"
    POST = "post"


class PauseReason(StrEnum):
    """Why a schedule or a webhook does nothing for now."""

    BY_HAND = "by_hand"
    MAKER_LEFT = "maker_left"
    """Who made it is no longer in the organization."""
    NO_ACCESS = "no_access"
    """Who made it may no longer write there, or see the agent."""
    CLOSED = "closed"
    """The conversation is archived."""
    UNFIT = "unfit"
    """The agent thinks elsewhere by now, and takes no prompts."""
    OVER = "over"
    """Its expression names no further moment."""


class FiringOutcome(StrEnum):
    """What became of a schedule's last moment."""

    FIRED = "fired"
    MISSED = "missed"
    """Nothing ran for longer than the grace."""
    SKIPPED = "skipped"
    """What it asked for the time before still waited to begin."""
    REFUSED = "refused"
    """Its maker's rights did not reach: it is paused."""
    UNANSWERED = "unanswered"
    """It was asked for, and the agent does not answer: `unanswered_reason`."""


class CallOutcome(StrEnum):
    """What became of a call of a webhook."""

    TAKEN = "taken"
    REPEATED = "repeated"
    """The same delivery had been taken before."""
    BAD_SIGNATURE = "bad_signature"
    STALE = "stale"
    """Its timestamp is too far from now: sent again by somebody else, or the sender's clock is wrong."""
    PAUSED = "paused"
    REFUSED = "refused"
    """The maker's rights did not reach: the webhook is paused."""
