"""A repository that is linked to a project, and ways to do at once what the workers do in time."""

from typing import Any
from uuid import UUID

import msgspec

from crewhall.conversations import Overlays, Posting
from crewhall.kernel.actor import system_actor
from crewhall.work.github.changing import Changing
from crewhall.work.github.issues import issue
from crewhall.work.github.items import Item
from crewhall.work.github.keeping import Keeping
from crewhall.work.github.mirror import mirror_items
from crewhall.work.github.outgoing import claim_change
from crewhall.work.issues.linking import claim_backfill, fill_back
from crewhall.work.issues.said import Saying, claim_comment
from crewhall.work.issues.sent import CommentSender
from tests.github.ground import Wired, wire
from tests.github.hub import Hub, HubGithub
from tests.identity.hall import Org
from tests.support.server import Server
from tests.support.waiting import until
from tests.work.ground import begun, done, listed


class Bound(msgspec.Struct):
    """A repository of a hub, and the project that its issues are tasks of."""

    wired: Wired
    repository: UUID
    project: dict[str, Any]
    hub: Hub

    @property
    def server(self) -> Server:
        return self.wired.server

    @property
    def org(self) -> Org:
        return self.wired.org

    async def tell(self, *items: Item) -> None:
        """Take into the mirror what webhooks told, each by itself."""
        system = system_actor(self.org.id)
        for one in items:
            async with self.server.db.transaction(system) as tx:
                await mirror_items(tx, system, self.repository, [one])

    async def tell_issue(self, number: int) -> None:
        """Tell how an issue of the hub stands."""
        found = issue(self.hub.issues[number])
        assert found is not None
        await self.tell(found)

    async def follow(self) -> None:
        """Take what was said of tasks so far."""
        sender = CommentSender(self.server.db)

        async def has_seen_all() -> bool:
            await sender.step()
            async with self.server.db.transaction(None) as tx:
                return bool(await tx.value("select consumer_lag('task_comments') is null"))

        await until(has_seen_all)

    async def send(self) -> list[dict[str, Any]]:
        """Make every change that waits; gives what became of all of them, the oldest first."""
        await self.follow()
        while True:
            async with self.server.db.transaction(system_actor(self.org.id)) as tx:
                await tx.run("update github_changes set look_at = now() where look_at is not null")
                waiting = await tx.values("select id from github_changes where state = 'waiting' order by id")
            if not waiting:
                break
            claimed = await claim_change(self.server.db, self.org.id, waiting[0])
            assert claimed is not None
            await Changing(self.server.db, HubGithub(self.hub), Keeping(None)).make(claimed)
        path = f"/github/repositories/{self.repository}/changes"
        return (await listed(self.org.owner, path))[::-1]

    async def fill(self) -> None:
        """Make tasks of what was mirrored before."""
        claimed = await claim_backfill(self.server.db, self.org.id, self.repository)
        assert claimed is not None
        await fill_back(self.server.db, claimed)

    async def say(self) -> int:
        """Show every comment that waits in its thread; gives how many there were."""
        async with self.server.db.transaction(system_actor(self.org.id)) as tx:
            waiting = await tx.values("select id from github_comments where look_at <= clock_timestamp() order by id")
        posting = self.server.services.part(Posting)
        for one in waiting:
            claimed = await claim_comment(self.server.db, self.org.id, one)
            assert claimed is not None
            await Saying(self.server.db, posting, Overlays(self.server.db, posting)).show(claimed)
        return len(waiting)

    async def tasks(self, **query: Any) -> list[dict[str, Any]]:
        """The project's tasks, the oldest first."""
        found = await listed(self.org.owner, project=self.project["id"], order="newest", limit=100, **query)
        return found[::-1]

    async def task(self) -> dict[str, Any]:
        """The only one there is."""
        (found,) = await self.tasks()
        whole: dict[str, Any] = done(await self.org.owner.api.get(f"/tasks/{found['id']}")).json()
        return whole

    async def at_github(self, task: dict[str, Any]) -> dict[str, Any]:
        """What a task is at GitHub."""
        found: dict[str, Any] = done(await self.org.owner.api.get(f"/tasks/{task['id']}/github")).json()
        return found


async def bind(server: Server, org: Org, hub: Hub | None = None, **settings: Any) -> Bound:
    """Link a repository that nobody has read to a new project."""
    wired = await wire(server, org)
    repository, project = await wired.add(), await begun(org.owner)
    body = {"project_id": project["id"]} | settings
    done(await org.owner.api.put(f"/github/repositories/{repository}/project", json=body))
    bound = Bound(wired, repository, project, hub or Hub())
    await bound.fill()
    return bound
