"""What the API says about groups in which nobody writes."""

from typing import Annotated

from msgspec import Meta, Struct

IdleHours = Annotated[int, Meta(ge=1, le=8760, description="So long without a message, and a group is idle.")]
ArchiveDays = Annotated[
    int, Meta(ge=1, le=3650, description="So long idle, and it archives itself; null: it never does.")
]


class IdlePolicy(Struct, forbid_unknown_fields=True):
    """When a group is idle, and when it archives itself."""

    idle_after_hours: IdleHours = 24
    archive_after_days: ArchiveDays | None = 7
