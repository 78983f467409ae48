"""Rows of members: put in, taken out, and told to whoever caches them. Who may is decided by the callers."""

from collections.abc import Collection
from uuid import UUID

from crewhall.conversations.access import bump_membership
from crewhall.conversations.events import MemberAdded
from crewhall.conversations.schemas import NewMember
from crewhall.conversations.telling import Change, tell_change
from crewhall.conversations.vocabulary import MemberRole, MemberType, NotificationLevel
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.events import publish

JOINED = "crewhall_joined"
"""Notices of new members: the ids of organization, conversation and member, with spaces between."""


async def insert_member(
    tx: Tx,
    conversation_id: UUID,
    org_id: UUID,
    member: NewMember,
    *,
    role: MemberRole = MemberRole.MEMBER,
    added_by: Actor | None = None,
    level: NotificationLevel | None = None,
) -> bool:
    """Make somebody a member, with everything so far read; tells whether it was none before."""
    inserted = await tx.run(
        """
        insert into conversation_members (
            conversation_id, org_id, member_type, member_id, role, added_by_type, added_by, notification_level,
            last_read_seq)
        values (%(id)s, %(org)s, %(type)s, %(member)s, %(role)s, %(added_by_type)s, %(added_by)s, %(level)s, coalesce(
            (select last_seq from conversation_heads where conversation_id = %(id)s), 0))
        on conflict (conversation_id, member_type, member_id) do nothing
        """,
        {
            "id": conversation_id,
            "org": org_id,
            "type": str(member.member_type),
            "member": member.member_id,
            "role": str(role),
            "added_by_type": str(added_by.type) if added_by else None,
            "added_by": added_by.id if added_by else None,
            "level": str(level) if level else None,
        },
    )
    if inserted and role is MemberRole.READER:
        await _count_readers(tx, conversation_id, 1)
    if inserted:
        await tx.notify(JOINED, f"{org_id} {conversation_id} {member.member_id}")
        if added_by is not None and added_by.id != member.member_id:
            added = MemberAdded(org_id, conversation_id, str(member.member_type), member.member_id, str(role))
            await publish(tx, added_by, added)
    return bool(inserted)


async def delete_member(tx: Tx, conversation_id: UUID, org_id: UUID, member: NewMember) -> bool:
    """Take a member out, who is told; says whether it was one.

    What it owned passes to the longest member, people first. Who only reads along inherits nothing. The
    conversation is locked before its members, as by who hands it over.
    """
    role = await tx.value(
        """
        with locked as materialized (select id from conversations where id = %(id)s for no key update)
        delete from conversation_members
        where conversation_id = (select id from locked) and member_type = %(type)s and member_id = %(member)s
        returning role
        """,
        {"id": conversation_id, "type": str(member.member_type), "member": member.member_id},
    )
    if role == MemberRole.READER:
        await _count_readers(tx, conversation_id, -1)
    elif role is not None:
        await _pass_on(tx, conversation_id, member)
    if role is not None:
        await tell_change(tx, org_id, conversation_id, Change.REMOVED, member.member_id)
    return role is not None


async def _count_readers(tx: Tx, conversation_id: UUID, more: int) -> None:
    await tx.run(
        "update conversations set readers = readers + %(more)s where id = %(id)s",
        {"id": conversation_id, "more": more},
    )


async def _pass_on(tx: Tx, conversation_id: UUID, leaver: NewMember) -> None:
    await tx.run(
        """
        with heir as (
            select member_type, member_id from conversation_members where conversation_id = %(id)s
              and role <> 'reader'
            order by member_type = 'user' desc, joined_at, member_id limit 1
        ), owned as (
            update conversations c
            set owner_type = heir.member_type,
                owner_user_id = case when heir.member_type = 'user' then heir.member_id end,
                owner_agent_id = case when heir.member_type = 'agent' then heir.member_id end
            from heir
            where c.id = %(id)s and c.kind <> 'agent' and %(leaver)s in (c.owner_user_id, c.owner_agent_id)
            returning c.id
        )
        update conversation_members m set role = 'owner'
        from owned, heir
        where m.conversation_id = owned.id and m.member_type = heir.member_type and m.member_id = heir.member_id
        """,
        {"id": conversation_id, "leaver": leaver.member_id},
    )


async def bump_memberships(tx: Tx, conversation_ids: Collection[UUID]) -> None:
    """Bump several conversations, in the order in which the log's writer locks them."""
    for conversation_id in sorted(conversation_ids):
        await bump_membership(tx, conversation_id)


def as_member(actor: Actor) -> NewMember:
    """The actor, a person or agent, as a member."""
    return NewMember(MemberType.USER if actor.type is ActorType.USER else MemberType.AGENT, actor.id)
