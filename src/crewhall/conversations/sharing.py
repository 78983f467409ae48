"""Sharing a direct session: named people read along what one person and one agent say, and write nothing.

It stays a session of two, in which the agent answers its person. Whose it is shares it, and nobody else: no admin, and
no agent.
"""

from crewhall.conversations.access import Access, bump_membership
from crewhall.conversations.candidates import check_candidates
from crewhall.conversations.kept_places import forget_place
from crewhall.conversations.membership import as_member, delete_member, insert_member
from crewhall.conversations.schemas import NewMember
from crewhall.conversations.telling import Change, tell_change
from crewhall.conversations.vocabulary import MemberRole, MemberType, NotificationLevel
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, INVALID, NOT_FOUND
from crewhall.kernel.errors import CrewhallError as Error

MOST_READERS = 100


def refuse_sharing(actor: Actor, access: Access) -> Error | None:
    """Why somebody who reads a direct conversation may not share it, or None."""
    if access.direct_agent_id is None:
        return CONFLICT("What two people say to each other is not shared. Open a group instead.")
    if access.is_reader or actor.type is not ActorType.USER or not access.is_member:
        return FORBIDDEN("Only the person whose session it is shares it.")
    return None


async def share_session(tx: Tx, actor: Actor, access: Access, member: NewMember) -> bool:
    """Let a person of the organization read a session along; tells whether they did not before.

    Raises FORBIDDEN, INVALID (no such person, an agent), CONFLICT (two people's, too many readers).
    """
    if error := refuse_sharing(actor, access):
        raise error
    if member.member_type is not MemberType.USER:
        raise INVALID("A session is shared with people. To have several agents, open a group.", field="member_type")
    await check_candidates(tx, [member])
    query = "select readers from conversations where id = %(id)s for no key update"
    if await tx.value(query, {"id": access.conversation_id}) >= MOST_READERS:
        raise CONFLICT(f"A session is shared with at most {MOST_READERS} people. Open a channel instead.")
    is_new = await insert_member(
        tx,
        access.conversation_id,
        access.org_id,
        member,
        role=MemberRole.READER,
        added_by=actor,
        level=NotificationLevel.MENTIONS,
    )
    if is_new:
        await _tell(tx, actor, "conversation.shared", access, member)
    return is_new


async def unshare_session(tx: Tx, actor: Actor, access: Access, member: NewMember) -> None:
    """Take a reader out: whose session it is may, and readers themselves.

    A deactivated one does not come back to it. Raises CONFLICT for the two, NOT_FOUND.
    """
    is_self = member == as_member(actor)
    if is_self and not access.is_reader:
        raise CONFLICT("The members of this conversation are fixed. Open a group instead.")
    if not is_self and (error := refuse_sharing(actor, access)):
        raise error
    # Where they were kept before the conversation, as who comes back; that before its member, as who shares it.
    was_kept = await forget_place(tx, access.conversation_id, member, role=MemberRole.READER)
    await tx.run("select from conversations where id = %(id)s for no key update", {"id": access.conversation_id})
    role = await tx.value(
        """
        select role from conversation_members
        where conversation_id = %(id)s and member_type = %(type)s and member_id = %(member)s
        """,
        {"id": access.conversation_id, "type": str(member.member_type), "member": member.member_id},
    )
    if role is None and not was_kept:
        raise NOT_FOUND("This conversation has no such member.")
    if role not in {None, MemberRole.READER}:
        raise CONFLICT("The members of this conversation are fixed. Open a group instead.")
    await delete_member(tx, access.conversation_id, access.org_id, member)
    await _tell(tx, actor, "conversation.unshared", access, member)


async def _tell(tx: Tx, actor: Actor, action: str, access: Access, member: NewMember) -> None:
    await tell_change(tx, access.org_id, access.conversation_id, Change.CHANGED)
    await bump_membership(tx, access.conversation_id)
    details = {"member_type": str(member.member_type), "member_id": str(member.member_id)}
    await audit.record(tx, actor, action, "conversation", access.conversation_id, details)
