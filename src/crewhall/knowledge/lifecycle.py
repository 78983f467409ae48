"""What a process needs for knowledge."""

from collections.abc import Sequence

from msgspec import Struct

from crewhall.conversations import Consumer, FileStore
from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.knowledge.embedding_worker import EmbeddingWorker
from crewhall.knowledge.extraction import Extractor
from crewhall.knowledge.extraction_settings import ExtractionSettings
from crewhall.knowledge.ingesting import Means
from crewhall.knowledge.message_worker import MessageWorker
from crewhall.knowledge.pictures import Pictures
from crewhall.knowledge.rewording import Rewording
from crewhall.knowledge.settings import KnowledgeSettings
from crewhall.knowledge.sources.settings import SourceSettings
from crewhall.knowledge.sources.watching import FolderWatch
from crewhall.knowledge.sources.worker import SourceWorker
from crewhall.knowledge.task_meaning import CHANNEL, TaskBatches, UnembeddedTask
from crewhall.knowledge.vocabulary import OriginKind
from crewhall.knowledge.wiki_documents import text_of
from crewhall.knowledge.worker import DocumentWorker
from crewhall.ports.blobs import Blobs
from crewhall.ports.embedder import Embedder
from crewhall.ports.live import Live
from crewhall.ports.message_log import MessageLog


class KnowledgeParts(Struct, frozen=True):
    """The parts of one process."""

    worker: DocumentWorker
    means: Means
    pictures: Pictures
    sources: SourceWorker
    rewording: Rewording
    folders: FolderWatch
    messages: MessageWorker | None
    tasks: EmbeddingWorker[UnembeddedTask] | None

    @property
    def consumer(self) -> Consumer | None:
        """What follows the log; none where messages are not compared by their meaning."""
        return self.messages.consumer if self.messages is not None else None

    def start(self) -> None:
        """Go on with what was begun; the database and the signals must be up."""
        self.worker.start()
        self.sources.start()
        self.rewording.start()
        self.folders.start()
        if self.messages is not None:
            self.messages.start()
        if self.tasks is not None:
            self.tasks.start()

    async def close(self) -> None:
        """Stop; what was begun goes on elsewhere, or later."""
        if self.tasks is not None:
            await self.tasks.stop()
        if self.messages is not None:
            await self.messages.stop()
        await self.folders.stop()
        await self.rewording.stop()
        await self.sources.stop()
        await self.worker.stop()


def start_knowledge(
    *,
    db: Database,
    log: MessageLog,
    blobs: Blobs,
    signals: Signals,
    live: Live,
    settings: KnowledgeSettings,
    extraction: ExtractionSettings,
    embedders: Sequence[Embedder],
    store: FileStore,
    sources: SourceSettings,
) -> KnowledgeParts:
    """Make the parts of a process."""
    means = Means(
        db=db, blobs=blobs, live=live, extractor=Extractor(extraction),
        embedder=embedders[0] if embedders else None, former=embedders[1:], most_chunks=settings.organization_passages,
        texts={OriginKind.WIKI: text_of},
    )  # fmt: skip
    worker = DocumentWorker(means, signals, settings.documents_at_once)
    messages = None
    if embedders and settings.messages_by_meaning and settings.documents_at_once:
        messages = MessageWorker(db, log, signals, embedders[0])
    tasks = None
    if embedders and settings.documents_at_once:
        batches = TaskBatches(db, embedders[0].model)
        tasks = EmbeddingWorker("tasks", signals, CHANNEL, embedders[0], batches)
    return KnowledgeParts(
        worker,
        means,
        Pictures(means),
        SourceWorker(store, signals, sources),
        Rewording(db, signals),
        FolderWatch(db, signals, sources),
        messages,
        tasks,
    )
