"""Messages embedded by a worker of a test's own, which follows and looks only when it is told to."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from crewhall.kernel.errors import INVALID, UNAVAILABLE
from crewhall.knowledge import KnowledgeSearch
from crewhall.knowledge.message_worker import MessageWorker
from crewhall.ports.embedder import Embedder, Vector, WordEmbedder
from tests.conversations.ways import caught_up
from tests.identity.hall import Org
from tests.support.server import Server
from tests.support.waiting import until

VECTORS = "select e.message_id from message_embeddings_384 e where e.org_id = %(org)s and e.model = %(model)s"


class Moody(WordEmbedder):
    """Refuses texts that hold `refused`, dies of those that hold `deadly`, and can be away; each text is one call's."""

    refused = deadly = "\0"
    is_away = False

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """See Embedder."""
        whole = " ".join(texts)
        if self.is_away or self.deadly in whole:
            raise UNAVAILABLE("The model's process ends.")
        if self.refused in whole:
            raise INVALID("No.")
        return await super().embed(texts)


class Meaning:
    """A worker over a server's database, and a search that asks the same model."""

    def __init__(self, server: Server, embedder: Embedder | None = None) -> None:
        self.server, self.db = server, server.db
        self.embedder: Any = embedder or WordEmbedder()
        self.worker = MessageWorker(server.db, server.services.log, server.services.signals, self.embedder)
        self.search = KnowledgeSearch(server.db, [self.embedder])

    async def follow(self) -> None:
        """Note all that was written so far."""
        await caught_up(self.db, "search")

        async def has_seen_all() -> bool:
            await self.worker.follow()
            async with self.db.transaction(None) as tx:
                seen: bool = await tx.value("select consumer_lag('meaning') is null")
            return seen

        await until(has_seen_all)

    async def embed(self) -> float | None:
        """Note all that was written so far, and embed it."""
        await self.follow()
        return await self.worker.look()

    async def found(self, who: Any, q: str, **asked: Any) -> list[str]:
        """The texts that somebody finds, best first."""
        found = await self.search.search(getattr(who, "actor", who), q, **asked)
        return [one.text for one in found.found]

    async def vectors(self, org: Org, model: str | None = None) -> list[UUID]:
        """The messages of an organization that have a vector."""
        async with self.db.transaction(org.owner.actor) as tx:
            return await tx.values(VECTORS, {"org": org.id, "model": model or self.embedder.model.name})
