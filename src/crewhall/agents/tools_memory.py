"""The tools by which an agent remembers: what it keeps of the person for whom it acts, and of nobody else."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from crewhall.agents.states import STALE_STATE, AgentStateChange, get_state, set_state
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.tools import Caller, Risk, Tool, described


class Recall(Struct, forbid_unknown_fields=True):
    """Read what you remember of the person who asked you. Only you and that person can read it."""


class Remember(Struct, forbid_unknown_fields=True, kw_only=True):
    """Remember something of the person who asked you, for later turns. Read it first with `recall`."""

    changes: Annotated[
        dict[str, Any], Meta(description="By name, what to keep; null forgets it. What is not named stays.")
    ]
    version: Annotated[int, Meta(ge=0, description="The version that `recall` gave; 0 when nothing was there.")]


class Memory(Struct, kw_only=True):
    """What you remember of this person. `is_stale`: nothing was kept, for it had changed meanwhile; try again."""

    state: dict[str, Any]
    version: int
    is_stale: bool = False


async def recall(caller: Caller, asked: Recall) -> Memory:  # noqa: ARG001
    """What the calling agent remembers of the person for whom it acts."""
    async with caller.db.transaction(caller.actor) as tx:
        found = await get_state(tx, caller.actor, caller.actor.id)
    return Memory(state=found.state, version=found.version)


async def remember(caller: Caller, asked: Remember) -> Memory:
    """Lay the changes over what is remembered. A version that has passed changes nothing and is told so."""
    try:
        async with caller.db.transaction(caller.actor) as tx:
            before = await get_state(tx, caller.actor, caller.actor.id)
            state = {**before.state, **asked.changes}
            state = {name: value for name, value in state.items() if value is not None}
            change = AgentStateChange(state=state, version=asked.version)
            kept = await set_state(tx, caller.actor, caller.actor.id, change)
    except CrewhallError as error:
        if error.kind is not STALE_STATE:
            raise
        return Memory(state=error.fields["state"], version=error.fields["version"], is_stale=True)
    return Memory(state=kept.state, version=kept.version)


MEMORY = (
    Tool(
        "recall", described(Recall), Recall, recall,
        is_repeatable=True, gives=Memory, title="Recall", risk=Risk.READ, is_personal=True,
    ),
    Tool(
        "remember", described(Remember), Remember, remember,
        is_repeatable=True, gives=Memory, title="Remember", risk=Risk.WRITE, is_personal=True,
        effect=lambda asked: f"Keeps {', '.join(sorted(asked.changes)) or 'nothing'} of the person who asked.",
    ),
)  # fmt: skip
"""For agents within a turn: they act for somebody there."""
