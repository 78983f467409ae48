"""What notifications take and give at the edge."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.conversations import ConversationRef
from crewhall.kernel.actor import ActorType
from crewhall.notifications.vocabulary import DigestChoice, NotificationKind

WALL = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
Wall = Annotated[str, Meta(pattern=WALL, description="The person's own wall clock, like 22:00.")]


class NotificationActor(Struct, frozen=True):
    """Who did what the notification is about."""

    type: ActorType
    id: UUID
    name: str


class NotificationMessage(Struct, frozen=True):
    """The message that it is about, in short; `seq` leads to it."""

    id: UUID
    seq: int
    parent_id: UUID | None
    excerpt: str


class Notification(Struct, kw_only=True):
    """What concerns the caller. Of a direct conversation, and of one that the caller hears all of, there is one.

    It has the newest message, and in `messages` how many are unread. `detail` is the emoji of a reaction, the tool
    that an approval is about, the name of a schedule or a webhook, the title of a wiki entry or a task; `subject_id` is
    the approval, the schedule, the webhook, the entry's version, the task.
    """

    id: UUID
    kind: NotificationKind
    actor: NotificationActor
    conversation: ConversationRef | None
    message: NotificationMessage | None
    subject_id: UUID | None
    detail: str | None
    messages: int
    is_read: bool
    happened_at: datetime
    summary: str = ""
    path: str = ""


class UnreadCount(Struct):
    """How many notifications are unread, up to 100."""

    unread: int


class ReadAll(Struct, forbid_unknown_fields=True):
    """What to mark as read: everything, or what is about one conversation."""

    conversation_id: UUID | None = None


class Marked(Struct):
    """How many notifications were unread before."""

    marked: int


class NotificationSettings(Struct, kw_only=True):
    """A person's choices in one organization. Times are of their own wall clock, in the timezone of their profile."""

    quiet_from: str | None
    quiet_until: str | None
    digest: DigestChoice
    daily_at: str
    away_minutes: int
    timezone: str


class NotificationSettingsChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change of them. Quiet hours have both ends, or none; they may pass midnight."""

    quiet_from: Wall | None | UnsetType = UNSET
    quiet_until: Wall | None | UnsetType = UNSET
    digest: DigestChoice | UnsetType = UNSET
    daily_at: Wall | UnsetType = UNSET
    away_minutes: Annotated[int, Meta(ge=5, le=1440)] | UnsetType = UNSET


class DeviceKeys(Struct, forbid_unknown_fields=True):
    """The keys of a browser's push subscription, base64url without padding."""

    p256dh: Annotated[str, Meta(max_length=120)]
    auth: Annotated[str, Meta(max_length=40)]


class NewDevice(Struct, forbid_unknown_fields=True):
    """A browser's push subscription, as `PushSubscription.toJSON()` gives it."""

    endpoint: Annotated[str, Meta(min_length=1, max_length=1000)]
    keys: DeviceKeys


class Device(Struct):
    """A browser that tells its person at once. `host` is the push service that carries it."""

    id: UUID
    host: str
    user_agent: str | None
    is_current: bool
    created_at: datetime
    told_at: datetime | None


class PushKey(Struct):
    """The public key that a browser subscribes with, base64url without padding."""

    key: str
