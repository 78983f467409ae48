"""What happened in knowledge; subscribers act in the same transaction (`kernel.events`)."""

from uuid import UUID

import msgspec

from crewhall.kernel.actor import ActorType


class EntryStepTaken(msgspec.Struct, frozen=True):
    """A version of a wiki entry was proposed, approved or rejected; the author is whose words they are."""

    entry_id: UUID
    version_id: UUID
    title: str
    status: str
    author_type: ActorType
    author_id: UUID
    author_name: str
    project_id: UUID | None
