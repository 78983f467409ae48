"""Opening conversations: channels, groups, direct ones. Row, topic and members are written in one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from uuid import UUID

from psycopg.errors import CheckViolation, UniqueViolation

from crewhall.conversations.access import bump_membership
from crewhall.conversations.archiving import note_restored
from crewhall.conversations.candidates import check_candidates
from crewhall.conversations.membership import as_member, insert_member
from crewhall.conversations.queries import get_conversation
from crewhall.conversations.rows import NewRow, insert_conversation
from crewhall.conversations.schemas import AgentPolicy, Conversation, NewConversation, NewMember
from crewhall.conversations.telling import Change, tell_change
from crewhall.conversations.vocabulary import ConversationKind, ConversationType, MemberRole, MemberType
from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, INVALID
from crewhall.ports.message_log import MessageLog

MAX_NAME = 80
NAME_FORM = "A channel needs a name of lower-case letters, digits, dashes and underscores."


async def open_conversation(tx: Tx, actor: Actor, log: MessageLog, data: NewConversation) -> Conversation:
    """Open a conversation, owned by the actor, and return it. A direct one that exists is returned as it is.

    Raises FORBIDDEN, INVALID (what the kind needs is missing, or a member is unknown), CONFLICT (the name is taken).
    """
    members = list(dict.fromkeys(member for member in data.members if member != as_member(actor)))
    opener = {"channel": _open_channel, "group": _open_group, "direct": _open_direct}[data.kind]
    return await get_conversation(tx, actor, await opener(tx, actor, log, data, members))


async def free_channel_name(tx: Tx, wanted: str) -> str:
    """A name for a new channel that no other has: the wanted one, or that with a number."""
    stem = wanted.strip("-")[: MAX_NAME - 5] or "channel"
    taken = await tx.values(
        """
        select name from conversations where org_id = any (current_orgs()) and kind = 'channel' and deleted_at is null
          and starts_with(name, %(stem)s)
        """,
        {"stem": stem},
    )
    return next(name for name in chain([stem], (f"{stem}-{number}" for number in count(2))) if name not in taken)


@contextmanager
def clear_name_conflict() -> Iterator[None]:
    """Turn the database's refusals of a channel's name into sentences."""
    try:
        yield
    except CheckViolation as error:
        if error.diag.constraint_name != "conversations_name_form":
            raise
        raise INVALID(NAME_FORM, field="name") from error
    except UniqueViolation as error:
        if error.diag.constraint_name != "conversations_channel_key":
            raise
        raise CONFLICT("A channel of this name exists. Choose another name.", field="name") from error


async def _open_channel(tx: Tx, actor: Actor, log: MessageLog, data: NewConversation, members: list[NewMember]) -> UUID:
    check_permission(actor, Permission.CHANNELS_CREATE)
    if data.name is None:
        raise INVALID(NAME_FORM, field="name")
    row = NewRow(
        org_id=actor.org,
        kind=ConversationKind.CHANNEL,
        type=ConversationType(data.type or "public"),
        owner=as_member(actor),
        name=data.name,
        title=data.title,
        description=data.description,
        agent_policy=data.agent_policy or AgentPolicy(),
    )
    with clear_name_conflict():
        await insert_conversation(tx, actor, log, row)
    await _insert_members(tx, actor, row, members)
    return row.id


async def _open_group(tx: Tx, actor: Actor, log: MessageLog, data: NewConversation, members: list[NewMember]) -> UUID:
    check_permission(actor, Permission.CONVERSATIONS_CREATE)
    if data.name is not None or data.type == "public":
        raise INVALID("A group has a title and is private. Open a channel instead.", field="name")
    if not (data.title or "").strip():
        raise INVALID("A group needs a title.", field="title")
    row = NewRow(
        org_id=actor.org,
        kind=ConversationKind.GROUP,
        type=ConversationType.PRIVATE,
        owner=as_member(actor),
        title=data.title,
        description=data.description,
        agent_policy=data.agent_policy or AgentPolicy(),
    )
    await insert_conversation(tx, actor, log, row)
    await _insert_members(tx, actor, row, members)
    return row.id


async def _open_direct(tx: Tx, actor: Actor, log: MessageLog, data: NewConversation, members: list[NewMember]) -> UUID:
    check_permission(actor, Permission.CONVERSATIONS_CREATE)
    if len(members) != 1 or data.name is not None or data.type == "public":
        raise INVALID("A direct conversation is private and needs exactly one other member.", field="members")
    pair = [as_member(actor), members[0]]
    agents = [member.member_id for member in pair if member.member_type is MemberType.AGENT]
    if len(agents) > 1:
        raise INVALID("A direct conversation is between a person and an agent, or two people.", field="members")
    await check_candidates(tx, members)
    row = NewRow(
        org_id=actor.org,
        kind=ConversationKind.DIRECT,
        type=ConversationType.PRIVATE,
        owner=as_member(actor),
        direct_key="|".join(sorted(f"{member.member_type}:{member.member_id}" for member in pair)),
        direct_agent_id=agents[0] if agents else None,
        agent_policy=data.agent_policy or AgentPolicy(),
    )
    if await insert_conversation(tx, actor, log, row):
        await _insert_members(tx, actor, row, members)
        return row.id
    return await _reopen_direct(tx, actor, log, row, pair)


async def open_direct(tx: Tx, actor: Actor, log: MessageLog, agent_id: UUID) -> UUID:
    """Return the actor's direct conversation with an agent, made or restored if need be.

    Raises FORBIDDEN, INVALID (no such agent, or the actor is one itself).
    """
    members = [NewMember(MemberType.AGENT, agent_id)]
    return await _open_direct(tx, actor, log, NewConversation(kind="direct"), members)


async def open_session(tx: Tx, actor: Actor, log: MessageLog, agent_id: UUID, title: str) -> UUID:
    """Open a new direct conversation with an agent beside any that there are, and return its id.

    Raises FORBIDDEN, INVALID (no such agent, or the actor itself).
    """
    check_permission(actor, Permission.CONVERSATIONS_CREATE)
    agent = NewMember(MemberType.AGENT, agent_id)
    if agent == as_member(actor):
        raise INVALID("An agent does not talk to itself.", field="members")
    row = NewRow(
        org_id=actor.org,
        kind=ConversationKind.DIRECT,
        type=ConversationType.PRIVATE,
        owner=as_member(actor),
        title=title or None,
        direct_agent_id=agent_id,
        is_audited=False,
    )
    await insert_conversation(tx, actor, log, row)
    await _insert_members(tx, actor, row, [agent])
    return row.id


async def _reopen_direct(tx: Tx, actor: Actor, log: MessageLog, row: NewRow, pair: list[NewMember]) -> UUID:
    """The direct conversation that these two have: restored if it was archived, with both as its members.

    One who left the organization and came back is a member again.
    """
    found: UUID = await tx.value(
        """
        select id from conversations where org_id = %(org)s and direct_key = %(key)s and deleted_at is null
        for no key update
        """,
        {"org": row.org_id, "key": row.direct_key},
    )
    restored = await tx.run(
        "update conversations set status = 'active', updated_by = %(actor)s where id = %(id)s and status = 'archived'",
        {"id": found, "actor": actor.id},
    )
    if restored:
        await log.reopen(tx, row.org_id, found)
        await note_restored(tx, row.org_id, found, ConversationKind.DIRECT)
        await tell_change(tx, row.org_id, found, Change.RESTORED)
    returned = [await insert_member(tx, found, row.org_id, member, added_by=actor) for member in pair]
    if restored or any(returned):
        await bump_membership(tx, found)
    return found


async def _insert_members(tx: Tx, actor: Actor, row: NewRow, members: list[NewMember]) -> None:
    await check_candidates(tx, members)
    await insert_member(tx, row.id, row.org_id, as_member(actor), role=MemberRole.OWNER, added_by=actor)
    for member in members:
        await insert_member(tx, row.id, row.org_id, member, added_by=actor)
