"""What became of agents' pull requests stands on the timeline: once, whatever came in which order, for who may know."""

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from crewhall.kernel.actor import system_actor
from crewhall.kernel.clock import utc_now
from crewhall.work.github.items import Item
from crewhall.work.github.mirror import mirror_items
from crewhall.work.timeline_news import NEWS
from tests.github.ground import Wired, wire
from tests.identity.hall import Org
from tests.support.server import Server
from tests.work.ground import agent, begun, done, wrote
from tests.work.test_kpi_mirror import GREEN, NOON, RED, deployed, pull, status, suite
from tests.work.timeline_ground import listed

TYPES = ["x.github.checks_failed", "x.github.deployment_ended"]
STREAM: list[Item] = [
    pull(1, 0, RED), suite("s1", RED, 3, "failure"),
    status("t1", RED, 4, "failure", "lint"), status("t2", RED, 5, "error", "lint"),
    suite("s2", RED, 6, "success"), pull(1, 60, RED, "merged"), deployed("d1", 61, "in_progress"),
    deployed("d2", 63, "failure"), deployed("d3", 64, "success", "10"),
    pull(2, 5, GREEN, author="ada"), suite("s3", GREEN, 8, "failure"),
]  # fmt: skip
TOLD = {
    "Scout’s check of its commit failed: Pull 1",
    "Scout’s check lint failed: Pull 1",
    "Scout’s deployment to live failed: Pull 1",
    "Scout’s deployment to live succeeded: Pull 1",
}


async def tell(wired: Wired, repository: UUID, items: list[Item]) -> None:
    system = system_actor(wired.org.id)
    for one in items:
        async with wired.server.db.transaction(system) as tx:
            await mirror_items(tx, system, repository, [one])


async def outcomes(who: Any) -> list[dict[str, Any]]:
    return await listed(who.api, type=TYPES, limit=50)


@pytest.mark.rule("D5", "D8", "X1")
@pytest.mark.parametrize("seed", range(3))
async def test_failing_checks_and_deployments_are_told_once_in_any_order(server: Server, org: Org, seed: int):
    scout = await server.hire(org, "scout", name="Scout", github_login="scout-bot")
    wired = await wire(server, org)
    repository = await wired.add()
    shift = utc_now() - NOON - timedelta(hours=2)
    stream = [structs.replace(one, moment=one.moment + shift) for one in STREAM]
    told = stream + stream[::2]
    if seed:
        random.Random(seed).shuffle(told)
    await tell(wired, repository, told)
    await tell(wired, repository, stream)
    found = await outcomes(org.owner)
    assert {one["summary"] for one in found} == TOLD
    assert len(found) == len(TOLD)
    failed = next(one for one in found if "lint" in one["summary"])
    assert (failed["type"], failed["agent"]["id"], failed["author"]) == (TYPES[0], scout.id, None)
    assert failed["content"]["sha"] == RED
    assert [one["id"] for one in failed["mentions"]] == [scout.id]
    assert len(await outcomes(scout)) == len(TOLD)


async def test_what_is_long_ago_is_no_news_and_a_commit_after_it_fails_anew(server: Server, org: Org):
    await server.hire(org, "scout", name="Scout", github_login="scout-bot")
    wired = await wire(server, org)
    repository, shift = await wired.add(), utc_now() - NOON
    old = [structs.replace(one, moment=one.moment + shift - NEWS - timedelta(hours=2)) for one in STREAM]
    await tell(wired, repository, old)
    assert await outcomes(org.owner) == []
    fresh = [
        pull(3, 0, "d" * 40),
        suite("s8", "d" * 40, 1, "timed_out"),
        pull(3, 2, "e" * 40),
        suite("s9", "e" * 40, 3, "failure"),
    ]
    await tell(
        wired, repository, [structs.replace(one, moment=one.moment + shift - timedelta(hours=2)) for one in fresh]
    )
    assert [one["summary"] for one in await outcomes(org.owner)] == [
        "Scout’s check of its commit failed: Pull 3", "Scout’s check of its commit took too long: Pull 3",
    ]  # fmt: skip


@pytest.mark.rule("B1")
async def test_who_may_not_see_the_agent_or_the_project_sees_no_outcome(server: Server, org: Org, other_org: Org):
    here, there = await begun(org.owner, "Here"), await begun(org.owner, "There")
    owner, member = org.owner, await org.add()
    worker = await server.hire(org, "worker", level="project", project_id=here["id"])
    stranger = await server.hire(org, "stranger", level="project", project_id=there["id"])
    wired = await wire(server, org)
    repository = await wired.add()
    done(await owner.api.put(f"/github/repositories/{repository}/project", json={"project_id": here["id"]}))
    task = await wrote(owner, here)
    done(await owner.api.patch(f"/tasks/{task['id']}", json={"assignee": agent(worker)}))
    async with server.db.transaction(system_actor(org.id)) as tx:
        await tx.run("update tasks set github_issue_number = 7 where id = %(id)s", {"id": task["id"]})
    shift = utc_now() - NOON - timedelta(hours=2)
    closing = [pull(4, 0, RED, author="ada", closes=[{"repository": "", "number": 7}]), suite("s1", RED, 1, "failure")]
    await tell(wired, repository, [structs.replace(one, moment=one.moment + shift) for one in closing])
    assert len(await outcomes(owner)) == len(await outcomes(member)) == len(await outcomes(worker)) == 1
    assert await outcomes(stranger) == await outcomes(other_org.owner) == []
    for one in (owner, worker):
        body = {"type": TYPES[0], "content": {}}
        assert (await one.api.post("/timeline", json=body)).status_code == 403, "nobody posts it"
