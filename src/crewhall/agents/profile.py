"""What an agent's page says of it beside its own row: who owns it, where it comes from, who was made from it."""

from msgspec import Struct

from crewhall.agents.forks import find_parent, list_forks
from crewhall.agents.queries import find_owner_names
from crewhall.agents.schemas import AgentDetail, AgentRef
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx

MOST_FORKS = 20


class Profile(Struct):
    """`parent` is None for an agent made anew, and where the parent is gone or not to be seen."""

    owner: str | None
    parent: AgentDetail | None
    forks: list[AgentRef]
    more_forks: bool


async def read_profile(tx: Tx, actor: Actor, agent: AgentDetail) -> Profile:
    """Read an agent's profile. The actor may see the agent."""
    names = await find_owner_names(tx, [agent])
    forks = await list_forks(tx, actor, agent.id, limit=MOST_FORKS)
    return Profile(
        names.get(agent.owner_user_id) if agent.owner_user_id else None,
        await find_parent(tx, agent),
        forks.items,
        forks.next is not None,
    )
