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
