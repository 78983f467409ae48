"""Members: listed, added, removed; people and agents alike. Every row says who added it."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from crewhall.conversations.access import Access, Verb, access_conversation, bump_membership, refusal
from crewhall.conversations.candidates import check_candidates
from crewhall.conversations.draft_files import release_out_of_reach
from crewhall.conversations.kept_places import forget_place
from crewhall.conversations.membership import as_member, delete_member, insert_member
from crewhall.conversations.queries import MAX_QUERY_LENGTH
from crewhall.conversations.schemas import Member, NewMember
from crewhall.conversations.sharing import share_session, unshare_session
from crewhall.conversations.vocabulary import ConversationKind, ConversationStatus, ConversationType
from crewhall.identity import Permission, check_permission
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, INVALID, NOT_FOUND
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of


async def list_members(
    tx: Tx,
    actor: Actor,
    conversation_id: UUID,
    *,
    q: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[Member]:
    """List the members of a conversation that the actor may read, in the order in which they joined.

    `q` finds part of a name, a handle or a code.
    """
    if q is not None and (len(q) > MAX_QUERY_LENGTH or "\0" in q):
        raise INVALID(f"q takes at most {MAX_QUERY_LENGTH} characters without NUL.", field="q")
    await access_conversation(tx, actor, conversation_id, Verb.READ)
    size = check_limit(limit)
    key = decode_cursor(after, datetime, UUID)
    rows = await tx.all(
        Member,
        """
        select k.member_type, k.member_id, coalesce(u.name, a.name, '') as name,
               coalesce(u.handle, a.code, '') as handle, k.role,
               case when k.added_by is not null and (k.added_by, k.added_by_type) <> (k.member_id, k.member_type)
                    then json_build_object('type', k.added_by_type, 'id', k.added_by, 'name', coalesce(
                       (select w.name from users w where w.id = k.added_by),
                       (select w.name from agents w where w.id = k.added_by), '')) end as added_by,
               k.joined_at, k.last_read_seq
        from conversation_members k
        left join users u on k.member_type = 'user' and u.id = k.member_id
        left join agents a on k.member_type = 'agent' and a.org_id = k.org_id and a.id = k.member_id
        where k.conversation_id = %(id)s
          and (%(q)s::text is null or strpos(
                  lower(concat_ws(' ', u.name, u.handle, a.name, a.code)), lower(%(q)s)) > 0)
          and (%(after)s::timestamptz is null or (k.joined_at, k.member_id) > (%(after)s, %(after_id)s))
        order by k.joined_at, k.member_id limit %(limit)s
        """,
        {
            "id": conversation_id,
            "q": q.strip() or None if q else None,
            "after": key[0] if key else None,
            "after_id": key[1] if key else None,
            "limit": size + 1,
        },
    )
    return page_of(rows, size, lambda row: (row.joined_at, row.member_id))


async def find_members(tx: Tx, conversation_id: UUID, some: Collection[NewMember]) -> set[NewMember]:
    """Which of these are members of a conversation that the actor may read."""
    found = await tx.all(
        NewMember,
        """
        select k.member_type, k.member_id from conversation_members k
        where k.conversation_id = %(id)s and k.member_id = any (%(ids)s)
        """,
        {"id": conversation_id, "ids": [one.member_id for one in some]},
    )
    return set(found) & set(some)


async def list_member_ids(tx: Tx, conversation_id: UUID) -> list[UUID]:
    """Who is in a conversation, people and agents; for what tells them, which asks nobody's rights."""
    return await tx.values(
        "select member_id from conversation_members where conversation_id = %(id)s", {"id": conversation_id}
    )


async def find_maker(tx: Tx, conversation_id: UUID) -> UUID | None:
    """Who made a conversation that the actor may read; whoever owns it by now."""
    maker: UUID | None = await tx.value(
        "select created_by from conversations where id = %(id)s", {"id": conversation_id}
    )
    return maker


