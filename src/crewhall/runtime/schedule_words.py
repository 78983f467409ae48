"""What pages say about schedules and webhooks that are paused, and what became of a schedule's last moment."""

from crewhall.runtime.explanations import explain
from crewhall.runtime.vocabulary import Cause, FiringOutcome, Outcome, PauseReason, Reason

PAUSED = {
    PauseReason.BY_HAND: "Somebody paused it.",
    PauseReason.MAKER_LEFT: "Who made it is no longer in the organization, or deactivated: it acts with their rights.",
    PauseReason.NO_ACCESS: "{maker} may no longer write there, or see {agent}.",
    PauseReason.CLOSED: "Its conversation is archived.",
    PauseReason.UNFIT: "{agent} thinks elsewhere by now, and takes no tasks by prompt.",
    PauseReason.OVER: "No further day is named by it.",
}
OUTCOMES = {
    FiringOutcome.FIRED: "fired",
    FiringOutcome.MISSED: "missed: nothing ran here then",
    FiringOutcome.SKIPPED: "skipped: the one before still waited to begin",
    FiringOutcome.REFUSED: "refused",
    FiringOutcome.UNANSWERED: "not answered",
}


def why_paused(reason: PauseReason, *, maker: str, agent: str) -> str:
    """Why it is paused, in a sentence."""
    return PAUSED[reason].format(maker=maker, agent=agent)


def why_unanswered(reason: Reason, cause: Cause, *, agent: str) -> str:
    """Why what was asked for was not answered, to end a sentence with."""
    return f"not answered: {explain(agent, cause, Outcome.SILENT, reason).removesuffix('.')}"


def what_became(outcome: FiringOutcome, reason: Reason | None, *, agent: str) -> str:
    """What became of its last moment, to end a sentence with; `reason`: why it was not answered."""
    if reason is None:
        return OUTCOMES[outcome]
    return why_unanswered(reason, Cause.SCHEDULE, agent=agent)
