"""The closed sets of imports; the CHECKs of the schema name the same values."""

from enum import StrEnum


class ImportSource(StrEnum):
    """What an archive is an export of."""

    SLACK = "slack"


class ImportStatus(StrEnum):
    """Where an import is: looked through, ready to be started, at work, or over."""

    READING = "reading"
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


class ChannelFate(StrEnum):
    """What becomes of a channel: opened anew, filled where one of its name is empty, or gone on with."""

    OPEN = "open"
    FILL = "fill"
    CONTINUE = "continue"


class ImportedType(StrEnum):
    """Who may see a channel that is imported."""

    PUBLIC = "public"
    PRIVATE = "private"


class LeftOut(StrEnum):
    """Why something of an archive is not taken."""

    NOTICE = "notice"
    EMPTY = "empty"
    UNKNOWN_AUTHOR = "unknown_author"
    CUSTOM_EMOJI = "custom_emoji"
    FILE_ABSENT = "file_absent"
    FILE_DELETED = "file_deleted"
    FILE_REFUSED = "file_refused"
    DIRECT = "direct"
    LATE = "late"
    LOST = "lost"
    CUT = "cut"


SENTENCES: dict[LeftOut, str] = {
    LeftOut.NOTICE: "notices of Slack's: who joined, left, renamed, pinned",
    LeftOut.EMPTY: "messages that say nothing and have no file",
    LeftOut.UNKNOWN_AUTHOR: "messages, reactions and pins of which nobody is named",
    LeftOut.CUSTOM_EMOJI: "reactions with emoji that the workspace made for itself",
    LeftOut.FILE_ABSENT: "files that neither the archive holds nor Slack gives; their messages name them",
    LeftOut.FILE_DELETED: "files that were deleted in Slack",
    LeftOut.FILE_REFUSED: "files that are too large, empty, or not what they are called; their messages name them",
    LeftOut.DIRECT: "direct conversations: they stay between those who had them",
    LeftOut.LATE: "messages and reactions older than what their channel has here by now",
    LeftOut.LOST: "reactions and pins of messages that are not here",
    LeftOut.CUT: "messages cut at the longest that one may have",
}
