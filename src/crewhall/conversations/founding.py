"""What follows for conversations when organizations, people and agents come and go (in the same transaction)."""

from uuid import UUID

from crewhall.agents import AgentCreated, AgentDeleted, AgentStatus, AgentStatusChanged, Visibility, serve_topic
from crewhall.conversations.kept_places import forget_places, keep_places, return_to_places
from crewhall.conversations.membership import bump_memberships, delete_member, insert_member
from crewhall.conversations.rows import NewRow, insert_conversation
from crewhall.conversations.schemas import NewMember
from crewhall.conversations.vocabulary import ConversationKind, ConversationType, MemberRole, MemberType
from crewhall.identity import MemberDeactivated, MemberJoined, MemberLeft, MemberReactivated, OrganizationCreated
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.events import subscribe
from crewhall.ports.message_log import MessageLog, topic_of

FIRST_CHANNELS = {
    "general": "Everything that concerns everybody.",
    "updates": "What people and agents have done.",
    "learnings": "What is worth remembering.",
    "alerts": "What needs attention now.",
}
AUDIT_CHANNEL = "audit"


class Founding:
    """Keeps conversations in step with identity and agents. The last one subscribed acts (one per process)."""

    current: "Founding | None" = None

    def __init__(self, log: MessageLog) -> None:
        self.log = log

    async def open_first_channels(self, tx: Tx, actor: Actor, event: OrganizationCreated) -> None:
        """Open the channels that every organization starts with; the owner is their first member."""
        owner = NewMember(MemberType.USER, event.owner_id)
        for name, description in FIRST_CHANNELS.items():
            row = NewRow(
                org_id=event.org_id,
                kind=ConversationKind.CHANNEL,
                type=ConversationType.PUBLIC,
                owner=owner,
                name=name,
                description=description,
                is_default=True,
            )
            await insert_conversation(tx, actor, self.log, row)
            await insert_member(tx, row.id, row.org_id, owner, role=MemberRole.OWNER)
        audit = NewRow(
            org_id=event.org_id,
            kind=ConversationKind.CHANNEL,
            type=ConversationType.SYSTEM,
            owner=owner,
            name=AUDIT_CHANNEL,
            description="Who changed what, as it happens. For owners and admins; the audit log has every detail.",
        )
        await insert_conversation(tx, actor, self.log, audit)

    async def open_inbox(self, tx: Tx, actor: Actor, event: AgentCreated) -> None:
        """Open the topic that the agent serves; public agents join the default channels."""
        agent = NewMember(MemberType.AGENT, event.agent_id)
        row = NewRow(
            org_id=event.org_id,
            kind=ConversationKind.AGENT,
            type=ConversationType.PRIVATE,
            owner=agent,
            title=event.name,
        )
        await insert_conversation(tx, actor, self.log, row)
        await insert_member(tx, row.id, row.org_id, agent, role=MemberRole.OWNER)
        await serve_topic(tx, event.agent_id, topic_of(row.id))
        if event.visibility is Visibility.PUBLIC:
            await join_default_channels(tx, event.org_id, agent)

    async def close_inbox(self, tx: Tx, actor: Actor, agent_id: UUID, org_id: UUID) -> None:
        """Retire the agent's topic: it stays readable, takes nothing more, and goes when the agent is purged."""
        inbox = await tx.value(
            """
            update conversations set status = 'archived', topic_state = 'retiring', updated_by = %(actor)s
            where org_id = %(org)s and owner_agent_id = %(agent)s and kind = 'agent' and deleted_at is null
            returning id
            """,
            {"org": org_id, "agent": agent_id, "actor": actor.id},
        )
        if inbox is not None:
            await self.log.retire(tx, org_id, inbox)
            await bump_memberships(tx, [inbox])


async def join_default_channels(tx: Tx, org_id: UUID, member: NewMember) -> None:
    """Make somebody a member of the organization's default public channels."""
    channels = await tx.values(
        """
        select id from conversations
        where org_id = %(org)s and is_default and type = 'public' and status <> 'archived' and deleted_at is null
        """,
        {"org": org_id},
    )
    joined = [channel for channel in channels if await insert_member(tx, channel, org_id, member)]
    await bump_memberships(tx, joined)


async def leave_everywhere(tx: Tx, org_id: UUID, member: NewMember) -> None:
    """Take somebody out of the organization's conversations. An agent keeps its inbox and direct ones, to be read."""
    left = await tx.values(
        """
        select k.conversation_id from conversation_members k join conversations c on c.id = k.conversation_id
        where k.org_id = %(org)s and k.member_type = %(type)s and k.member_id = %(member)s
          and (k.member_type = 'user' or c.kind in ('group', 'channel'))
        """,
        {"org": org_id, "type": str(member.member_type), "member": member.member_id},
    )
    for conversation_id in sorted(left):
        await delete_member(tx, conversation_id, org_id, member)
    await bump_memberships(tx, left)


def subscribe_conversations(log: MessageLog) -> None:
    """Follow identity and agents from now on; `log` owns the topics that this opens and retires."""
    Founding.current = Founding(log)
    subscribe(OrganizationCreated, _on_organization_created)
    subscribe(MemberJoined, _on_member_joined)
    subscribe(MemberLeft, _on_member_left)
    subscribe(MemberDeactivated, _on_member_deactivated)
    subscribe(MemberReactivated, _on_member_reactivated)
    subscribe(AgentCreated, _on_agent_created)
    subscribe(AgentDeleted, _on_agent_deleted)
    subscribe(AgentStatusChanged, _on_agent_status_changed)


def _founding() -> Founding:
    if Founding.current is None:
        raise LookupError("subscribe_conversations comes first")
    return Founding.current


async def _on_organization_created(tx: Tx, actor: Actor, event: OrganizationCreated) -> None:
    await _founding().open_first_channels(tx, actor, event)


async def _on_member_joined(tx: Tx, _actor: Actor, event: MemberJoined) -> None:
    await join_default_channels(tx, event.org_id, NewMember(MemberType.USER, event.user_id))


async def _on_member_left(tx: Tx, _actor: Actor, event: MemberLeft) -> None:
    await forget_places(tx, event.org_id, event.user_id)
    await leave_everywhere(tx, event.org_id, NewMember(MemberType.USER, event.user_id))


async def _on_member_deactivated(tx: Tx, _actor: Actor, event: MemberDeactivated) -> None:
    await keep_places(tx, event.org_id, event.user_id)
    await leave_everywhere(tx, event.org_id, NewMember(MemberType.USER, event.user_id))


async def _on_member_reactivated(tx: Tx, _actor: Actor, event: MemberReactivated) -> None:
    await return_to_places(tx, event.org_id, event.user_id)
    await join_default_channels(tx, event.org_id, NewMember(MemberType.USER, event.user_id))


async def _on_agent_created(tx: Tx, actor: Actor, event: AgentCreated) -> None:
    await _founding().open_inbox(tx, actor, event)


async def _on_agent_deleted(tx: Tx, actor: Actor, event: AgentDeleted) -> None:
    await _founding().close_inbox(tx, actor, event.agent_id, event.org_id)
    await leave_everywhere(tx, event.org_id, NewMember(MemberType.AGENT, event.agent_id))


async def _on_agent_status_changed(tx: Tx, actor: Actor, event: AgentStatusChanged) -> None:
    if event.after is AgentStatus.TERMINATED:
        await _founding().close_inbox(tx, actor, event.agent_id, event.org_id)
