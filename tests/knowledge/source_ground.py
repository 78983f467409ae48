"""Sources of tests, gone through by hand."""

from typing import Any
from uuid import UUID

from crewhall.conversations import FileStore
from crewhall.kernel.actor import Actor, ActorType, Role, system_actor
from crewhall.knowledge.sources.actions import add_source
from crewhall.knowledge.sources.run import claim
from crewhall.knowledge.sources.schemas import SourceInput
from crewhall.knowledge.sources.settings import SourceSettings
from crewhall.knowledge.sources.vocabulary import SourceType
from crewhall.knowledge.sources.worker import SourceWorker
from tests.identity.hall import Org
from tests.knowledge.pages_server import Site
from tests.support.server import Server


class Synced:
    """A source of a test, gone through by hand."""

    def __init__(self, server: Server, org: Org, agent_id: str, site: Site | None = None, **settings: Any) -> None:
        self.server, self.org, self.base = server, org, f"/agents/{agent_id}/knowledge"
        outbound = None if site is None else site.outbound()
        self.worker = SourceWorker(
            server.services.part(FileStore), server.services.signals, SourceSettings(**settings), outbound
        )
        self.id = ""

    async def add(self, kind: str, path: str, **config: Any) -> dict[str, Any]:
        """Add a source, as the action does with this worker's settings, and go through it."""
        owner = Actor(type=ActorType.USER, id=self.org.owner.id, org_id=self.org.id, role=Role.OWNER)
        data = SourceInput(type=SourceType(kind), path=path, config=config, enabled=False)
        async with self.server.db.transaction(owner) as tx:
            agent = UUID(self.base.split("/")[2])
            made = await add_source(tx, owner, agent, data, self.worker.settings, self.worker.outbound)
            # switched on behind the back of the server's own worker, which knows other settings
            await tx.run("update agent_knowledge_sources set enabled = true where id = %(id)s", {"id": made.id})
        self.id = str(made.id)
        return await self.again()

    async def again(self) -> dict[str, Any]:
        """Go through it once more."""
        async with self.server.db.transaction(system_actor(self.org.id)) as tx:
            await tx.run("update agent_knowledge_sources set look_at = now() where id = %(id)s", {"id": self.id})
            run = await claim(tx, UUID(self.id))
        assert run is not None
        await self.worker.take(run)
        return await self.shown()

    async def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.org.owner.api.get(f"{self.base}/{self.id}")).raise_for_status().json()
        return found

    async def items(self) -> dict[str, dict[str, Any]]:
        found = (await self.org.owner.api.get(f"{self.base}/{self.id}/items")).raise_for_status().json()["items"]
        return {one["key"]: one for one in found}


def counted(source: dict[str, Any]) -> tuple[int, ...]:
    """What a sync saw that was new, changed, unchanged, gone, failed."""
    return tuple(source["counts"][name] for name in ("fresh", "changed", "unchanged", "gone", "failed"))
