"""Completions: what a caller asked of an agent beyond the words that stand in the conversation.

A completion is written before its message, which names it in its client id: `completion:<id>`. Whoever takes the turn
about that message finds it, in any process.
"""

from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.runtime.runs import Run

PREFIX = "completion:"
"""Before a completion's id, in the client id of its message."""
INSTRUCTED = "(The program that passes this on has instructions of its own for the answer:)"
TOLD = "(Said elsewhere before, as that program tells it:)"


class CallersTool(msgspec.Struct, kw_only=True):
    """A tool that the caller has and uses itself. `parameters` is the JSON schema of its arguments."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = {}
    strict: bool | None = None


class Earlier(msgspec.Struct):
    """Something that was said before, in a conversation that Crewhall does not have."""

    role: str
    text: str


class Completion(msgspec.Struct, kw_only=True):
    """What was asked: the caller's instructions, what was said elsewhere, its tools, settings for the model."""

    instructions: list[str] = []
    earlier: list[Earlier] = []
    tools: list[CallersTool] = []
    settings: dict[str, Any] = {}

    def aside(self) -> str | None:
        """What the agent is told of it beside the conversation; None where there is nothing to tell."""
        parts = [INSTRUCTED, *self.instructions] if self.instructions else []
        if self.earlier:
            parts += [TOLD, *(f"{said.role}: {said.text}" for said in self.earlier)]
        return "\n\n".join(parts) or None

    def over(self, config: dict[str, Any], longest: int) -> dict[str, Any]:
        """The agent's model configuration with the caller's settings.

        An answer is never longer than the agent's own, in tokens; `longest` where the agent names none.
        """
        asked = dict(self.settings)
        if "max_tokens" in asked:
            most = config.get("max_tokens")
            asked["max_tokens"] = min(asked["max_tokens"], most if isinstance(most, int) else longest)
        return config | asked


_OF_RUN: LiteralString = """
select c.request from message_records r
join completions c
  on c.id = substring(r.client_id from '^completion:([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})$')::uuid
where r.id = %(message)s and r.conversation_id = %(conversation)s and r.client_id like 'completion:%%'
  and c.agent_id = %(agent)s and c.author_id = r.author_id and c.conversation_id = r.conversation_id
"""


async def insert_completion(
    tx: Tx, actor: Actor, completion_id: UUID, conversation_id: UUID, agent_id: UUID, asked: Completion
) -> None:
    """Keep what the actor asks of an agent in a conversation; whoever calls has checked its access to both."""
    await tx.run(
        """
        insert into completions (id, org_id, conversation_id, agent_id, author_type, author_id, request)
        values (%(id)s, %(org)s, %(conversation)s, %(agent)s, %(author_type)s, %(author)s, %(request)s)
        """,
        {
            "id": completion_id,
            "org": actor.org,
            "conversation": conversation_id,
            "agent": agent_id,
            "author_type": str(actor.type),
            "author": actor.id,
            "request": Jsonb(msgspec.to_builtins(asked)),
        },
    )


async def find_completion(tx: Tx, run: Run) -> Completion | None:
    """Return what was asked beyond the message that set a run off; None where that was said in no such way."""
    if run.message_id is None:
        return None
    values = {"message": run.message_id, "conversation": run.conversation_id, "agent": run.agent_id}
    request = await tx.value(_OF_RUN, values)
    return None if request is None else msgspec.convert(request, Completion)
