"""Changing, archiving, restoring and deleting conversations."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET
from psycopg.types.json import Jsonb

from crewhall.conversations.access import Access, Verb, access_conversation, bump_membership, refusal
from crewhall.conversations.archiving import close, is_archived_by_itself, note_restored, set_stays_open
from crewhall.conversations.draft_files import release_out_of_reach
from crewhall.conversations.membership import as_member, insert_member
from crewhall.conversations.opening import clear_name_conflict
from crewhall.conversations.queries import get_conversation
from crewhall.conversations.schemas import AgentPolicy, AgentPolicyChange, Conversation, ConversationChange
from crewhall.conversations.telling import Change, tell_change
from crewhall.conversations.vocabulary import ConversationKind, ConversationStatus, ConversationType, MemberRole
from crewhall.identity import Permission, check_permission
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, INVALID
from crewhall.ports.message_log import MessageLog


async def change_conversation(tx: Tx, actor: Actor, conversation_id: UUID, change: ConversationChange) -> Conversation:
    """Change what is given; its owner and admins may. Making a channel private keeps its members and nobody else.

    Raises NOT_FOUND, FORBIDDEN, INVALID (not for this kind), CONFLICT (the name is taken).
    """
    access = await _manage(tx, actor, conversation_id)
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    _check_kind(access, given)
    now = await get_conversation(tx, actor, conversation_id)
    if policy := given.pop("agent_policy", None):
        given["agent_policy"] = _differing(policy, now.agent_policy) or now.agent_policy
    given = {name: value for name, value in given.items() if value != getattr(now, name)}
    if not given:
        return now
    _check_default(actor, now, given)
    await _write(tx, actor, conversation_id, given)
    await tell_change(tx, access.org_id, conversation_id, Change.CHANGED)
    if "stays_open" in given:
        await set_stays_open(tx, conversation_id, stays_open=given["stays_open"])
    if "type" in given:
        if given["type"] == ConversationType.PRIVATE:
            role = MemberRole.OWNER if access.is_owner else MemberRole.MEMBER
            await insert_member(tx, conversation_id, access.org_id, as_member(actor), role=role, added_by=actor)
            await release_out_of_reach(tx, conversation_id)
        await bump_membership(tx, conversation_id)
    await audit.record(tx, actor, "conversation.changed", "conversation", conversation_id, given)
    return await get_conversation(tx, actor, conversation_id)


async def archive_conversation(tx: Tx, actor: Actor, log: MessageLog, conversation_id: UUID) -> Conversation:
    """Make a conversation read-only until it is restored; archiving an archived one changes nothing."""
    access = await _manage(tx, actor, conversation_id)
    if access.status != ConversationStatus.ARCHIVED:
        await close(tx, actor, log, conversation_id)
        await _audit(tx, actor, "conversation.archived", access)
    return await get_conversation(tx, actor, conversation_id)


async def restore_conversation(tx: Tx, actor: Actor, log: MessageLog, conversation_id: UUID) -> Conversation:
    """Let an archived conversation take messages again. What archived itself is restored by any of its members."""
    access = await access_conversation(tx, actor, conversation_id, Verb.READ)
    if not await may_restore(tx, actor, access):
        access = await _manage(tx, actor, conversation_id)
    if access.status == ConversationStatus.ARCHIVED:
        await tx.run(
            "update conversations set status = 'active', updated_by = %(actor)s where id = %(id)s",
            {"id": conversation_id, "actor": actor.id},
        )
        await log.reopen(tx, access.org_id, conversation_id)
        await note_restored(tx, access.org_id, conversation_id, access.kind)
        await tell_change(tx, access.org_id, conversation_id, Change.RESTORED)
        await bump_membership(tx, conversation_id)
        await _audit(tx, actor, "conversation.restored", access)
    return await get_conversation(tx, actor, conversation_id)


async def may_restore(tx: Tx, actor: Actor, access: Access) -> bool:
    """Whether the actor may restore what it reads: who manages it, and each member of a group that archived itself."""
    if refusal(actor, access, Verb.MANAGE) is None:
        return access.type != ConversationType.SYSTEM
    is_plain_member = access.kind == ConversationKind.GROUP and access.is_member
    return is_plain_member and await is_archived_by_itself(tx, access.conversation_id)


async def delete_conversation(
    tx: Tx, actor: Actor, log: MessageLog, conversation_id: UUID, confirm: str | None
) -> None:
    """Delete a conversation for everybody and retire its topic. `confirm` is its name or title, typed again.

    Raises NOT_FOUND, FORBIDDEN (also where two people talk with each other), INVALID.
    """
    access = await _manage(tx, actor, conversation_id)
    if access.is_of_two_people:
        raise FORBIDDEN("What two people said to each other, neither deletes for both. Archive it instead.")
    title = await tx.value("select title from conversations where id = %(id)s", {"id": conversation_id})
    if confirm != (access.name or title or ""):
        raise INVALID(
            "To delete the conversation, give its name (or title; empty where it has none) again as confirm.",
            field="confirm",
        )
    await tx.run(
        """
        update conversations
        set status = 'deleted', deleted_at = now(), topic_state = 'retiring', updated_by = %(actor)s
        where id = %(id)s
        """,
        {"id": conversation_id, "actor": actor.id},
    )
    await release_out_of_reach(tx, conversation_id)
    await log.retire(tx, access.org_id, conversation_id)
    await tell_change(tx, access.org_id, conversation_id, Change.DELETED)
    await bump_membership(tx, conversation_id)
    await _audit(tx, actor, "conversation.deleted", access)


async def _manage(tx: Tx, actor: Actor, conversation_id: UUID) -> Access:
    access = await access_conversation(tx, actor, conversation_id, Verb.MANAGE)
    if access.type == ConversationType.SYSTEM:
        raise FORBIDDEN("System channels belong to Crewhall: they cannot be changed or deleted.")
    # As an update locks it, no more: who posts holds the head and refers to this row.
    await tx.run("select from conversations where id = %(id)s for no key update", {"id": conversation_id})
    return access


def _check_default(actor: Actor, now: Conversation, given: dict[str, Any]) -> None:
    """New people join public channels alone: one that becomes private is joined by nobody any more."""
    if "is_default" in given:
        check_permission(actor, Permission.CHANNELS_UPDATE)
    is_public = given.get("type", now.type) == ConversationType.PUBLIC
    if given.get("is_default") and not (is_public and now.kind is ConversationKind.CHANNEL):
        raise INVALID("New people join public channels alone.", field="is_default")
    if now.is_default and not is_public:
        given["is_default"] = False


def _differing(change: AgentPolicyChange, now: AgentPolicy) -> dict[str, Any]:
    given = msgspec.structs.asdict(change)
    return {name: value for name, value in given.items() if value is not UNSET and value != getattr(now, name)}


def _check_kind(access: Access, given: dict[str, Any]) -> None:
    if access.kind != ConversationKind.CHANNEL:
        for field in ("name", "type"):
            if field in given:
                raise INVALID(f"Only channels have a {field} to change.", field=field)
    if access.kind != ConversationKind.GROUP and "stays_open" in given:
        raise INVALID("Only groups archive themselves.", field="stays_open")
    if access.kind == ConversationKind.GROUP and "title" in given and not (given["title"] or "").strip():
        raise INVALID("A group needs a title.", field="title")
    if access.status == ConversationStatus.ARCHIVED and given:
        raise CONFLICT("This conversation is archived. Restore it first.")


async def _write(tx: Tx, actor: Actor, conversation_id: UUID, given: dict[str, Any]) -> None:
    with clear_name_conflict():
        await tx.run(
            """
            update conversations set
                name = case when %(has_name)s then %(name)s else name end,
                type = coalesce(%(type)s, type),
                title = case when %(has_title)s then %(title)s else title end,
                description = coalesce(%(description)s, description),
                is_default = coalesce(%(is_default)s, is_default),
                agent_policy = agent_policy || %(agent_policy)s,
                updated_by = %(actor)s
            where id = %(id)s
            """,
            {
                "id": conversation_id,
                "actor": actor.id,
                "has_name": "name" in given,
                "has_title": "title" in given,
                "name": given.get("name"),
                "type": given.get("type"),
                "title": given.get("title"),
                "description": given.get("description"),
                "is_default": given.get("is_default"),
                "agent_policy": Jsonb(given.get("agent_policy") or {}),
            },
        )


async def _audit(tx: Tx, actor: Actor, action: str, access: Access) -> None:
    details = {"kind": access.kind, "name": access.name}
    await audit.record(tx, actor, action, "conversation", access.conversation_id, details)