async def add_member(tx: Tx, actor: Actor, conversation_id: UUID, member: NewMember) -> bool:
    """Make somebody of the organization a member; any member may, and who manages the conversation.

    A direct session is shared by that: whom its person adds reads it along. Tells whether it was none before. Raises
    NOT_FOUND, FORBIDDEN, INVALID (nobody known), CONFLICT (archived).
    """
    access = await access_conversation(tx, actor, conversation_id, Verb.READ)
    if access.kind == ConversationKind.DIRECT:
        return await share_session(tx, actor, access, member)
    check_changeable(access)
    if not access.is_member and (error := refusal(actor, access, Verb.MANAGE)):
        raise error
    await check_candidates(tx, [member])
    if not await insert_member(tx, conversation_id, access.org_id, member, added_by=actor):
        return False
    await _tell(tx, actor, "conversation.member_added", conversation_id, member)
    return True


async def remove_member(tx: Tx, actor: Actor, conversation_id: UUID, member: NewMember) -> None:
    """Take a member out; who manages the conversation may, and everybody may leave.

    Of a direct session, whose it is takes readers out. A deactivated person who was a member does not come back to it.
    """
    access = await access_conversation(tx, actor, conversation_id, Verb.READ)
    if access.kind == ConversationKind.DIRECT:
        await unshare_session(tx, actor, access, member)
        return
    check_changeable(access)
    if member != as_member(actor) and (error := refusal(actor, access, Verb.MANAGE)):
        raise error
    was_kept = await forget_place(tx, conversation_id, member)
    if not await delete_member(tx, conversation_id, access.org_id, member) and not was_kept:
        raise NOT_FOUND("This conversation has no such member.")
    await release_out_of_reach(tx, conversation_id)
    await _tell(tx, actor, "conversation.member_removed", conversation_id, member)


async def join_conversation(tx: Tx, actor: Actor, conversation_id: UUID) -> bool:
    """Join a public channel; tells whether the actor was no member before."""
    access = await access_conversation(tx, actor, conversation_id, Verb.READ)
    check_changeable(access)
    check_permission(actor, Permission.ORGANIZATION_READ)
    if access.is_member:
        return False
    if access.type != ConversationType.PUBLIC:
        raise FORBIDDEN("Only public channels can be joined; ask a member to add you.")
    if not await insert_member(tx, conversation_id, access.org_id, as_member(actor)):
        return False
    await bump_membership(tx, conversation_id)
    return True


async def leave_conversation(tx: Tx, actor: Actor, conversation_id: UUID) -> None:
    """Leave a conversation; leaving one that the actor has not joined changes nothing."""
    access = await access_conversation(tx, actor, conversation_id, Verb.READ)
    if access.kind == ConversationKind.DIRECT:
        await unshare_session(tx, actor, access, as_member(actor))
        return
    check_changeable(access)
    if await delete_member(tx, conversation_id, access.org_id, as_member(actor)):
        await release_out_of_reach(tx, conversation_id)
        await bump_membership(tx, conversation_id)


def check_changeable(access: Access) -> None:
    """Refuse to change the members of what has a fixed company, or is archived. Raises CONFLICT."""
    if access.kind in {ConversationKind.DIRECT, ConversationKind.AGENT}:
        raise CONFLICT("The members of this conversation are fixed. Open a group instead.")
    if access.type == ConversationType.SYSTEM:
        raise CONFLICT("System channels have no members: owners and admins read them.")
    if access.status == ConversationStatus.ARCHIVED:
        raise CONFLICT("This conversation is archived. Restore it first.")


async def _tell(tx: Tx, actor: Actor, action: str, conversation_id: UUID, member: NewMember) -> None:
    await bump_membership(tx, conversation_id)
    details = {"member_type": str(member.member_type), "member_id": str(member.member_id)}
    await audit.record(tx, actor, action, "conversation", conversation_id, details)
