"""Triggers: why an agent may speak. Messages make them by way of the log; tasks and callers by `add_trigger`.

A trigger is pending until it is decided for good; what was decided stands in `turn_decisions`.
"""

from uuid import UUID

import msgspec

from crewhall.agents import AgentDetail, access_agent
from crewhall.conversations import CONSUMER_BATCH, Verb, access_conversation
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import INVALID
from crewhall.kernel.ids import new_id
from crewhall.runtime.places import MOST_NAMED, SHARDS, Place, name_places
from crewhall.runtime.runs import TRIGGERS_CHANNEL
from crewhall.runtime.runtimes import find_runtime
from crewhall.runtime.vocabulary import Cause


class _Derived(msgspec.Struct):
    seen: int
    named: str | None


class TriggerDeriver:
    """Derives triggers from the log's records."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._is_lost = False
        """Whether a step was begun whose end is not known."""

    async def step(self) -> int:
        """Derive the next batch, unless another process does; gives the number of records seen."""
        was_lost, self._is_lost = self._is_lost, True
        async with self._db.alone(announces=TRIGGERS_CHANNEL) as tx:
            derived = await tx.one(
                _Derived,
                "select seen, named from announce_triggers(%(size)s, %(most)s)",
                {"size": CONSUMER_BATCH, "most": MOST_NAMED},
            )
            if was_lost:  # what it announced came back as our own, and nobody here was told
                tx.tell(TRIGGERS_CHANNEL, ",".join(map(str, range(SHARDS))))
            if derived.named is not None:
                tx.tell(TRIGGERS_CHANNEL, derived.named)
        self._is_lost = False
        return derived.seen


async def add_trigger(
    tx: Tx,
    actor: Actor,
    *,
    conversation_id: UUID,
    agent_id: UUID,
    cause: Cause,
    message_id: UUID | None = None,
    prompt: str | None = None,
) -> UUID:
    """Ask an agent for a turn, about a message, or by a prompt, or both; decided as soon as the transaction commits.

    Returns the trigger's id. A message that already waits to be decided for the agent is asked about anew.
    Raises NOT_FOUND (conversation, agent), FORBIDDEN, CONVERSATION_CLOSED, INVALID (no such message, neither given, or
    a prompt for an agent that thinks elsewhere and is only told).
    """
    access = await access_conversation(tx, actor, conversation_id, Verb.POST)
    agent = await access_agent(tx, actor, agent_id)
    if prompt is not None:
        await check_prompts(tx, agent)
    if message_id is None and prompt is None:
        raise INVALID("Say what the agent is to do: name a message, or give a prompt.", field="prompt")
    message_seq = await _seq_of(tx, conversation_id, message_id)
    trigger_id = message_id if message_id is not None and prompt is None else new_id()
    await tx.run(
        """
        insert into turn_triggers (id, org_id, conversation_id, agent_id, cause, author_type, author_id, message_id,
                                   message_seq, prompt)
        values (%(id)s, %(org)s, %(conversation)s, %(agent)s, %(cause)s, %(author_type)s, %(author)s, %(message)s,
                %(seq)s, %(prompt)s)
        on conflict (agent_id, id) do update
        set cause = excluded.cause, author_type = excluded.author_type, author_id = excluded.author_id,
            waits_for = null, due_at = now()
        """,
        {
            "id": trigger_id,
            "org": access.org_id,
            "conversation": conversation_id,
            "agent": agent_id,
            "cause": str(cause),
            "author_type": str(actor.type),
            "author": actor.id,
            "message": message_id,
            "seq": message_seq,
            "prompt": prompt,
        },
    )
    await tx.notify(TRIGGERS_CHANNEL, name_places([Place(access.org_id, conversation_id, agent_id)]))
    return trigger_id


async def check_prompts(tx: Tx, agent: AgentDetail) -> None:
    """Refuse an agent that takes no prompts: it neither thinks here nor is served at an address. Raises INVALID."""
    if agent.model_config.get("provider") is None and await find_runtime(tx, agent.id) is None:
        raise INVALID(f"{agent.name} thinks elsewhere and hears messages alone: mention it instead.", field="prompt")


async def _seq_of(tx: Tx, conversation_id: UUID, message_id: UUID | None) -> int:
    """The message's seq, or the conversation's last one."""
    seq: int | None = await tx.value(
        """
        select case when %(id)s::uuid is null then h.last_seq else (
            select m.seq from messages m where m.id = %(id)s and m.conversation_id = h.conversation_id
              and m.deleted_at is null) end
        from conversation_heads h where h.conversation_id = %(conversation)s
        """,
        {"id": message_id, "conversation": conversation_id},
    )
    if seq is None:
        raise INVALID("message_id names no message of this conversation.", field="message_id")
    return seq
