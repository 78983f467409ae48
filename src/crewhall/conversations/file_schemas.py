"""What files take and give at the edge."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.conversations.wire import ActorRef

MAX_ATTACHED = 20


class FileStatus(StrEnum):
    """Where a file is in its life: being read for search, as good as it gets, or unreadable."""

    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class FileSource(StrEnum):
    """How a file came: sent up, made by an agent, or taken out of something that was received."""

    UPLOAD = "upload"
    GENERATED = "generated"
    ATTACHMENT = "attachment"


class FileDocument(Struct, kw_only=True):
    """How far a file is in being made searchable: `done` of `total` (in `unit`) of its stage."""

    id: UUID
    status: str
    done: int
    total: int | None
    unit: str | None
    failure: str | None


class File(Struct, kw_only=True):
    """A file of a conversation. `media_type` is what its bytes are; an image that is shown has a width and a height.

    `document` says how far its text is in being made searchable; null while no message has the file, and for what
    holds no text. `expires_at`: when it goes, since its conversation is archived.

    `message_id` is the message that it is attached to; until there is one, its uploader alone sees it.
    """

    id: UUID
    conversation_id: UUID
    name: str
    media_type: str
    size: int
    sha256: str
    status: FileStatus
    failure: str | None
    document: FileDocument | None
    expires_at: datetime | None
    width: int | None
    height: int | None
    created_by: ActorRef
    created_at: datetime
    message_id: UUID | None
    message_seq: int | None


KeepDays = Annotated[
    int, Meta(ge=1, le=3650, description="So long after its conversation was archived a file is kept; null: for good.")
]


class FilePolicy(Struct, forbid_unknown_fields=True):
    """How long files are kept."""

    keep_days: KeepDays | None = 30


class NewUpload(Struct, forbid_unknown_fields=True):
    """A file to send in parts: its name, and how many bytes it has in all."""

    name: Annotated[str, Meta(min_length=1, max_length=1000)]
    size: Annotated[int, Meta(ge=1, le=2**50)]


class Upload(Struct, kw_only=True):
    """An upload in parts. `offset` is where it goes on; at the end of it, `GET /files/{id}` has the file."""

    id: UUID
    conversation_id: UUID
    name: str
    size: int
    offset: int


def attached(file: File) -> dict[str, Any]:
    """What a message says of a file: enough to show it."""
    said: dict[str, Any] = {"id": str(file.id), "name": file.name, "media_type": file.media_type, "size": file.size}
    return said | ({"width": file.width, "height": file.height} if file.width else {})
