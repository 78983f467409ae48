"""Repositories are read page by page: to the end, on after a crash, again as far as they changed."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from crewhall.kernel.actor import system_actor
from crewhall.ports.github import GITHUB_AWAY, GITHUB_LIMITED, GithubAnswer
from crewhall.work.github import sync as syncing
from crewhall.work.github.keeping import Keeping
from crewhall.work.github.limits import wait_after
from crewhall.work.github.sync import Syncing
from crewhall.work.github.syncs import NotOurs, claim_sync
from tests.github.ground import Wired, wire
from tests.github.hub import Hub, HubGithub
from tests.identity.hall import Org
from tests.support.server import Server


@pytest.fixture
async def wired(server: Server, org: Org) -> Wired:
    return await wire(server, org)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    """Five issues, two of them in one second, a pull request with a review and checks, a deployment; small pages."""
    monkeypatch.setattr(syncing, "PER_PAGE", 2)
    made = Hub()
    for _ in range(5):
        made.add_issue()
    made.issues[3]["updated_at"] = made.issues[2]["updated_at"]
    pull = made.add_pull()
    review = {"user": {"login": "hubot"}, "state": "APPROVED", "commit_id": pull["head"]["sha"]}
    made.reviews[6] = [review | {"id": 1, "submitted_at": made.tick()}]
    suite = {"head_sha": pull["head"]["sha"], "status": "completed", "conclusion": "success", "app": {"name": "CI"}}
    made.suites[pull["head"]["sha"]] = [suite | {"id": 2, "updated_at": made.tick(), "pull_requests": []}]
    made.labels = [{"id": 3, "name": "bug", "description": None, "color": "f00"}]
    for number, words in ((1, "One"), (2, "Two"), (1, "Three")):
        made.add_comment(number, words)
    made.deployments = [{"id": 4, "sha": "a" * 40, "environment": "live", "updated_at": made.tick()}]
    made.statuses[4] = [{"id": 5, "state": "success", "updated_at": made.tick()}]
    return made


async def read(wired: Wired, repository: UUID, hub: Hub) -> dict[str, object]:
    """Read a repository now; gives how it stands."""
    (await wired.org.owner.api.post(f"/github/repositories/{repository}/sync")).raise_for_status()
    claimed = await claim_sync(wired.server.db, wired.org.id, repository)
    assert claimed is not None
    await Syncing(wired.server.db, HubGithub(hub), Keeping(None), 60).read(claimed)
    return await shown(wired, repository)


async def shown(wired: Wired, repository: UUID) -> dict[str, object]:
    found = await wired.org.owner.api.get(f"/github/repositories/{repository}")
    return msgspec.json.decode(found.raise_for_status().content, type=dict[str, object])


async def held(wired: Wired, repository: UUID) -> dict[str, list[str]]:
    """What the mirror holds of each kind, in words."""
    async with wired.server.db.transaction(system_actor(wired.org.id)) as tx:
        found = await tx.all(
            Held,
            "select kind, coalesce(title, body, state) as words from github_items where repository_id = %(id)s "
            "order by moment, key",
            {"id": repository},
        )
    return {one.kind: [other.words for other in found if other.kind == one.kind] for one in found}


class Held(msgspec.Struct):
    kind: str
    words: str


WHOLE = {
    "issue": ["Issue 1", "Issue 2", "Issue 3", "Issue 4", "Issue 5"],
    "comment": ["One", "Two", "Three"],
    "pull_request": ["Pull 6"],
    "review": ["approved"],
    "check_suite": ["CI"],
    "label": ["bug"],
    "deployment": ["live"],
    "deployment_status": ["live"],
}


@pytest.mark.rule("D8")
async def test_all_of_a_repository_is_read_then_only_what_changed(wired: Wired, hub: Hub):
    repository = await wired.add()
    found = await read(wired, repository, hub)
    assert (found["state"], found["problem"], found["github_id"]) == ("synced", None, 7)
    assert found["pages_done"] == found["pages_total"] == len(hub.asked) - 1
    assert await held(wired, repository) == WHOLE
    before = len(hub.asked)
    hub.now += timedelta(hours=1)
    async with wired.server.db.transaction(system_actor(wired.org.id)) as tx:  # as if the first sync began then
        await tx.run("update github_repositories set watermark = %(at)s", {"at": hub.now})
    hub.change(1, title="Another")
    await read(wired, repository, hub)
    assert (await held(wired, repository))["issue"][-1] == "Another"
    assert len(hub.asked) < 2 * before - 3
    told = len(hub.unchanged)
    await read(wired, repository, hub)
    assert len(hub.unchanged) > told, "what has not changed is asked for under its tag, and costs nothing"


def test_github_is_asked_again_when_it_lets_us_else_ever_more_seldom():
    limited = GITHUB_LIMITED("GitHub asks us to wait for 777 s.", wait_s=777.0)
    assert [wait_after(limited, retries) for retries in (0, 9)] == [777.0, 777.0]
    assert wait_after(GITHUB_LIMITED("For ever.", wait_s=1e9), 0) == 6 * 3600
    waits = [wait_after(GITHUB_AWAY("It is away."), retries) for retries in range(12)]
    assert waits == sorted(waits)
    assert (waits[1] / waits[0], waits[-1]) == (2, 3600)


class Limited(HubGithub):
    """Answers so often, then asks to wait."""

    def __init__(self, hub: Hub, left: int) -> None:
        super().__init__(hub)
        self.left = left

    async def ask(self, *given: Any, **named: Any) -> GithubAnswer:
        if self.left == 0:
            raise GITHUB_LIMITED("GitHub asks us to wait for 77 s.", wait_s=77.0)
        self.left -= 1
        return await super().ask(*given, **named)


async def test_who_goes_on_after_a_crash_or_a_limit_begins_where_it_was(wired: Wired, hub: Hub):
    repository, rounds = await wired.add(), 0
    while (found := await shown(wired, repository))["state"] != "synced":
        rounds += 1
        assert rounds < 40
        (await wired.org.owner.api.post(f"/github/repositories/{repository}/sync")).raise_for_status()
        claimed = await claim_sync(wired.server.db, wired.org.id, repository)
        assert claimed is not None
        await Syncing(wired.server.db, Limited(hub, 2), Keeping(None), 60).read(claimed)
        found = await shown(wired, repository)
        assert found["problem"] == ("GitHub asks us to wait for 77 s." if found["state"] == "limited" else None)
    assert rounds > 4
    assert await held(wired, repository) == WHOLE
    assert len(hub.asked) <= 16, "nothing that was kept is read again"


async def test_who_was_overtaken_writes_nothing(wired: Wired, hub: Hub):
    repository = await wired.add()
    slow = await claim_sync(wired.server.db, wired.org.id, repository)
    assert slow is not None
    async with wired.server.db.transaction(system_actor(wired.org.id)) as tx:
        await tx.run("update github_repositories set look_at = now() - interval '1 s'")
    quick = await claim_sync(wired.server.db, wired.org.id, repository)
    assert quick is not None
    reading = Syncing(wired.server.db, HubGithub(hub), Keeping(None), 60)
    with pytest.raises(NotOurs):
        await reading.read(slow)
    assert await held(wired, repository) == {}
    await reading.read(quick)
    assert await held(wired, repository) == WHOLE


async def test_what_github_refuses_is_said(wired: Wired, hub: Hub):
    repository = await wired.add("octo/unknown")
    found = await read(wired, repository, hub)
    assert (found["state"], found["problem"]) == ("failed", "GitHub answered 404: Not Found.")
    assert found["look_at"] is not None


async def test_what_is_read_is_newer_than_a_webhook_of_the_same_second(wired: Wired, hub: Hub):
    repository = await wired.add()
    await read(wired, repository, hub)
    hub.issues[5]["title"] = "What stands there"
    told = msgspec.json.encode(
        {
            "action": "edited",
            "issue": hub.issues[5] | {"title": "Told late"},
            "repository": {"id": 7, "full_name": hub.name},
        }
    )
    assert (await wired.deliver("issues", told)).status_code == 202
    await wired.do_all()
    async with wired.server.db.transaction(system_actor(wired.org.id)) as tx:
        assert await tx.value("select look_at < now() + interval '1 minute' from github_repositories")
    await read(wired, repository, hub)
    assert (await held(wired, repository))["issue"][-1] == "What stands there"
