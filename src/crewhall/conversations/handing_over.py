"""Handing a channel or a group over: one of its members becomes its owner."""

from collections.abc import Collection
from uuid import UUID

from crewhall.agents import authenticates, find_agents
from crewhall.conversations.access import Verb, access_conversation, bump_membership
from crewhall.conversations.members import check_changeable
from crewhall.conversations.queries import get_conversation
from crewhall.conversations.schemas import Conversation, NewMember
from crewhall.conversations.vocabulary import MemberType
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT


async def hand_over(tx: Tx, actor: Actor, conversation_id: UUID, member: NewMember) -> Conversation:
    """Make a member the owner; who owned it stays a member. Who manages the conversation may.

    Handing it to whose it is changes nothing. Raises NOT_FOUND, FORBIDDEN, CONFLICT (no member, an agent that is
    switched off, archived, fixed).
    """
    await access_conversation(tx, actor, conversation_id, Verb.MANAGE)
    values = {"id": conversation_id, "type": str(member.member_type), "member": member.member_id}
    # The conversation before its members, as who leaves it. Whose it is, is known for certain once it is locked.
    await tx.run("select from conversations where id = %(id)s for no key update", values)
    access = await access_conversation(tx, actor, conversation_id, Verb.MANAGE)
    check_changeable(access)
    role = await tx.value(
        """
        select role from conversation_members
        where conversation_id = %(id)s and member_type = %(type)s and member_id = %(member)s for no key update
        """,
        values,
    )
    if role is None:
        raise CONFLICT("Only a member becomes the owner. Add them first.")
    if role != "owner" and member not in await find_heirs(tx, [member]):
        raise CONFLICT("This agent is switched off, or hidden from you. Hand it to somebody who takes part.")
    if role != "owner":
        await tx.run(
            """
            update conversation_members
            set role = case when member_type = %(type)s and member_id = %(member)s then 'owner' else 'member' end
            where conversation_id = %(id)s
              and (role = 'owner' or (member_type = %(type)s and member_id = %(member)s))
            """,
            values,
        )
        await tx.run(
            """
            update conversations set owner_type = %(type)s,
                owner_user_id = case %(type)s when 'user' then %(member)s::uuid end,
                owner_agent_id = case %(type)s when 'agent' then %(member)s::uuid end
            where id = %(id)s
            """,
            values,
        )
        await bump_membership(tx, conversation_id)
        details = {"member_type": str(member.member_type), "member_id": str(member.member_id)}
        await audit.record(tx, actor, "conversation.owner_changed", "conversation", conversation_id, details)
    return await get_conversation(tx, actor, conversation_id)


async def find_heirs(tx: Tx, some: Collection[NewMember]) -> set[NewMember]:
    """Which of these members may be handed something: people, and agents that the actor sees and that are not off."""
    agents = await find_agents(tx, [one.member_id for one in some if one.member_type is MemberType.AGENT])
    able = {agent.id for agent in agents.values() if authenticates(agent.status)}
    return {one for one in some if one.member_type is MemberType.USER or one.member_id in able}
