"""What is not said yet, as it goes in and out at the edge: drafts, and messages that are posted later."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.conversations.schemas import MAX_CONTENT_LENGTH, NO_NUL, NOT_BLANK, Content, ConversationRef
from crewhall.conversations.vocabulary import LaterStatus
from crewhall.ports.message_log import MessageKind

Heading = Annotated[str, Meta(min_length=1, max_length=255, pattern=NOT_BLANK)]
Unfinished = Annotated[str, Meta(max_length=MAX_CONTENT_LENGTH, pattern=NO_NUL, description="Markdown; may be empty.")]
Version = Annotated[int, Meta(ge=0, le=2**63 - 1, description="The version that was changed; 0 where there was none.")]
Moment = Annotated[datetime, Meta(tz=True, description="With its offset from UTC.")]
Timezone = Annotated[
    str,
    Meta(
        min_length=1, max_length=100, pattern=NO_NUL, description="IANA timezone, by whose clock it was meant.",
        examples=["Europe/Berlin"],
    ),
]  # fmt: skip


class WritingPlace(ConversationRef):
    """Where something is to be said. `partner` is the other one's name in a direct conversation."""

    partner: str | None = None


class DraftFile(Struct, kw_only=True):
    """An upload that hangs on a draft; `files` of the message that is sent names it."""

    id: UUID
    name: str
    media_type: str
    size: int
    width: int | None
    height: int | None


class Draft(Struct, kw_only=True):
    """What the caller has begun to write in a conversation, or in a thread of it (`parent_id`).

    `conversation` is null where the caller no longer reads it: the words are theirs all the same. Version 0: no words,
    `files` alone hang on it.
    """

    id: UUID
    conversation_id: UUID
    conversation: WritingPlace | None
    parent_id: UUID | None
    kind: MessageKind | None
    title: str | None
    content: str
    version: int
    updated_at: datetime
    files: list[DraftFile] = []


class DraftState(Struct, kw_only=True):
    """What the caller has begun to write at one place. Version 0: no words; files may be there all the same."""

    content: str = ""
    title: str | None = None
    kind: MessageKind | None = None
    version: int = 0
    updated_at: datetime | None = None
    files: list[DraftFile] = []


class DraftInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """A draft as a whole; without content and title it is thrown away."""

    content: Unfinished
    title: Heading | None = None
    kind: MessageKind | None = None
    parent_id: UUID | None = None
    version: Version = 0


class LaterMessage(Struct, kw_only=True):
    """A message that is posted at `due_at`, with the caller's rights of that moment.

    `refusal` says why it was refused then; it can be changed, sent or thrown away. `conversation` is null where the
    caller no longer reads it.
    """

    id: UUID
    conversation_id: UUID
    conversation: WritingPlace | None
    parent_id: UUID | None
    kind: MessageKind | None
    title: str | None
    content: str
    due_at: datetime
    timezone: str
    status: LaterStatus
    refusal: str | None
    created_at: datetime
    updated_at: datetime


class LaterInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """A message to post later."""

    conversation_id: UUID
    content: Content
    due_at: Moment
    timezone: Timezone = "UTC"
    parent_id: UUID | None = None
    kind: MessageKind | None = None
    title: Heading | None = None


class LaterPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change of a later message; what is left out stays. A new moment lets a refused one wait again."""

    content: Content | UnsetType = UNSET
    title: Heading | UnsetType | None = UNSET
    kind: MessageKind | UnsetType | None = UNSET
    due_at: Moment | UnsetType = UNSET
    timezone: Timezone | UnsetType = UNSET
