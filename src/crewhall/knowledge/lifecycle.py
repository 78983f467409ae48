"""What a process needs for knowledge."""

from msgspec import Struct

from crewhall.conversations import FileStore
from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.knowledge.extraction import Extractor
from crewhall.knowledge.extraction_settings import ExtractionSettings
from crewhall.knowledge.ingesting import Means
from crewhall.knowledge.pictures import Pictures
from crewhall.knowledge.settings import KnowledgeSettings
from crewhall.knowledge.sources.settings import SourceSettings
from crewhall.knowledge.sources.watching import FolderWatch
from crewhall.knowledge.sources.worker import SourceWorker
from crewhall.knowledge.vocabulary import OriginKind
from crewhall.knowledge.wiki_documents import text_of
from crewhall.knowledge.worker import DocumentWorker
from crewhall.ports.blobs import Blobs
from crewhall.ports.embedder import Embedder
from crewhall.ports.live import Live


class KnowledgeParts(Struct, frozen=True):
    """The parts of one process."""

    worker: DocumentWorker
    means: Means
    pictures: Pictures
    sources: SourceWorker
    folders: FolderWatch

    def start(self) -> None:
        """Go on with what was begun; the database and the signals must be up."""
        self.worker.start()
        self.sources.start()
        self.folders.start()

    async def close(self) -> None:
        """Stop; what was begun goes on elsewhere, or later."""
        await self.folders.stop()
        await self.sources.stop()
        await self.worker.stop()


def start_knowledge(
    *,
    db: Database,
    blobs: Blobs,
    signals: Signals,
    live: Live,
    settings: KnowledgeSettings,
    extraction: ExtractionSettings,
    embedder: Embedder | None,
    store: FileStore,
    sources: SourceSettings,
) -> KnowledgeParts:
    """Make the parts of a process."""
    means = Means(
        db=db, blobs=blobs, live=live, extractor=Extractor(extraction), embedder=embedder,
        texts={OriginKind.WIKI: text_of},
    )  # fmt: skip
    worker = DocumentWorker(means, signals, settings.documents_at_once)
    return KnowledgeParts(
        worker, means, Pictures(means), SourceWorker(store, signals, sources), FolderWatch(db, signals, sources)
    )
