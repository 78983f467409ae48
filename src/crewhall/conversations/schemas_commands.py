"""What commands take and give at the edge."""

from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from crewhall.conversations.schemas import MAX_CONTENT_LENGTH, NO_NUL
from crewhall.conversations.schemas_words import Timezone

Line = Annotated[
    str,
    Meta(
        min_length=2, max_length=MAX_CONTENT_LENGTH, pattern=NO_NUL, description="The command with what follows it.",
        examples=["/topic Ship on Friday"],
    ),
]  # fmt: skip


class Command(Struct, frozen=True, kw_only=True):
    """Something that a line with `/name` does in a conversation.

    `source`: it is built in, writes a task, or is the quick task `task_id` of the agent `agent_id`.
    """

    name: str
    usage: str
    title: str
    source: Literal["built_in", "quick_task", "task"]
    icon: str | None = None
    agent_id: UUID | None = None
    agent_name: str | None = None
    task_id: UUID | None = None


class CommandLine(Struct, forbid_unknown_fields=True, kw_only=True):
    """A line to carry out, in a thread if `parent_id` says so; moments in it are read on the clock of `timezone`."""

    line: Line
    parent_id: UUID | None = None
    timezone: Timezone = "UTC"

    def zone(self) -> ZoneInfo:
        """The timezone, which has been checked."""
        return ZoneInfo(self.timezone)


class CommandDone(Struct):
    """What came of a command, in a sentence; the message or later message that it made."""

    said: str
    message_id: UUID | None = None
    later_id: UUID | None = None
