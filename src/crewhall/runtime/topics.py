"""Agents on Kafka: each that asks for them has topics, in which it finds what is for it and says what it says.

Topics are made and deleted behind the change: whoever asks for them finds here how far that is. What is in its inbox
that the agent has not read goes there first. A webhook or a model of the agent's answers before its topics do.
"""

from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.agents import AgentDeleted, access_agent
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.ports.agent_topics import NO_KAFKA, AgentTopics
from crewhall.runtime.schemas_topics import AgentOnKafka, TopicsStanding

CHANNEL = "crewhall_agent_topics"
"""NOTIFY channel: topics of an agent are wanted, there, or wanted no more."""

_SHOWN: LiteralString = """
select t.id, t.agent_id, t.state, greatest(coalesce(h.last_seq, 0) - t.fed_seq, 0)::integer as waiting,
       case when w.id is not null then 'webhook' when a.model_config ->> 'provider' is not null then 'model' end
           as answered_by,
       t.failures, t.failing_since, t.last_error, t.fed_at, t.heard_at, t.refused, t.last_refusal, t.last_refused_at,
       t.created_at, t.updated_at
from agent_topics t
join agents a on a.org_id = t.org_id and a.id = t.agent_id
left join conversation_heads h on h.conversation_id = t.inbox_id
left join agent_runtimes w on w.org_id = t.org_id and w.agent_id = t.agent_id and w.deleted_at is null
where t.org_id = any (current_orgs()) and t.agent_id = %(agent)s and t.deleted_at is null
"""
_INBOX: LiteralString = """
select c.id, coalesce(m.last_read_seq, 0) as read_seq
from conversations c
left join conversation_members m
  on m.conversation_id = c.id and m.member_type = 'agent' and m.member_id = c.owner_agent_id
where c.org_id = any (current_orgs()) and c.owner_agent_id = %(agent)s and c.kind = 'agent' and c.deleted_at is null
"""


class _Inbox(msgspec.Struct):
    id: UUID
    read_seq: int


async def give_topics(tx: Tx, actor: Actor, agent_id: UUID, topics: AgentTopics) -> AgentOnKafka:
    """Give an agent topics. Raises NO_KAFKA, CONFLICT where it has some."""
    agent = await access_agent(tx, actor, agent_id, "credentials", lock=True)
    if not topics.bootstrap:
        raise NO_KAFKA("Whoever runs this installation connects it to Kafka first: CREWHALL_KAFKA_BOOTSTRAP.")
    if await find_topics(tx, agent_id, topics) is not None:
        raise CONFLICT(f"{agent.name} has topics. Remove them first if others are wanted.")
    inbox = await tx.one(_Inbox, _INBOX, {"agent": agent_id})
    await tx.run(
        """
        insert into agent_topics (id, org_id, agent_id, inbox_id, fed_seq, created_by, updated_by)
        values (%(id)s, %(org)s, %(agent)s, %(inbox)s, %(read)s, %(actor)s, %(actor)s)
        """,
        {
            "id": new_id(), "org": actor.org, "agent": agent_id, "inbox": inbox.id, "read": inbox.read_seq,
            "actor": actor.id,
        },
    )  # fmt: skip
    await audit.record(tx, actor, "agent.topics_created", "agent", agent_id, {})
    await tx.notify(CHANNEL, "")
    return await _get(tx, agent_id, topics)


async def get_topics(tx: Tx, actor: Actor, agent_id: UUID, topics: AgentTopics) -> AgentOnKafka:
    """Return an agent's topics, to who manages it and to itself. Raises NOT_FOUND, FORBIDDEN."""
    await access_agent(tx, actor, agent_id, "own_credentials")
    return await _get(tx, agent_id, topics)


async def find_topics(tx: Tx, agent_id: UUID, topics: AgentTopics) -> AgentOnKafka | None:
    """Return an agent's topics; None where it has none. The caller has checked its access."""
    found = await tx.find(TopicsStanding, _SHOWN, {"agent": agent_id})
    if found is None:
        return None
    names = topics.names(found.id)
    return AgentOnKafka(
        **msgspec.structs.asdict(found),
        bootstrap=topics.bootstrap,
        prefix=names.prefix,
        inbox_topic=names.inbox,
        outbox_topic=names.outbox,
        refused_topic=names.refused,
        consumer_group=names.group,
        grants=[
            f"--add --allow-principal User:AGENT --operation {operation} {what}"
            for operation, what in (
                ("Read", f"--topic {names.inbox}"),
                ("Read", f"--group {names.group}"),
                ("Write", f"--topic {names.outbox}"),
                ("Read", f"--topic {names.refused}"),
            )
        ],
    )


async def remove_topics(tx: Tx, actor: Actor, agent_id: UUID, topics: AgentTopics) -> None:
    """Take an agent's topics away, with what is in them: nothing it says there is heard any more. Raises NOT_FOUND."""
    await access_agent(tx, actor, agent_id, "credentials", lock=True)
    await _get(tx, agent_id, topics)
    await _retire(tx, actor, agent_id)
    await audit.record(tx, actor, "agent.topics_removed", "agent", agent_id, {})


async def retire_topics_of(tx: Tx, actor: Actor, event: AgentDeleted) -> None:
    """An agent that is deleted takes its topics along."""
    await _retire(tx, actor, event.agent_id)


async def _retire(tx: Tx, actor: Actor, agent_id: UUID) -> None:
    retired = await tx.run(
        """
        update agent_topics set state = 'retiring', deleted_at = now(), look_at = now(), updated_by = %(actor)s
        where org_id = %(org)s and agent_id = %(agent)s and deleted_at is null
        """,
        {"org": actor.org, "agent": agent_id, "actor": actor.id},
    )
    if retired:
        await tx.notify(CHANNEL, "")


async def _get(tx: Tx, agent_id: UUID, topics: AgentTopics) -> AgentOnKafka:
    found = await find_topics(tx, agent_id, topics)
    if found is None:
        raise NOT_FOUND("The agent has no topics at Kafka.")
    return found
