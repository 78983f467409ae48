"""Conversations, members, messages, threads, reactions, search. What other packages may use is exported here."""

from crewhall.conversations.access import CHANNEL as MEMBERSHIP_CHANNEL
from crewhall.conversations.access import Access, AccessCache, Verb, access_conversation, has_access
from crewhall.conversations.appending import append_all
from crewhall.conversations.commands import Commands
from crewhall.conversations.consumers import BATCH as CONSUMER_BATCH
from crewhall.conversations.consumers import Company, Consumer
from crewhall.conversations.events import ConversationRead, MemberAdded
from crewhall.conversations.file_settings import FileSettings
from crewhall.conversations.file_store import FileStore, forget_stray, refer_to_bytes
from crewhall.conversations.file_types import clean_name
from crewhall.conversations.files import access_file
from crewhall.conversations.found_tasks import (
    TaskFinder,
    TaskFound,
    asks_for_tasks,
    provide_tasks,
    rank_tasks,
    show_tasks,
)
from crewhall.conversations.history import messages_json
from crewhall.conversations.levels import get_level, set_level
from crewhall.conversations.lifecycle import ConversationParts, start_conversations
from crewhall.conversations.markdown import escape_markdown, render_markdown
from crewhall.conversations.members import join_conversation, list_member_ids
from crewhall.conversations.membership import JOINED as JOINED_CHANNEL
from crewhall.conversations.metadata import IMPORTED, TASK_COMMENT
from crewhall.conversations.opening import free_channel_name, open_conversation, open_direct, open_session
from crewhall.conversations.overlays import Overlays
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
from crewhall.conversations.posting import Cited, Posted, Posting
from crewhall.conversations.read_marks import mark_read
from crewhall.conversations.schemas import (
    MAX_CONTENT_LENGTH,
    AgentPolicy,
    ClientId,
    ConversationRef,
    EditMessage,
    NewConversation,
    NewMember,
    PostMessage,
    SearchHit,
)
from crewhall.conversations.schemas_commands import Command, CommandDone
from crewhall.conversations.search import NARROWED, show_hits
from crewhall.conversations.search import search as search_messages
from crewhall.conversations.search_filters import Filters, Traits, both, check_places, typed_filters
from crewhall.conversations.search_ranked import find_ranked
from crewhall.conversations.search_syntax import Narrowing, Operator, Query, narrowed, pieces_of, read_query
from crewhall.conversations.snippets import MARKS, beginnings_of, marked_words, readable, snippet
from crewhall.conversations.telling import CHANGES_CHANNEL, Change, ChangeNotice, read_change
from crewhall.conversations.vocabulary import MemberType, NotificationLevel
from crewhall.conversations.wire import Message, wire_of

__all__ = [
    "CHANGES_CHANNEL",
    "CONSUMER_BATCH",
    "IMPORTED",
    "JOINED_CHANNEL",
    "MARKS",
    "MAX_CONTENT_LENGTH",
    "MEMBERSHIP_CHANNEL",
    "NARROWED",
    "TASK_COMMENT",
    "Access",
    "AccessCache",
    "AgentPolicy",
    "Change",
    "ChangeNotice",
    "Cited",
    "ClientId",
    "Command",
    "CommandDone",
    "Commands",
    "Company",
    "Consumer",
    "ConversationParts",
    "ConversationRead",
    "ConversationRef",
    "EditMessage",
    "FileSettings",
    "FileStore",
    "Filters",
    "MemberAdded",
    "MemberType",
    "Message",
    "Narrowing",
    "NewConversation",
    "NewMember",
    "NotificationLevel",
    "Operator",
    "Overlays",
    "PastChannel",
    "PastRecord",
    "PostMessage",
    "Posted",
    "Posting",
    "Query",
    "SearchHit",
    "Taken",
    "TaskFinder",
    "TaskFound",
    "Traits",
    "Verb",
    "access_conversation",
    "access_file",
    "append_all",
    "asks_for_tasks",
    "beginnings_of",
    "both",
    "check_places",
    "clean_name",
    "close_for_past",
    "end_past",
    "escape_markdown",
    "find_empty_channel",
    "find_ranked",
    "forget_stray",
    "free_channel_name",
    "get_level",
    "has_access",
    "join_conversation",
    "known_records",
    "list_member_ids",
    "mark_read",
    "marked_words",
    "messages_json",
    "narrowed",
    "open_conversation",
    "open_direct",
    "open_past_channel",
    "open_session",
    "pieces_of",
    "provide_tasks",
    "rank_tasks",
    "read_change",
    "read_query",
    "readable",
    "refer_to_bytes",
    "render_markdown",
    "search_messages",
    "set_level",
    "show_hits",
    "show_tasks",
    "snippet",
    "start_conversations",
    "take_past",
    "taken_names",
    "typed_filters",
    "wire_of",
]
