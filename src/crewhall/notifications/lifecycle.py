"""What a process needs to notify."""

from msgspec import Struct

from crewhall.conversations import Consumer, ConversationRead, MemberAdded
from crewhall.identity import MemberLeft
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.events import subscribe
from crewhall.kernel.signals import Signals
from crewhall.notifications.deriving import GATHER_S, NotificationDeriver
from crewhall.notifications.digests import DigestClock
from crewhall.notifications.pushing import Pusher
from crewhall.notifications.reading import on_read
from crewhall.notifications.telling import on_member_added
from crewhall.ports.mailer import Mailer
from crewhall.ports.message_log import MessageLog


class NotificationParts(Struct, frozen=True):
    """The parts of one process."""

    consumer: Consumer
    digests: DigestClock
    pusher: Pusher

    def start(self) -> None:
        """Follow the log, send what is due; the database and the signals must be up.

        `pusher` starts by itself: whichever process writes a notification tells its reader's devices.
        """
        self.consumer.start()
        self.digests.start()

    async def close(self) -> None:
        """Stop; the database must still be open."""
        await self.digests.stop()
        await self.consumer.stop()
        await self.pusher.stop()


def start_notifications(
    *, db: Database, log: MessageLog, signals: Signals, mailer: Mailer, base_url: str
) -> NotificationParts:
    """Make the parts of a process, not yet at work."""
    subscribe(ConversationRead, on_read)
    subscribe(MemberAdded, on_member_added)
    subscribe(MemberLeft, _on_member_left)
    return NotificationParts(
        Consumer("notifications", db, log.watch, NotificationDeriver(db).step, gather_s=GATHER_S, gathers_first=True),
        DigestClock(db, signals, mailer, base_url),
        Pusher(db, base_url),
    )


async def _on_member_left(tx: Tx, _actor: Actor, event: MemberLeft) -> None:
    """What somebody was told, chose and used here goes with them."""
    await tx.value("select forget_recipient(%(user)s)", {"user": event.user_id})
