"""Notifications: what concerns whom, its read state, mail and devices. What other packages may use is exported here."""

from crewhall.notifications.lifecycle import NotificationParts, start_notifications
from crewhall.notifications.queries import count_mentions, count_unread, list_mentions, list_notifications
from crewhall.notifications.schemas import Notification
from crewhall.notifications.telling import CHANNEL as NOTIFICATIONS_CHANNEL
from crewhall.notifications.telling import Told, read_notice, ring, tell
from crewhall.notifications.vocabulary import NotificationKind

__all__ = [
    "NOTIFICATIONS_CHANNEL",
    "Notification",
    "NotificationKind",
    "NotificationParts",
    "Told",
    "count_mentions",
    "count_unread",
    "list_mentions",
    "list_notifications",
    "read_notice",
    "ring",
    "start_notifications",
    "tell",
]
