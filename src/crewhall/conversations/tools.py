"""What agents, and whoever comes through MCP, can do in conversations. The same queries and actions as over HTTP."""

from uuid import UUID

import msgspec

from crewhall.conversations import queries, read_marks, search
from crewhall.conversations.access import Verb, access_conversation
from crewhall.conversations.history import messages_json
from crewhall.conversations.messages import get_message, message_of_json
from crewhall.conversations.metadata import FILES
from crewhall.conversations.overlays import Overlays
from crewhall.conversations.posting import Posting
from crewhall.conversations.schemas import Conversation, PostMessage, ReadState
from crewhall.conversations.search_filters import Filters
from crewhall.conversations.tools_schemas import (
    Conversations,
    Hit,
    Hits,
    ListConversations,
    MarkRead,
    Messages,
    Post,
    React,
    ReadMessages,
    ReadThread,
    Reply,
    SearchMessages,
    Shown,
    ShownConversation,
    ShownFile,
    Thread,
)
from crewhall.conversations.wire import Message
from crewhall.kernel.actor import Actor, ActorType, system_actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID
from crewhall.kernel.paging import Page
from crewhall.kernel.tools import Caller, Risk, Tool, described
from crewhall.ports.message_log import MAX_CLIENT_ID_LENGTH


async def list_conversations(caller: Caller, asked: ListConversations) -> Conversations:
    """A page of the conversations within the caller's reach."""
    async with caller.db.transaction(caller.actor) as tx:
        page = await queries.list_conversations(
            tx, caller.actor, kind=asked.kind, mine=asked.joined, q=asked.text, after=asked.after, limit=asked.limit
        )
    return Conversations([_conversation(item) for item in page.items], page.next)


async def read_messages(caller: Caller, asked: ReadMessages) -> Messages:
    """A page of a conversation's messages."""
    conversation = asked.conversation_id or caller.here
    if conversation is None:
        raise INVALID("Say which conversation: `conversation_id`.", field="conversation_id")
    if asked.after is not None and asked.before is not None:
        raise INVALID("Give `after` or `before`, not both.", field="before")
    found = await _read(caller, conversation, limit=asked.limit, after=asked.after, before=asked.before)
    return Messages([shown(message) for message in found.items], _seq(found.next))


async def read_thread(caller: Caller, asked: ReadThread) -> Thread:
    """A thread, wherever in it the message stands."""
    first = await _first_of_thread(caller, asked.conversation_id, asked.message_id, Verb.READ)
    found = await _read(caller, asked.conversation_id, limit=asked.limit, after=asked.after, parent=first.id)
    return Thread(shown(first), [shown(message) for message in found.items], _seq(found.next))


async def search_messages(caller: Caller, asked: SearchMessages) -> Hits:
    """What is found, with where it stands."""
    async with caller.db.transaction(caller.actor) as tx:
        page = await search.search(
            tx, caller.actor, asked.query,
            filters=Filters(places=(asked.conversation_id,) if asked.conversation_id else ()),
            after=asked.after, limit=asked.limit,
        )  # fmt: skip
    return Hits([Hit(shown(hit), hit.conversation.name or hit.conversation.title) for hit in page.items], page.next)


async def post_message(caller: Caller, asked: Post) -> Shown:
    """Post. Within a run the call's key names the message, so that the same call made again posts nothing more."""
    data = PostMessage(content=asked.content, title=asked.title, kind=asked.kind, client_id=asked.client_id)
    return await _post(caller, asked.conversation_id, data)


async def reply_to_message(caller: Caller, asked: Reply) -> Shown:
    """Reply: to a reply, in the same thread."""
    first = await _first_of_thread(caller, asked.conversation_id, asked.message_id, Verb.POST)
    data = PostMessage(content=asked.content, parent_id=first.id, client_id=asked.client_id)
    return await _post(caller, asked.conversation_id, data)


async def react_to_message(caller: Caller, asked: React) -> Shown:
    """Lay a reaction over a message, or take it off. What would change nothing is not written."""
    overlays = Overlays(caller.db, caller.parts.part(Posting))
    act = overlays.unreact if asked.remove else overlays.react
    return shown(await act(caller.actor, asked.conversation_id, asked.message_id, asked.emoji))


async def mark_read(caller: Caller, asked: MarkRead) -> ReadState:
    """Move the caller's read mark forward."""
    async with caller.db.transaction(caller.actor) as tx:
        return await read_marks.mark_read(tx, caller.actor, asked.conversation_id, asked.seq)


