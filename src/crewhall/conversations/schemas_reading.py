"""What people keep of what they read, and where they may go, at the edge."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.conversations.found_tasks import TaskFound
from crewhall.conversations.schemas import NO_NUL, ConversationRef, SearchHit
from crewhall.conversations.vocabulary import ConversationKind, ConversationType
from crewhall.conversations.wire import Message

MAX_NOTE_LENGTH = 1000
Note = Annotated[str, Meta(max_length=MAX_NOTE_LENGTH, pattern=NO_NUL)]


class SaveMessage(Struct, forbid_unknown_fields=True):
    """What to keep beside a saved message; what is left out stays as it is."""

    note: Note | UnsetType = UNSET
    done: bool | UnsetType = UNSET


class SavedMessage(Struct, kw_only=True):
    """A message that the caller has saved. `done_at`: they are done with it."""

    message: Message
    conversation: ConversationRef
    note: str
    saved_at: datetime
    done_at: datetime | None


class PlaceFound(Struct, kw_only=True):
    """Where one may go: a conversation, a person or an agent.

    `detail` is a conversation's description, a person's handle or an agent's code. `conversation_id` of a person or an
    agent is the caller's direct conversation with them, where one is known. `presence` is an agent's.
    """

    type: Literal["conversation", "user", "agent"]
    id: UUID
    name: str
    detail: str
    conversation_id: UUID | None
    kind: ConversationKind | None
    access: ConversationType | None
    status: str | None
    presence: str | None


class PlacesFound(Struct):
    """Where one may go, best first, tasks that match, best first, and messages, newest first."""

    places: list[PlaceFound]
    messages: list[SearchHit]
    tasks: list[TaskFound]
