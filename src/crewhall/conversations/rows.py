"""Writing the row of a new conversation together with its topic."""

from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crewhall.conversations.archiving import note_open
from crewhall.conversations.schemas import AgentPolicy, NewMember
from crewhall.conversations.vocabulary import ConversationKind, ConversationType, MemberType
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.ids import new_id
from crewhall.ports.message_log import MessageLog, topic_of


class NewRow(msgspec.Struct, kw_only=True):
    """A conversation to write; `owner` is a person or an agent.

    One that a program opens by what it writes is no act for the audit log, and its title are words of the message.
    """

    org_id: UUID
    kind: ConversationKind
    type: ConversationType
    owner: NewMember
    name: str | None = None
    title: str | None = None
    description: str = ""
    is_default: bool = False
    direct_key: str | None = None
    direct_agent_id: UUID | None = None
    agent_policy: AgentPolicy = msgspec.field(default_factory=AgentPolicy)
    is_audited: bool = True
    id: UUID = msgspec.field(default_factory=new_id)


async def insert_conversation(tx: Tx, actor: Actor, log: MessageLog, row: NewRow) -> bool:
    """Write the row, provision its topic, note it in the audit log; false when the direct conversation exists."""
    owned_by_person = row.owner.member_type is MemberType.USER
    inserted = await tx.run(
        """
        insert into conversations (
            id, org_id, kind, type, name, title, description, topic, is_default, owner_type, owner_user_id,
            owner_agent_id, direct_key, direct_agent_id, agent_policy, created_by)
        values (%(id)s, %(org_id)s, %(kind)s, %(type)s, %(name)s, %(title)s, %(description)s, %(topic)s, %(is_default)s,
                %(owner_type)s, %(owner_user)s, %(owner_agent)s, %(direct_key)s, %(direct_agent_id)s, %(agent_policy)s,
                %(actor)s)
        on conflict (org_id, direct_key) where deleted_at is null do nothing
        """,
        {
            **msgspec.structs.asdict(row),
            "topic": topic_of(row.id),
            "kind": str(row.kind),
            "type": str(row.type),
            "owner_type": str(row.owner.member_type),
            "owner_user": row.owner.member_id if owned_by_person else None,
            "owner_agent": None if owned_by_person else row.owner.member_id,
            "agent_policy": Jsonb(msgspec.to_builtins(row.agent_policy)),
            "actor": actor.id,
        },
    )
    if not inserted:
        return False
    await log.create(tx, row.org_id, row.id)
    if row.kind is ConversationKind.GROUP:
        await note_open(tx, row.org_id, row.id)
    if not row.is_audited:
        return True
    details = {"kind": str(row.kind), "type": str(row.type), "name": row.name or row.title}
    await audit.record(tx, actor, "conversation.created", "conversation", row.id, details)
    return True
