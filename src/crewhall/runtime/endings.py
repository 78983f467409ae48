"""How a turn ends other than with an answer, and what people are told about it."""

from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

from crewhall.runtime.vocabulary import RunStatus


class Ending(StrEnum):
    """Why a run ended; the reason that its row bears."""

    ANSWERED = "answered"
    DELIVERED = "delivered"
    SILENT = "silent"
    TRIED = "tried"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"
    TOO_MANY_REQUESTS = "too_many_requests"
    MODEL_UNAVAILABLE = "model_unavailable"
    MODEL_FAILED = "model_failed"
    PROVIDER_PAUSED = "provider_paused"
    RUNTIME_FAILED = "runtime_failed"
    RUNTIME_PAUSED = "runtime_paused"
    DIVERGED = "diverged"
    REFUSED = "refused"
    INACTIVE = "inactive"
    BUDGET = "budget"
    CRASHED = "crashed"
    FORSAKEN = "forsaken"
    INTERNAL = "internal"


class TurnEnded(Exception):
    """A turn cannot go on. `reason` is an `Ending`, or one that an earlier version of Crewhall knew.

    `detail` is a sentence for people: what happened and what to do; None says nothing.
    """

    def __init__(self, status: RunStatus, reason: str, detail: str | None) -> None:
        super().__init__(detail or reason)
        self.status = status
        self.reason = reason
        self.detail = detail


class PutAside(Exception):
    """A turn has come as far as it can before somebody else does their part; it goes on later, by another attempt.

    `approvals` are those that it waits for; none where it waits for its caller.
    """

    def __init__(self, approvals: Iterable[UUID] = ()) -> None:
        super().__init__()
        self.approvals = list(approvals)


def failed(reason: Ending, detail: str) -> TurnEnded:
    """The turn failed."""
    return TurnEnded(RunStatus.FAILED, reason, detail)


def stopped(reason: Ending, detail: str | None) -> TurnEnded:
    """The turn was stopped, so that nothing is done twice or by who may no longer do it."""
    return TurnEnded(RunStatus.STOPPED, reason, detail)
