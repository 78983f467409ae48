"""The tool `ask_agent`: another agent is asked by a message that mentions it, under the conversation's policy.

Nobody waits for anybody: the one who asks goes on and ends its turn, the answer is a message like any other, and a
reply to it begins a turn of its own. So two agents that ask each other cannot hold each other up.
"""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.agents import find_agents_by_codes
from crewhall.conversations import Posting, PostMessage
from crewhall.kernel.errors import INVALID, NOT_FOUND
from crewhall.kernel.tools import Caller, Risk, Tool, described
from crewhall.runtime.preview import preview_message
from crewhall.runtime.schemas import MessageDraft
from crewhall.runtime.vocabulary import Outcome


class AskAgent(Struct, forbid_unknown_fields=True, kw_only=True):
    """Ask another agent something, by a message that mentions it.

    Its answer comes later, as a message of its own: do not wait for it, end your turn. Whether it answers is for the
    conversation's policy; `explanation` says what was decided.
    """

    agent: Annotated[str, Meta(min_length=1, max_length=101, description="The agent's code, as in @code.")]
    question: Annotated[str, Meta(min_length=1, max_length=39_000, pattern=r"\S")]
    conversation_id: Annotated[
        UUID | None, Meta(description="Where to ask. Left out: in the conversation that this turn is about.")
    ] = None


class AskedAgent(Struct, kw_only=True):
    """Whether the agent was asked; `message_id` is the question. Without one nothing was posted."""

    is_asked: bool
    explanation: str
    message_id: UUID | None = None
    seq: int | None = None


async def ask_agent(caller: Caller, asked: AskAgent) -> AskedAgent:
    """Post the question, unless the policy says that it would not be answered."""
    place = asked.conversation_id or caller.here
    if place is None:
        raise INVALID("Say which conversation: `conversation_id`.", field="conversation_id")
    code = asked.agent.removeprefix("@")
    async with caller.db.transaction(caller.actor) as tx:
        known = await find_agents_by_codes(tx, [code])
    if code not in known:
        raise NOT_FOUND(f"There is no agent @{code}. `list_agents` shows those that there are.", field="agent")
    if known[code].id == caller.actor.id:
        raise INVALID("This is you. Ask another agent.", field="agent")
    content = f"@{code} {asked.question}"
    posting = caller.parts.part(Posting)
    preview = await preview_message(caller.db, posting, caller.actor, place, MessageDraft(content=content))
    woken = next((one for one in preview.agents if one.agent.id == known[code].id), None)
    if woken is None or woken.outcome is Outcome.SILENT:
        why = woken.explanation if woken is not None else f"@{code} would not hear of it there."
        return AskedAgent(is_asked=False, explanation=f"Not asked: {why}")
    data = PostMessage(
        content=content, client_id=f"run:{caller.run_id}:{caller.key}", metadata={"run_id": str(caller.run_id)}
    )
    message = (await posting.post(caller.actor, place, data)).message
    return AskedAgent(is_asked=True, explanation=woken.explanation, message_id=message.id, seq=message.seq)


ASK_AGENT = Tool(
    "ask_agent", described(AskAgent), AskAgent, ask_agent,
    is_repeatable=True, gives=AskedAgent, title="Ask another agent", risk=Risk.WRITE,
    effect=lambda asked: f"Posts a message that asks @{asked.agent.removeprefix('@')}.",
)  # fmt: skip
