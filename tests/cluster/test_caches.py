"""What one process remembers of people, places and pages is forgotten within a second of a change in another."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from crewhall.kernel.process_kinds import ProcessKind
from tests.identity.hall import Member, Org
from tests.support.database import SharedCluster
from tests.support.server import AgentClient, Server, token_of
from tests.support.waiting import bounded, until

SECOND = 1.0


class Scene:
    """An organization as two servers see it. The first changes it, the second has answered the same before."""

    def __init__(self, here: Server, there: Server, org: Org) -> None:
        self.here, self.there, self.org = here, there, org

    async def make(self) -> "Scene":
        self.member: Member = await self.org.add("member")
        self.agent: AgentClient = await self.here.hire(self.org)
        self.channel = await self.here.channel(self.org.owner)
        self.private = await self.here.channel(self.org.owner, type="private")
        await self.act("POST", f"/conversations/{self.private}/members", **self.joins())
        self.message = await self.act("POST", f"/conversations/{self.channel}/messages", content="first")
        self.person_there = self.there.client(token_of(self.member.api))
        self.agent_there = self.there.client(token_of(self.agent.api))
        return self

    def joins(self) -> dict[str, Any]:
        return {"member_type": "user", "member_id": str(self.member.id)}

    async def act(self, method: str, path: str, **body: Any) -> Any:
        """The owner's act, through the first."""
        answer = (await self.org.owner.api.request(method, path, json=body or None)).raise_for_status()
        return answer.json() if answer.content else None

    async def page(self) -> list[str]:
        """The newest page of the channel, through the second."""
        page = (await self.person_there.get(f"/conversations/{self.channel}/messages")).raise_for_status().json()
        return [item["content"] for item in page["items"]]

    async def status(self, method: str, path: str, **body: Any) -> int:
        """What the second answers the member."""
        return (await self.person_there.request(method, path, json=body or None)).status_code


@pytest.fixture(scope="module")
async def pair(cluster: SharedCluster, worker_id: str) -> AsyncIterator[tuple[Server, Server]]:
    urls = cluster.clone(f"caches_{worker_id}")
    async with Server(urls, kind=ProcessKind.SERVE) as here, Server(urls, kind=ProcessKind.SERVE) as there:
        yield here, there


async def signed_out(scene: Scene) -> None:
    await scene.member.api.post("/auth/logout-everywhere")


async def removed(scene: Scene) -> None:
    await scene.act("DELETE", f"/people/{scene.member.id}")


async def promoted(scene: Scene) -> None:
    await scene.act("PATCH", f"/people/{scene.member.id}", role="admin")


async def taken_out(scene: Scene) -> None:
    await scene.act("DELETE", f"/conversations/{scene.private}/members/user/{scene.member.id}")


async def archived(scene: Scene) -> None:
    await scene.act("PUT", f"/conversations/{scene.channel}/archive")


async def edited(scene: Scene) -> None:
    await scene.act("PATCH", f"/conversations/{scene.channel}/messages/{scene.message['id']}", content="second")


async def deactivated(scene: Scene) -> None:
    await scene.act("PATCH", f"/agents/{scene.agent.id}", status="inactive")


async def key_revoked(scene: Scene) -> None:
    (key,) = (await scene.act("GET", f"/agents/{scene.agent.id}/credentials"))["items"]
    await scene.act("DELETE", f"/agents/{scene.agent.id}/credentials/{key['id']}")


async def me(scene: Scene) -> object:
    return await scene.status("GET", "/me")


async def reads_private(scene: Scene) -> object:
    return await scene.status("GET", f"/conversations/{scene.private}/messages")


async def reads_audit(scene: Scene) -> object:
    return await scene.status("GET", "/audit")


async def posts(scene: Scene) -> object:
    return await scene.status("POST", f"/conversations/{scene.channel}/messages", content="more")


async def newest(scene: Scene) -> object:
    return (await scene.page())[-1]


async def agent_me(scene: Scene) -> object:
    return (await scene.agent_there.get("/me")).status_code


@pytest.mark.parametrize(
    ("change", "look", "before", "after"),
    [
        (signed_out, me, 200, 401),
        (removed, reads_private, 200, 401),
        (promoted, reads_audit, 403, 200),
        (taken_out, reads_private, 200, 404),
        (archived, posts, 201, 409),
        (edited, newest, "first", "second"),
        (deactivated, agent_me, 200, 401),
        (key_revoked, agent_me, 200, 401),
    ],
)
async def test_what_is_changed_in_one_process_holds_in_the_other_within_a_second(
    pair: tuple[Server, Server],
    change: Callable[[Scene], Awaitable[None]],
    look: Callable[[Scene], Awaitable[object]],
    before: object,
    after: object,
):
    here, there = pair
    scene = await Scene(here, there, await here.make_org()).make()
    assert [await look(scene), await look(scene)] == [before, before]
    async with bounded(10):
        await change(scene)

    async def holds() -> bool:
        return await look(scene) == after

    await until(holds, promised=SECOND)
