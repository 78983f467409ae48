"""Who can be made a member: people of the organization, and its agents as far as the actor may see them."""

from collections.abc import Collection
from uuid import UUID

from crewhall.agents import AgentStatus, find_agents
from crewhall.conversations.schemas import NewMember
from crewhall.conversations.vocabulary import MemberType
from crewhall.identity import find_people
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID


async def check_candidates(tx: Tx, members: Collection[NewMember]) -> None:
    """Refuse members who are not there, not of the organization, hidden from the transaction's actor, or terminated."""
    people = await find_people(tx, _ids(members, MemberType.USER))
    agents = await find_agents(tx, _ids(members, MemberType.AGENT))
    for member in members:
        if member.member_type is MemberType.USER and member.member_id not in people:
            raise INVALID("There is no such person in the organization.", field="members", id=str(member.member_id))
        if member.member_type is MemberType.AGENT:
            agent = agents.get(member.member_id)
            if agent is None or agent.status is AgentStatus.TERMINATED:
                raise INVALID("There is no such agent in the organization.", field="members", id=str(member.member_id))


def _ids(members: Collection[NewMember], kind: MemberType) -> list[UUID]:
    return [member.member_id for member in members if member.member_type is kind]
