"""What an agent remembers of one person: a JSON object with a version, so that concurrent writers lose nothing."""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crewhall.agents.access import access_agent
from crewhall.agents.schemas import Open
from crewhall.agents.shapes import check_json
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import FORBIDDEN, define_error
from crewhall.kernel.ids import new_id

STALE_STATE = define_error("stale_state", 409, "Changed meanwhile")


class AgentState(msgspec.Struct, kw_only=True):
    """What an agent remembers of a person. Version 0: nothing was ever kept."""

    state: Open = {}
    version: int = 0
    updated_at: datetime | None = None


class AgentStateChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The whole of what is to be remembered, and the version that it was made from (0: nothing was there)."""

    state: Open
    version: int


_READ: LiteralString = """
select state, version, updated_at from agent_states
where org_id = any (current_orgs()) and agent_id = %(agent)s and user_id = %(user)s
"""
_FIRST: LiteralString = """
insert into agent_states (id, org_id, agent_id, user_id, state)
values (%(id)s, %(org)s, %(agent)s, %(user)s, %(state)s)
on conflict (org_id, user_id, agent_id) do nothing returning state, version, updated_at
"""
_NEXT: LiteralString = """
update agent_states set state = %(state)s, version = version + 1
where org_id = %(org)s and agent_id = %(agent)s and user_id = %(user)s and version = %(version)s
returning state, version, updated_at
"""


async def get_state(tx: Tx, actor: Actor, agent_id: UUID) -> AgentState:
    """Return what an agent remembers of the acting person, or of the one for whom the agent itself acts.

    Raises NOT_FOUND, FORBIDDEN.
    """
    user_id = await _person(tx, actor, agent_id)
    return await tx.find(AgentState, _READ, {"agent": agent_id, "user": user_id}) or AgentState()


async def find_state(tx: Tx, agent_id: UUID, user_id: UUID) -> AgentState | None:
    """What an agent remembers of a person, for a turn that it takes for that person alone; None where nothing is."""
    return await tx.find(AgentState, _READ, {"agent": agent_id, "user": user_id})


async def set_state(tx: Tx, actor: Actor, agent_id: UUID, change: AgentStateChange) -> AgentState:
    """Keep a state in place of the version that it was made from.

    Raises as `get_state`, INVALID (too large), STALE_STATE with what is there when that is another version by now.
    """
    check_json(change.state, "state")
    user_id = await _person(tx, actor, agent_id)
    values: dict[str, Any] = {
        "id": new_id(),
        "org": actor.org,
        "agent": agent_id,
        "user": user_id,
        "state": Jsonb(change.state),
        "version": change.version,
    }
    kept = await tx.find(AgentState, _FIRST if change.version == 0 else _NEXT, values)
    if kept is None:
        now = await tx.find(AgentState, _READ, values) or AgentState()
        raise STALE_STATE(
            f"This is version {now.version} by now. Read it, and change that.", state=now.state, version=now.version
        )
    return kept


async def _person(tx: Tx, actor: Actor, agent_id: UUID) -> UUID:
    """The person whose state it is: one's own, or of the one person for whom the agent acts."""
    if actor.type is ActorType.USER:
        await access_agent(tx, actor, agent_id)
        return actor.id
    people = [one.id for one in actor.behalf if one.type is ActorType.USER]
    if actor.id != agent_id or len(people) != 1 or len(actor.behalf) != 1:
        raise FORBIDDEN("An agent remembers something of one person, while it acts for that person alone.")
    return people[0]
