"""What a process needs to serve conversations."""

from msgspec import Struct

from crewhall.conversations.access import AccessCache
from crewhall.conversations.archive_clock import ArchiveClock
from crewhall.conversations.commands import Commands
from crewhall.conversations.consumers import Consumer
from crewhall.conversations.file_settings import FileSettings
from crewhall.conversations.file_store import FileStore
from crewhall.conversations.following import make_consumers
from crewhall.conversations.founding import subscribe_conversations
from crewhall.conversations.later_clock import LaterClock
from crewhall.conversations.newest import NewestPages
from crewhall.conversations.posting import Posting
from crewhall.conversations.sweeping import Sweeper
from crewhall.kernel.db import Database
from crewhall.kernel.limits import RateLimiter
from crewhall.kernel.signals import Signals
from crewhall.ports.blobs import Blobs
from crewhall.ports.message_log import MessageLog


class ConversationParts(Struct, frozen=True):
    """The parts of one process."""

    access: AccessCache
    posting: Posting
    newest: NewestPages
    files: FileStore
    sweeper: Sweeper
    consumers: list[Consumer]
    commands: Commands
    later: LaterClock
    archive: ArchiveClock

    async def follow(self) -> None:
        """Start the consumers and the clock; the database, the log and the signals must be up."""
        for consumer in self.consumers:
            consumer.start()
        self.sweeper.start()
        self.later.start()
        self.archive.start()

    async def close(self) -> None:
        """Stop the clocks and the consumers; the database must still be open."""
        await self.archive.stop()
        await self.later.stop()
        await self.sweeper.stop()
        for consumer in self.consumers:
            await consumer.stop()


def start_conversations(
    *,
    db: Database,
    log: MessageLog,
    blobs: Blobs,
    signals: Signals,
    limiter: RateLimiter,
    posts_per_second: int,
    file_settings: FileSettings,
) -> ConversationParts:
    """Make the parts of a process, and subscribe to what happens to people and agents."""
    access = AccessCache(db, signals)
    posting = Posting(db, log, access, limiter, posts_per_second)
    subscribe_conversations(log)
    files, sweeper = FileStore(db, blobs, access, limiter, file_settings), Sweeper(db, blobs, signals)
    files.stir = sweeper.stir
    newest, consumers = NewestPages(log, signals), make_consumers(db, log, signals)
    later = LaterClock(db, signals, posting)
    archive = ArchiveClock(db, log, signals)
    return ConversationParts(access, posting, newest, files, sweeper, consumers, Commands(db), later, archive)
