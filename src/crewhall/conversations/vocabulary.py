"""The closed sets of conversations; the CHECKs of the schema name the same values (a test compares them)."""

from enum import StrEnum


class ConversationKind(StrEnum):
    """What a conversation is: a session of two, a group, a channel, or an agent's inbox."""

    DIRECT = "direct"
    GROUP = "group"
    CHANNEL = "channel"
    AGENT = "agent"


class ConversationType(StrEnum):
    """Who may see it: the whole organization, its members alone, or owners and admins (only channels differ)."""

    PUBLIC = "public"
    PRIVATE = "private"
    SYSTEM = "system"


class ConversationStatus(StrEnum):
    """Where a conversation is in its life. Archived ones are read-only."""

    ACTIVE = "active"
    IDLE = "idle"
    ARCHIVED = "archived"
    DELETED = "deleted"


class MemberType(StrEnum):
    """Who can be a member."""

    USER = "user"
    AGENT = "agent"


class MemberRole(StrEnum):
    """A member's role in one conversation. A reader is a person with whom a direct session is shared."""

    OWNER = "owner"
    MEMBER = "member"
    READER = "reader"


class NotificationLevel(StrEnum):
    """How much of a conversation a member is told of."""

    ALL = "all"
    MENTIONS = "mentions"
    NOTHING = "nothing"


class LaterStatus(StrEnum):
    """How a later message stands: it waits for its moment, is being posted, or was refused then."""

    WAITING = "waiting"
    SENDING = "sending"
    REFUSED = "refused"
