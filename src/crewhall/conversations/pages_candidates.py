"""Whom a page offers to talk with: the first of them, those found by what was typed, and who was chosen already."""

from collections.abc import Collection
from uuid import UUID

import msgspec

from crewhall.agents import AgentStatus, find_agents, list_agents
from crewhall.conversations.members import find_members
from crewhall.conversations.queries import MAX_QUERY_LENGTH
from crewhall.conversations.schemas import NewMember
from crewhall.conversations.vocabulary import MemberType
from crewhall.identity import find_people, list_people
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, CrewhallError

MOST_SHOWN, MOST_FOUND = 40, 20


class Candidate(msgspec.Struct):
    """Somebody with whom one may talk."""

    type: str
    id: UUID
    name: str
    handle: str
    presence: str | None = None
    is_chosen: bool = False

    @property
    def as_member(self) -> NewMember:
        """Them, as a member to be."""
        return NewMember(MemberType(self.type), self.id)


class Candidates(msgspec.Struct):
    """Those that a page offers; `has_more` when typing a name finds others."""

    found: list[Candidate]
    has_more: bool


async def load_candidates(tx: Tx, actor: Actor, typed: str = "", chosen: Collection[str] = ()) -> Candidates:
    """Who was chosen (`user:<id>`, `agent:<id>`), then agents, then people, without oneself."""
    first = await _chosen(tx, chosen)
    found, has_more = await _found(tx, actor, typed, MOST_SHOWN)
    ids = {one.id for one in first} | {actor.id}
    return Candidates([*first, *(one for one in found if one.id not in ids)], has_more)


async def load_outsiders(
    tx: Tx, actor: Actor, conversation_id: UUID, typed: str, *, people_alone: bool
) -> list[Candidate]:
    """Those found by what was typed who are not in the conversation; with a session, people alone."""
    found, _ = await _found(tx, actor, typed, MOST_FOUND)
    some = [one for one in found if one.type == "user" or not people_alone]
    inside = await find_members(tx, conversation_id, [one.as_member for one in some])
    return [one for one in some if one.as_member not in inside]


async def _found(tx: Tx, actor: Actor, typed: str, most: int) -> tuple[list[Candidate], bool]:
    q = typed.strip().removeprefix("@")[:MAX_QUERY_LENGTH].replace("\0", "") or None
    agents = await list_agents(tx, actor, q=q, limit=most)
    people = await list_people(tx, actor, q=q, limit=most)
    found = [
        *(
            Candidate("agent", agent.id, agent.name, agent.code, str(agent.presence))
            for agent in agents.items
            if agent.status is not AgentStatus.TERMINATED
        ),
        *(Candidate("user", person.id, person.name, person.handle) for person in people.items),
    ]
    return found, agents.next is not None or people.next is not None


async def _chosen(tx: Tx, chosen: Collection[str]) -> list[Candidate]:
    """Those that are there; what was chosen may be gone by now."""
    named = {_read(one): None for one in chosen}
    people = await find_people(tx, [one.member_id for one in named if one and one.member_type is MemberType.USER])
    agents = await find_agents(tx, [one.member_id for one in named if one and one.member_type is MemberType.AGENT])
    return [
        *(
            Candidate("agent", agent.id, agent.name, agent.code, str(agent.presence), is_chosen=True)
            for agent in agents.values()
        ),
        *(Candidate("user", one.id, one.name, one.handle, is_chosen=True) for one in people.values()),
    ]


def _read(named: str) -> NewMember | None:
    try:
        return member_named(named)
    except CrewhallError:
        return None


def member_named(named: str) -> NewMember:
    """Read `user:<id>` or `agent:<id>`."""
    kind, _, identity = named.partition(":")
    try:
        return NewMember(MemberType(kind), UUID(identity))
    except ValueError as error:
        raise INVALID("Choose somebody from the list.", field="member") from error
