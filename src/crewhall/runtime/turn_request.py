"""What a runtime is sent: the turn that is asked of its agent, as JSON. docs/webhook-agents.md describes it.

The same turn makes the same bytes, at whichever attempt: all of it stands in the run's journal.
"""

from datetime import datetime
from typing import Literal, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct

from crewhall.kernel.actor import ActorType
from crewhall.kernel.db import Tx
from crewhall.runtime.context import Context, Line
from crewhall.runtime.endings import Ending, failed
from crewhall.runtime.runs import Run
from crewhall.runtime.schemas import RunAgent
from crewhall.runtime.vocabulary import Cause


class WebhookPlace(Struct, kw_only=True):
    """The conversation of a turn. `members` are some of those who are there, as `Name (@handle)`."""

    id: UUID
    kind: str
    name: str | None
    title: str | None
    organization: str
    members: list[str]


class WebhookMessage(Struct, kw_only=True):
    """A message of the conversation. `thread_seq` is the seq of the message that it replies to."""

    id: UUID
    seq: int
    author_type: ActorType
    author_id: UUID
    name: str
    handle: str | None
    content: str
    thread_seq: int | None
    created_at: datetime


class WebhookTrigger(Struct, kw_only=True):
    """Why the agent is asked: a message, or without one the turn's prompt."""

    cause: Cause
    message_id: UUID | None
    message_seq: int | None


class WebhookReply(Struct, kw_only=True):
    """Where the answer goes, and the token with which it, and the conversation, may be asked for while the turn lasts.

    `answer_url` takes the answer of a runtime that said 202, until `answer_until`; `messages_url` reads and posts.
    """

    answer_url: str
    messages_url: str
    token: str
    answer_until: datetime


class TurnAsked(Struct, kw_only=True):
    """A turn. `instructions` say who the agent is and how its answer is used; `messages` is the conversation's window.

    The window is what an agent that thinks here would be shown, up to `seen_seq`; `omitted`: older messages were left
    out. `prompt` is what is asked beyond the conversation, `aside` what a program told beside it. `parent_id` is the
    thread in which the answer will stand.
    """

    run_id: UUID
    exchange_id: UUID
    agent: RunAgent
    conversation: WebhookPlace
    cause: Cause
    triggers: list[WebhookTrigger]
    prompt: str | None
    aside: str | None
    parent_id: UUID | None
    instructions: str
    messages: list[WebhookMessage]
    omitted: bool
    seen_seq: int
    reply: WebhookReply


class TurnWebhook(Struct, kw_only=True):
    """An agent is asked for a turn. `timestamp` is when, the same at each attempt to say it."""

    type: Literal["turn"] = "turn"
    timestamp: datetime
    data: TurnAsked


class Pinged(Struct, kw_only=True):
    """Which agent's runtime is tried, and who asked."""

    agent: RunAgent
    asked_by: str


class PingWebhook(Struct, kw_only=True):
    """Somebody tries whether the runtime is there and knows the secret. Any 2xx will do; nothing is posted."""

    type: Literal["ping"] = "ping"
    timestamp: datetime
    data: Pinged


class WebhookAnswer(Struct, kw_only=True):
    """What a runtime answers at once: `content`, or `silent`. More fields are let be."""

    content: str | None = None
    silent: bool = False


_TRIGGERS: LiteralString = """
select distinct on (d.message_id) d.cause, d.message_id, d.message_seq from turn_decisions d
where d.org_id = %(org)s and d.run_id = %(run)s and d.outcome = 'speak' order by d.message_id, d.id
"""


async def read_triggers(tx: Tx, run: Run) -> list[WebhookTrigger]:
    """Return why a run was decided, in order of the conversation."""
    found = await tx.all(WebhookTrigger, _TRIGGERS, {"org": run.org_id, "run": run.id})
    own = WebhookTrigger(cause=run.cause, message_id=run.message_id, message_seq=run.message_seq)
    return sorted(found or [own], key=lambda one: one.message_seq or 0)


def write_turn(
    run: Run,
    agent: RunAgent,
    context: Context,
    triggers: list[WebhookTrigger],
    reply: WebhookReply,
    *,
    asked_at: datetime,
    most_bytes: int,
) -> bytes:
    """The body of a turn. Where it is longer than may be sent, the oldest messages are left out.

    Raises TurnEnded where even the rest is too long.
    """
    place = context.place
    asked = TurnAsked(
        run_id=run.id,
        exchange_id=run.exchange_id,
        agent=agent,
        conversation=WebhookPlace(
            id=run.conversation_id,
            kind=place.kind,
            name=place.name,
            title=place.title,
            organization=place.organization,
            members=place.members,
        ),
        cause=run.cause,
        triggers=triggers,
        prompt=run.prompt,
        aside=context.aside,
        parent_id=run.parent_id,
        instructions=context.instructions,
        messages=[_message(line) for line in context.lines],
        omitted=context.omitted,
        seen_seq=context.seen_seq,
        reply=reply,
    )
    body = _encoded(asked, asked_at)
    while len(body) > most_bytes:
        if not asked.messages:
            raise failed(
                Ending.RUNTIME_FAILED,
                f"What {agent.name} is asked is longer than {most_bytes // 1024} KiB. Ask for something smaller.",
            )
        asked.messages, asked.omitted = _shortened(asked.messages, {one.message_seq for one in triggers}), True
        body = _encoded(asked, asked_at)
    return body


def _shortened(messages: list[WebhookMessage], kept: set[int | None]) -> list[WebhookMessage]:
    """The messages without the older half of those that were not asked about; without any, where all were."""
    others = [message for message in messages if message.seq not in kept]
    left_out = {message.seq for message in others[: (len(others) + 1) // 2]}
    return [message for message in messages if message.seq not in left_out] if left_out else []


def _message(line: Line) -> WebhookMessage:
    return WebhookMessage(
        id=line.id,
        seq=line.seq,
        author_type=line.author_type,
        author_id=line.author_id,
        name=line.name,
        handle=line.handle,
        content=line.content,
        thread_seq=line.thread,
        created_at=line.created_at,
    )


def _encoded(asked: TurnAsked, asked_at: datetime) -> bytes:
    return msgspec.json.encode(TurnWebhook(timestamp=asked_at, data=asked))
