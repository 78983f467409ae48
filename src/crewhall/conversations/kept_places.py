"""Where a deactivated person was: kept as it was, for when they come back."""

from uuid import UUID

from crewhall.conversations.membership import JOINED, bump_memberships
from crewhall.conversations.schemas import NewMember
from crewhall.conversations.vocabulary import MemberRole, MemberType
from crewhall.kernel.db import Tx


async def keep_places(tx: Tx, org_id: UUID, user_id: UUID) -> None:
    """Note every conversation that the person is in, with how far they read it and what they want to hear of it."""
    await tx.run(
        """
        insert into kept_memberships (org_id, user_id, conversation_id, membership)
        select m.org_id, m.member_id, m.conversation_id, to_jsonb(m) from conversation_members m
        where m.org_id = %(org)s and m.member_type = 'user' and m.member_id = %(user)s
        """,
        {"org": org_id, "user": user_id},
    )


async def return_to_places(tx: Tx, org_id: UUID, user_id: UUID) -> None:
    """Make the person a member again of what is still there.

    What they owned stays with whom it passed to, but for their sessions with agents.
    """
    await tx.run(  # what is changed below, in one order for all: places that were kept, then conversations
        """
        with kept as materialized (
            select conversation_id, membership ->> 'role' as role from kept_memberships
            where org_id = %(org)s and user_id = %(user)s order by conversation_id for update)
        select from conversations
        where id = any (array(select conversation_id from kept where role in ('reader', 'owner')))
        order by id for no key update
        """,
        {"org": org_id, "user": user_id},
    )
    back = await tx.values(
        """
        with back as (
            insert into conversation_members
            select (jsonb_populate_record(null::conversation_members, k.membership || jsonb_build_object(
                'role', case k.membership ->> 'role' when 'reader' then 'reader' else 'member' end))).*
            from kept_memberships k join conversations c on c.id = k.conversation_id and c.deleted_at is null
            where k.org_id = %(org)s and k.user_id = %(user)s
            on conflict (conversation_id, member_type, member_id) do nothing
            returning conversation_id, role
        ), counted as (
            update conversations set readers = readers + 1
            where id in (select conversation_id from back where role = 'reader'))
        select conversation_id from back
        """,
        {"org": org_id, "user": user_id},
    )
    await tx.run(  # a session is theirs: it passed to nobody but its agent
        """
        update conversations c set owner_type = 'user', owner_user_id = k.user_id, owner_agent_id = null
        from kept_memberships k
        where k.org_id = %(org)s and k.user_id = %(user)s and k.membership ->> 'role' = 'owner'
          and c.id = k.conversation_id and c.direct_agent_id is not null and c.deleted_at is null
        """,
        {"org": org_id, "user": user_id},
    )
    await forget_places(tx, org_id, user_id)
    await bump_memberships(tx, back)
    for conversation_id in back:
        await tx.notify(JOINED, f"{org_id} {conversation_id} {user_id}")


async def forget_places(tx: Tx, org_id: UUID, user_id: UUID) -> None:
    """They will not come back to these."""
    await tx.run(
        "delete from kept_memberships where org_id = %(org)s and user_id = %(user)s", {"org": org_id, "user": user_id}
    )


async def forget_place(tx: Tx, conversation_id: UUID, member: NewMember, *, role: MemberRole | None = None) -> bool:
    """They will not come back to this one; tells whether they would have. With a role: only as what they were there.

    Waits for who is coming back just now: look for them among the members afterwards.
    """
    if member.member_type is not MemberType.USER:
        return False
    forgotten = await tx.run(
        """
        delete from kept_memberships
        where org_id = any (current_orgs()) and conversation_id = %(id)s and user_id = %(user)s
          and (%(role)s::text is null or membership ->> 'role' = %(role)s)
        """,
        {"id": conversation_id, "user": member.member_id, "role": str(role) if role else None},
    )
    return bool(forgotten)
