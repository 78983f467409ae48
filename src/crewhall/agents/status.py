"""An agent's standing: which change is allowed, and what each standing lets it do."""

from crewhall.agents.vocabulary import AgentStatus
from crewhall.kernel.errors import CONFLICT

S = AgentStatus

TRANSITIONS: dict[AgentStatus, frozenset[AgentStatus]] = {
    S.ACTIVE: frozenset({S.PROBATION, S.MAINTENANCE, S.INACTIVE, S.TERMINATED}),
    S.PROBATION: frozenset({S.ACTIVE, S.MAINTENANCE, S.INACTIVE, S.TERMINATED}),
    S.MAINTENANCE: frozenset({S.ACTIVE, S.PROBATION, S.INACTIVE, S.TERMINATED}),
    S.INACTIVE: frozenset({S.ACTIVE, S.PROBATION, S.TERMINATED}),
    S.TERMINATED: frozenset(),
}
"""From each standing, where it may go. Termination is final; a terminated agent is forked to start again."""

AUTHENTICATING = frozenset({S.ACTIVE, S.PROBATION, S.MAINTENANCE})
ANSWERING = frozenset({S.ACTIVE, S.PROBATION})


def check_transition(before: AgentStatus, after: AgentStatus) -> None:
    """Refuse a change of standing that is not allowed; staying the same is no change."""
    if after is before or after in TRANSITIONS[before]:
        return
    allowed = ", ".join(sorted(TRANSITIONS[before])) or "nothing: fork the agent to start again"
    raise CONFLICT(f"An agent that is {before} cannot become {after}; possible: {allowed}.", before=before, after=after)


def authenticates(status: AgentStatus) -> bool:
    """Whether an agent of this standing may sign in with its key."""
    return status in AUTHENTICATING


def answers(status: AgentStatus) -> bool:
    """Whether an agent of this standing takes turns: one under maintenance signs in but is not spoken to."""
    return status in ANSWERING