async def check_place(tx: Tx, actor: Actor, asked: Post | Reply) -> None:
    """Refuse what would not be posted though a person approved it. Raises as `access_conversation`.

    The agent by its reach, and that of whom it acts for; who decides about it, if the place is not there or closed.
    """
    who = actor if actor.type is ActorType.AGENT else system_actor(actor.org)
    await access_conversation(tx, who, asked.conversation_id, Verb.POST)


def shown(message: Message) -> Shown:
    """A message as tools show it."""
    return Shown(
        id=message.id,
        conversation_id=message.conversation_id,
        seq=message.seq,
        author=message.author,
        content=message.content,
        created_at=message.created_at,
        kind=message.kind,
        title=message.title,
        parent_id=message.parent_id,
        reply_count=message.reply_count,
        reactions={emoji: len(who) for emoji, who in message.reactions.items()},
        files=[msgspec.convert(file, ShownFile, strict=False) for file in message.metadata.get(FILES, ())],
        edited_at=message.edited_at,
        is_deleted=message.deleted_at is not None,
    )


def shown_of_json(wire: dict[str, object]) -> Shown:
    """A message as tools show it, from what `message_wire` gave."""
    return shown(message_of_json(wire))


async def _read(
    caller: Caller,
    conversation_id: UUID,
    *,
    limit: int,
    after: int | None = None,
    before: int | None = None,
    parent: UUID | None = None,
) -> Page[Message]:
    async with caller.db.transaction(caller.actor) as tx:
        access = await access_conversation(tx, caller.actor, conversation_id, Verb.READ)
    body = await messages_json(
        caller.db, access.org_id, conversation_id, limit=limit, after=after, before=before, parent=parent
    )
    return msgspec.json.decode(body, type=Page[Message], strict=False)


async def _first_of_thread(caller: Caller, conversation_id: UUID, message_id: UUID, verb: Verb) -> Message:
    async with caller.db.transaction(caller.actor) as tx:
        message = await get_message(tx, caller.actor, conversation_id, message_id, verb)
        if message.parent_id is None:
            return message
        return await get_message(tx, caller.actor, conversation_id, message.parent_id, verb)


async def _post(caller: Caller, conversation_id: UUID, data: PostMessage) -> Shown:
    if caller.run_id is not None:
        data.client_id = f"run:{caller.run_id}:{caller.key}"[:MAX_CLIENT_ID_LENGTH]
        data.metadata = {"run_id": str(caller.run_id)}
    posted = await caller.parts.part(Posting).post(caller.actor, conversation_id, data)
    return shown(posted.message)


def _conversation(found: Conversation) -> ShownConversation:
    return msgspec.convert(found, ShownConversation, from_attributes=True)


def _seq(following: str | None) -> int | None:
    return None if following is None else int(following)


TOOLS = (
    Tool(
        "list_conversations", described(ListConversations), ListConversations, list_conversations,
        is_repeatable=True, gives=Conversations, title="List conversations", risk=Risk.READ,
    ),
    Tool(
        "read_messages", described(ReadMessages), ReadMessages, read_messages,
        is_repeatable=True, gives=Messages, title="Read messages", risk=Risk.READ,
    ),
    Tool(
        "read_thread", described(ReadThread), ReadThread, read_thread,
        is_repeatable=True, gives=Thread, title="Read a thread", risk=Risk.READ,
    ),
    Tool(
        "search_messages", described(SearchMessages), SearchMessages, search_messages,
        is_repeatable=True, gives=Hits, title="Search messages", risk=Risk.READ,
    ),
    Tool(
        "post_message", described(Post), Post, post_message,
        is_repeatable=True, gives=Shown, title="Post a message", effect=lambda _asked: "Posts this message.",
        check=check_place,
    ),
    Tool(
        "reply_to_message", described(Reply), Reply, reply_to_message,
        is_repeatable=True, gives=Shown, title="Reply to a message", effect=lambda _asked: "Posts this as a reply.",
        check=check_place,
    ),
    Tool(
        "react_to_message", described(React), React, react_to_message,
        is_repeatable=True, gives=Shown, title="React to a message", is_idempotent=True,
    ),
    Tool(
        "mark_read", described(MarkRead), MarkRead, mark_read,
        is_repeatable=True, gives=ReadState, title="Mark as read", is_idempotent=True,
    ),
)  # fmt: skip
"""In the order in which they are offered. Within a run every one may be repeated: a post bears the call's name."""
