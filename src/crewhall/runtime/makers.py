"""Makers: the people with whose rights schedules and webhooks act, as they are when they act."""

from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.ports.message_log import CONVERSATION_CLOSED
from crewhall.runtime.vocabulary import PauseReason


def pause_reason_of(error: CrewhallError) -> PauseReason:
    """Why what somebody made is paused when its maker's rights refuse it so."""
    if error.kind is CONVERSATION_CLOSED:
        return PauseReason.CLOSED
    return PauseReason.UNFIT if error.kind is INVALID else PauseReason.NO_ACCESS
