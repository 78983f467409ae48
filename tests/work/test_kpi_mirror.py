"""What counts of GitHub: whose it is, what of it, and that neither order nor repetition makes a difference."""

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from crewhall.kernel.actor import system_actor
from crewhall.work.github.items import Item
from crewhall.work.github.mirror import mirror_items
from crewhall.work.github.vocabulary import ItemKind as K
from tests.github.ground import Wired, wire
from tests.identity.hall import Org
from tests.support.server import AgentClient, Server
from tests.work.ground import agent, begun, done, wrote
from tests.work.kpi_ground import calculated, figures, standing

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
RED, GREEN, MERGE = "a" * 40, "b" * 40, "c" * 40


def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def pull(
    number: int, minutes: int, sha: str, state: str = "open", author: str | None = "Scout-Bot", **data: Any
) -> Item:
    ended = at(minutes).isoformat() if state != "open" else None
    told = {
        "head_ref": f"work-{number}", "closes": [], "merged_at": ended if state == "merged" else None,
        "closed_at": ended, "merge_sha": MERGE if state == "merged" else None,
    }  # fmt: skip
    return Item(
        kind=K.PULL_REQUEST, key=f"{number}00", number=number, sha=sha, state=state, title=f"Pull {number}",
        author=author, moment=at(minutes), step=state == "merged", data=told | data,
    )  # fmt: skip


def review(key: str, number: int, minutes: int, state: str, author: str = "ada") -> Item:
    step = 2 if state == "dismissed" else 1
    return Item(kind=K.REVIEW, key=key, number=number, state=state, author=author, moment=at(minutes), step=step)


def suite(key: str, sha: str, minutes: int, conclusion: str | None) -> Item:
    state, step = ("completed", 2) if conclusion else ("queued", 0)
    data = {"conclusion": conclusion, "pull_requests": []}
    return Item(kind=K.CHECK_SUITE, key=key, sha=sha, state=state, moment=at(minutes), step=step, data=data)


def status(key: str, sha: str, minutes: int, state: str, context: str = "ci") -> Item:
    return Item(kind=K.STATUS, key=key, sha=sha, state=state, title=context, moment=at(minutes))


def deployed(key: str, minutes: int, state: str, deployment: str = "9") -> Item:
    data = {"deployment": deployment}
    return Item(kind=K.DEPLOYMENT_STATUS, key=key, sha=MERGE, state=state, title="live", moment=at(minutes), data=data)


def push(key: str, minutes: int, number: int) -> Item:
    return Item(kind=K.PUSH, key=key, sha=GREEN, title=f"refs/heads/work-{number}", moment=at(minutes))


def issue(
    number: int,
    minutes: int,
    body: str = "",
    labels: tuple[str, ...] = ("bug",),
    reason: str | None = None,
    **more: Any,
) -> Item:
    data = {"labels": list(labels), "state_reason": reason, "created_at": at(0).isoformat()}
    told = {"state": "open", "title": "It leaks", "body": body, **more}
    return Item(kind=K.ISSUE, key=f"{number}77", number=number, moment=at(minutes), data=data, **told)


STREAM: list[Item] = [
    pull(1, 0, RED), pull(1, 20, GREEN), pull(1, 60, GREEN, "merged"),
    suite("s1", RED, 3, "failure"), suite("s2", GREEN, 22, None), suite("s2", GREEN, 25, "success"),
    review("r1", 1, 10, "approved"), review("r2", 1, 11, "changes_requested", "bo"),
    review("r3", 1, 12, "approved", "Scout-Bot"), review("r4", 1, 13, "approved", "other-bot"),
    review("r5", 1, 5, "changes_requested", "cy"), review("r5", 1, 5, "dismissed", "cy"),
    push("p1", 8, 1), push("p2", 21, 1),
    deployed("d1", 62, "in_progress"), deployed("d2", 63, "failure"),
    deployed("d3", 64, "failure", "10"), deployed("d4", 65, "success", "10"),
    pull(2, 5, RED), pull(2, 70, RED, "closed"), review("r6", 2, 9, "changes_requested"),
    status("t1", RED, 6, "failure"), status("t2", RED, 7, "success"), status("t3", RED, 8, "error", "lint"),
    pull(3, 30, "d" * 40, author="ada", closes=[{"repository": "", "number": 7}]),
    review("r7", 3, 31, "approved", "bo"),
    issue(4, 80, "Regression of #1, and of #2."), issue(5, 81, "Caused by: PR #3"),
    issue(6, 82, "caused by #1", ("docs",)), issue(8, 83, "broken by #2", state="closed"),
    issue(9, 84, "", title="Bug in #7"), issue(10, 85, "caused by #99"),
    issue(11, 86, "caused by #1", state="closed", reason="not_planned"),
]  # fmt: skip
COUNTED = [
    ("scout", "approved", "review:r1", None),
    ("scout", "approved_first", "review:r1", None),
    ("scout", "bug", "issue:R:4", "github:R:1"),
    ("scout", "bug", "issue:R:8", "github:R:2"),
    ("scout", "changes_requested", "review:r2", None),
    ("scout", "changes_requested", "review:r6", None),
    ("scout", "checks_failed", "pull:R:2", None),
    ("scout", "deployment_failed", "deployment:9", None),
    ("scout", "pull_merged", "pull:R:1", None),
    ("scout", "pull_rejected", "pull:R:2", None),
    ("scout", "reworked", "push:p2", None),
    ("other", "approved", "review:r7", None),
    ("other", "approved_first", "review:r7", None),
    ("other", "bug", "issue:R:5", "github:R:3"),
    ("other", "bug", "issue:R:9", "github:R:7"),
    ("other", "task_assigned", "task:T", None),
    (None, "bug", "issue:R:10", "github:R:99"),
]
"""What the stream comes to, whatever the order: R is the repository, T the task of issue 7."""


