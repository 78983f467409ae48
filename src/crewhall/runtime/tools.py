"""Tools: what an agent may do beyond answering. Declared once, for whoever offers them.

A tool takes a struct and gives what JSON can hold. Everything is done with the agent's own rights.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from crewhall.conversations import Posting, PostMessage, Verb, access_conversation
from crewhall.conversations import search_messages as find
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database
from crewhall.ports.message_log import MAX_CLIENT_ID_LENGTH
from crewhall.runtime.runs import Run

Limit = Annotated[int, Meta(ge=1, le=50, description="How many at most.")]


class Caller(msgspec.Struct, frozen=True):
    """Who calls a tool, in which run. `key` is the call's own within the run: the same when it is made again."""

    db: Database
    posting: Posting
    agent: Actor
    run: Run
    key: str


Call = Callable[[Caller, Any], Awaitable[Any]]


class Tool(msgspec.Struct, frozen=True):
    """A tool. One that is repeatable may be called again when it is not known whether it was done."""

    name: str
    description: str
    takes: type[msgspec.Struct]
    call: Call
    is_repeatable: bool

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of what it takes."""
        _, components = msgspec.json.schema_components([self.takes])
        schema: dict[str, Any] = components[self.takes.__name__]
        return schema


class ReadMessages(msgspec.Struct, forbid_unknown_fields=True):
    """Read messages of a conversation, newest last."""

    conversation_id: UUID | None = None
    before: Annotated[int, Meta(ge=1, description="Only messages with a lower number.")] | None = None
    limit: Limit = 20


class SearchMessages(msgspec.Struct, forbid_unknown_fields=True):
    """Search the messages that you may read, newest first."""

    query: Annotated[str, Meta(min_length=1, max_length=200)]
    limit: Limit = 10


class Post(msgspec.Struct, forbid_unknown_fields=True):
    """Post a message in another conversation."""

    conversation_id: UUID
    content: Annotated[str, Meta(min_length=1, max_length=40_000, description="Markdown.")]


class _Shown(msgspec.Struct):
    number: int
    author: str
    content: str
    at: str


async def read_messages(caller: Caller, asked: ReadMessages) -> list[dict[str, Any]]:
    """Messages of this conversation or another one that the agent may read."""
    conversation = asked.conversation_id or caller.run.conversation_id
    async with caller.db.transaction(caller.agent) as tx:
        await access_conversation(tx, caller.agent, conversation, Verb.READ)
        found = await tx.all(
            _Shown,
            """
            select seq as number, author_name as author, content, wire_time(created_at) as at
            from messages
            where conversation_id = %(conversation)s and deleted_at is null
              and seq < coalesce(%(before)s, 9223372036854775807)
            order by seq desc limit %(limit)s
            """,
            {"conversation": conversation, "before": asked.before, "limit": asked.limit},
        )
    return [msgspec.structs.asdict(shown) for shown in reversed(found)]


async def search_messages(caller: Caller, asked: SearchMessages) -> list[dict[str, Any]]:
    """What is found, with where it stands."""
    async with caller.db.transaction(caller.agent) as tx:
        page = await find(tx, caller.agent, asked.query, limit=asked.limit)
    return [
        {
            "conversation": hit.conversation.name or hit.conversation.title,
            "conversation_id": str(hit.conversation_id),
            "number": hit.seq,
            "author": hit.author.name,
            "content": hit.content,
        }
        for hit in page.items
    ]


async def post(caller: Caller, asked: Post) -> dict[str, Any]:
    """Post; the call's key is its client id, so that the same call made again posts nothing more."""
    client_id = f"run:{caller.run.id}:{caller.key}"[:MAX_CLIENT_ID_LENGTH]
    posted = await caller.posting.post(
        caller.agent,
        asked.conversation_id,
        PostMessage(content=asked.content, client_id=client_id, metadata={"run_id": str(caller.run.id)}),
    )
    return {"number": posted.message.seq, "conversation_id": str(asked.conversation_id)}


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool("read_messages", ReadMessages.__doc__ or "", ReadMessages, read_messages, is_repeatable=True),
        Tool("search_messages", SearchMessages.__doc__ or "", SearchMessages, search_messages, is_repeatable=True),
        Tool("post_message", Post.__doc__ or "", Post, post, is_repeatable=True),
    )
}
"""The tools that come with Crewhall, by the name that agents list them by."""
