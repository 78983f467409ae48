"""What an agent's page says of it beside its own row: who owns it, where it comes from, who was made from it."""

from msgspec import Struct

from crewhall.agents.borrowing import is_borrowed
from crewhall.agents.forks import find_parent, list_forks
from crewhall.agents.grant_queries import list_grants
from crewhall.agents.grant_schemas import AgentGrant, Direction
from crewhall.agents.queries import find_owner_names
from crewhall.agents.schemas import AgentDetail, AgentRef
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx

MOST_FORKS = 20


class Profile(Struct):
    """`parent` is None for an agent made anew, and where the parent is gone or not to be seen.

    `borrowed` is the grant by which another organization lends it, `grants` those by which it is lent, both for who
    manages agents.
    """

    owner: str | None
    parent: AgentDetail | None
    forks: list[AgentRef]
    more_forks: bool
    is_borrowed: bool
    borrowed: AgentGrant | None
    grants: list[AgentGrant]


async def read_profile(tx: Tx, actor: Actor, agent: AgentDetail) -> Profile:
    """Read an agent's profile. The actor may see the agent."""
    names = await find_owner_names(tx, [agent])
    grants: list[AgentGrant] = []
    if is_allowed(actor, Permission.AGENTS_UPDATE):
        grants = (await list_grants(tx, actor, agent_id=agent.id, is_open=True)).items
    forks = await list_forks(tx, actor, agent.id, limit=MOST_FORKS)
    return Profile(
        names.get(agent.owner_user_id) if agent.owner_user_id else None,
        await find_parent(tx, agent),
        forks.items,
        forks.next is not None,
        await is_borrowed(tx, agent.id),
        next((one for one in grants if one.direction is Direction.BORROWED), None),
        [one for one in grants if one.direction is Direction.LENT],
    )