async def hired(server: Server, org: Org) -> tuple[AgentClient, AgentClient]:
    """Two agents that have names at GitHub."""
    found = []
    for code, login in (("scout", "scout-bot"), ("other", "Other-Bot")):
        found.append(await server.hire(org, code, github_login=login))
    return found[0], found[1]


class Ground:
    """A repository of a project, and the steps of its stream."""

    def __init__(self, wired: Wired, other: AgentClient, repository: UUID, project: dict[str, Any]) -> None:
        self.wired, self.other, self.repository, self.project = wired, other, repository, project
        self.task = ""

    async def tell(self, *items: Item) -> None:
        system = system_actor(self.wired.org.id)
        async with self.wired.server.db.transaction(system) as tx:
            await mirror_items(tx, system, self.repository, items)

    async def give(self) -> None:
        """The task of issue 7 becomes the other agent's."""
        if self.task:
            return
        made = await wrote(
            self.wired.org.owner, self.project, "Seven", github_issue_id=self.repository.int % 10**9,
            github_issue_number=7, assignee=agent(self.other),
        )  # fmt: skip
        self.task = made["id"]

    async def stands(self, names: dict[str, str]) -> list[tuple[Any, ...]]:
        found = []
        for who, kind, subject, cause, amount in await standing(self.wired.server, self.wired.org):
            assert amount == 1
            found.append((names.get(who), kind, self._short(subject), self._short(cause)))
        return sorted(found, key=str)

    def _short(self, one: str | None) -> str | None:
        return one and one.replace(str(self.repository), "R").replace(self.task, "T")


async def ground(wired: Wired, other: AgentClient, name: str) -> Ground:
    project = await begun(wired.org.owner, name)
    repository = await wired.add(f"octo/{name}")
    async with wired.server.db.transaction(system_actor(wired.org.id)) as tx:
        await tx.run(
            "update github_repositories set project_id = %(project)s where id = %(id)s",
            {"project": project["id"], "id": repository},
        )
    return Ground(wired, other, repository, project)


@pytest.mark.rule("D6", "D8")
@pytest.mark.parametrize("seed", [None, 1, 2, 3])
async def test_in_any_order_and_however_often_the_same_counts(server: Server, org: Org, seed: int | None):
    wired = await wire(server, org)
    scout, other = await hired(server, org)
    here = await ground(wired, other, "hall")

    def telling(item: Item) -> Callable[[], Awaitable[None]]:
        return lambda: here.tell(item)

    steps = [telling(item) for item in STREAM] + [here.give]
    if seed is not None:
        chance = random.Random(seed)
        steps += chance.sample(steps, len(steps) // 2)
        chance.shuffle(steps)
        for place in sorted(chance.sample(range(len(steps)), 4), reverse=True):
            steps.insert(place, lambda: calculated(server, org))  # type: ignore[arg-type,return-value]
    for step in steps:
        await step()
    await calculated(server, org)
    assert await here.stands({scout.id: "scout", other.id: "other"}) == sorted(COUNTED, key=str)
    one = await figures(server, org, scout)
    assert (one["quality"], one["bugs"], one["deployment_failures"], one["reworks"]) == (40, 2, 1, 1)


@pytest.mark.rule("D7")
async def test_three_rejected_pull_requests_in_a_row_are_a_concern(server: Server, org: Org):
    wired = await wire(server, org)
    scout, other = await hired(server, org)
    here = await ground(wired, other, "hall")
    await here.tell(*(pull(number, number, "e" * 40, "closed") for number in (3, 1)))
    assert (await figures(server, org, scout))["concerns"] == []
    await here.tell(pull(4, 2, "e" * 40, "merged"), pull(2, 4, "e" * 40, "closed"))
    one = await figures(server, org, scout)
    assert (one["rejected_in_row"], one["concerns"]) == (2, [])
    await here.tell(pull(5, 5, "e" * 40, "closed"))
    one = await figures(server, org, scout)
    assert (one["rejected_in_row"], one["concerns"]) == (3, ["rejected_pulls"])
    assert done(await org.owner.api.get(f"/agents/{scout.id}")).json()["status"] == "probation"
