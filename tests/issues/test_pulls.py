"""Pull requests of tasks: by their words or by hand, with review and checks; a merge completes the task."""

import pytest

from crewhall.work.github.items import Item
from crewhall.work.github.vocabulary import ItemKind
from tests.identity.hall import Org
from tests.issues.ground import Bound, bind
from tests.issues.test_taking import issue, moment, pull
from tests.support.server import Server
from tests.work.ground import changed, done, wrote


@pytest.fixture
async def bound(server: Server, org: Org) -> Bound:
    return await bind(server, org)


def review(key: int, author: str, state: str) -> Item:
    return Item(
        kind=ItemKind.REVIEW, key=str(key), number=50, state=state, author=author, moment=moment(key), sha="a" * 40
    )


def suite(conclusion: str | None, *, at: int) -> Item:
    return Item(
        kind=ItemKind.CHECK_SUITE, key="7", sha="a" * 40, state="completed" if conclusion else "in_progress",
        title="CI", moment=moment(at), data={"conclusion": conclusion, "pull_requests": []},
    )  # fmt: skip


@pytest.mark.rule("D8")
async def test_a_merge_completes_the_tasks_that_its_words_close_and_whoever_reopens_does(bound: Bound):
    await bound.tell(issue(1), issue(2), pull(closes=(1,), at=1))
    task = (await bound.tasks())[0]
    (shown,) = (await bound.at_github(task))["pull_requests"]
    assert (shown["state"], shown["review"], shown["checks"], shown["is_by_hand"]) == ("open", None, None, False)
    assert task["status"] == "backlog", "a pull request moves nothing before it is merged"
    await bound.tell(review(1, "ada", "changes_requested"), review(2, "bob", "approved"), suite(None, at=1))
    (shown,) = (await bound.at_github(task))["pull_requests"]
    assert (shown["review"], shown["checks"]) == ("changes_requested", "running")
    await bound.tell(review(3, "ada", "approved"), suite("failure", at=2))
    (shown,) = (await bound.at_github(task))["pull_requests"]
    assert (shown["review"], shown["checks"]) == ("approved", "failing")
    await bound.tell(pull(closes=(1,), at=5, state="merged"), suite("success", at=6))
    assert [one["status"] for one in await bound.tasks()] == ["completed", "backlog"]
    (shown,) = (await bound.at_github(task))["pull_requests"]
    assert (shown["state"], shown["checks"]) == ("merged", "passing")
    assert await bound.send() == [], "GitHub closes the issue by itself"
    await bound.tell(issue(1, at=6))
    assert (await bound.tasks())[0]["status"] == "backlog"


@pytest.mark.rule("D8")
async def test_one_that_is_linked_by_hand_completes_a_task_that_has_no_issue(bound: Bound, org: Org, other_org: Org):
    await bound.tell(pull(closes=()))
    task, member = await wrote(org.owner, bound.project, "No issue"), await org.add()
    path = f"/tasks/{task['id']}/pull-requests"
    linked = done(await member.api.post(path, json={"url": "https://github.com/octo/hall/pull/50"})).json()
    assert [(one["number"], one["is_by_hand"]) for one in linked["pull_requests"]] == [(50, True)]
    assert (await member.api.post(path, json={"url": "octo/hall#51"})).status_code == 422
    assert (await member.api.post(path, json={"url": "javascript:alert(1)"})).status_code == 422
    assert (await other_org.owner.api.post(path, json={"url": "octo/hall#50"})).status_code == 404
    await bound.tell(pull(closes=(), at=2, state="merged"))
    assert (await bound.task())["status"] == "completed"
    await bound.tell(pull(closes=(), at=2, state="merged"))
    await changed(org.owner, task, status="backlog")
    await bound.tell(pull(closes=(), at=3, state="merged"))
    assert (await bound.task())["status"] == "backlog", "a merge is told once"
    assert (await member.api.delete(f"{path}/{bound.repository}/50")).status_code == 204
    assert (await member.api.delete(f"{path}/{bound.repository}/50")).status_code == 404
    again = done(await member.api.post(path, json={"url": "octo/hall#50"})).json()
    assert again["pull_requests"][0]["state"] == "merged"
    assert (await bound.task())["status"] == "completed"
