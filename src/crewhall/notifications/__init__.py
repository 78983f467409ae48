"""Notifications: what concerns whom, its read state, mail and devices. What other packages may use is exported here."""

from crewhall.notifications.lifecycle import NotificationParts, start_notifications
from crewhall.notifications.telling import CHANNEL as NOTIFICATIONS_CHANNEL
from crewhall.notifications.telling import Told, read_notice, ring, tell
from crewhall.notifications.vocabulary import NotificationKind

__all__ = [
    "NOTIFICATIONS_CHANNEL",
    "NotificationKind",
    "NotificationParts",
    "Told",
    "read_notice",
    "ring",
    "start_notifications",
    "tell",
]
