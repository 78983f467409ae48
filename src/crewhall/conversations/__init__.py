"""Conversations, members, messages, threads, reactions, search. What other packages may use is exported here."""

from crewhall.conversations.access import CHANNEL as MEMBERSHIP_CHANNEL
from crewhall.conversations.access import Access, AccessCache, Verb, access_conversation, has_access
from crewhall.conversations.appending import append_all
from crewhall.conversations.commands import Commands
from crewhall.conversations.consumers import BATCH as CONSUMER_BATCH
from crewhall.conversations.consumers import Consumer
from crewhall.conversations.events import ConversationRead, MemberAdded
from crewhall.conversations.file_settings import FileSettings
from crewhall.conversations.file_store import FileStore, forget_stray
from crewhall.conversations.levels import get_level, set_level
from crewhall.conversations.lifecycle import ConversationParts, start_conversations
from crewhall.conversations.markdown import escape_markdown, render_markdown
from crewhall.conversations.membership import JOINED as JOINED_CHANNEL
from crewhall.conversations.metadata import IMPORTED
from crewhall.conversations.opening import open_direct, open_session
from crewhall.conversations.past import (
    PastChannel,
    PastRecord,
    Taken,
    close_for_past,
    end_past,
    find_empty_channel,
    known_records,
    open_past_channel,
    take_past,
    taken_names,
)
from crewhall.conversations.posting import Posted, Posting
from crewhall.conversations.read_marks import mark_read
from crewhall.conversations.schemas import (
    MAX_CONTENT_LENGTH,
    AgentPolicy,
    ClientId,
    ConversationRef,
    NewMember,
    PostMessage,
)
from crewhall.conversations.schemas_commands import Command, CommandDone
from crewhall.conversations.search import search as search_messages
from crewhall.conversations.snippets import readable
from crewhall.conversations.vocabulary import MemberType, NotificationLevel
from crewhall.conversations.wire import Message, wire_of

__all__ = [
    "CONSUMER_BATCH",
    "IMPORTED",
    "JOINED_CHANNEL",
    "MAX_CONTENT_LENGTH",
    "MEMBERSHIP_CHANNEL",
    "Access",
    "AccessCache",
    "AgentPolicy",
    "ClientId",
    "Command",
    "CommandDone",
    "Commands",
    "Consumer",
    "ConversationParts",
    "ConversationRead",
    "ConversationRef",
    "FileSettings",
    "FileStore",
    "MemberAdded",
    "MemberType",
    "Message",
    "NewMember",
    "NotificationLevel",
    "PastChannel",
    "PastRecord",
    "PostMessage",
    "Posted",
    "Posting",
    "Taken",
    "Verb",
    "access_conversation",
    "append_all",
    "close_for_past",
    "end_past",
    "escape_markdown",
    "find_empty_channel",
    "forget_stray",
    "get_level",
    "has_access",
    "known_records",
    "mark_read",
    "open_direct",
    "open_past_channel",
    "open_session",
    "readable",
    "render_markdown",
    "search_messages",
    "set_level",
    "start_conversations",
    "take_past",
    "taken_names",
    "wire_of",
]
