"""What a process needs for imports."""

from msgspec import Struct

from crewhall.conversations import FileStore
from crewhall.imports.worker import ImportWorker
from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.ports.message_log import MessageLog


class ImportParts(Struct, frozen=True):
    """The parts of one process."""

    worker: ImportWorker

    def start(self) -> None:
        """Go on with what was begun; the database, the log and the signals must be up."""
        self.worker.start()

    async def close(self) -> None:
        """Stop; what was begun goes on elsewhere, or later."""
        await self.worker.stop()


def start_imports(*, db: Database, log: MessageLog, store: FileStore, signals: Signals) -> ImportParts:
    """Make the parts of a process."""
    return ImportParts(ImportWorker(db, log, store, signals))
