"""What is changed of a task goes out to its issue, and comes back as nothing; conflicts are settled and said."""

from datetime import timedelta
from typing import Any

import pytest

from crewhall.kernel.actor import system_actor
from crewhall.work.issues.sending import relabelled
from crewhall.work.issues.wording import quiet
from tests.github.hub import Hub
from tests.identity.hall import Org
from tests.issues.ground import Bound, bind
from tests.support.server import Server
from tests.work.ground import agent, changed, done, wrote


@pytest.fixture
async def bound(server: Server, org: Org) -> Bound:
    hub = Hub()
    hub.add_issue(title="It leaks", body="Words", **hub._as_told({"labels": ["Bug"]}))
    bound = await bind(server, org, hub)
    await bound.tell_issue(1)
    return bound


@pytest.mark.rule("D8")
async def test_what_is_changed_here_is_changed_there_and_comes_back_as_nothing(bound: Bound, server: Server, org: Org):
    robot = await server.hire(org)
    done(await org.owner.api.patch(f"/agents/{robot.id}", json={"github_login": "robo"}))
    task = await bound.task()
    text = {"title": "It pours", "description": "Ask @ada, not `@ada`", "labels": ["bug", "wet"]}
    await changed(org.owner, task, **text, assignee=agent(robot))
    (sent,) = await bound.send()
    assert sent["outcome"] == dict.fromkeys(("title", "body", "labels", "assignees"), "written")
    there = bound.hub.issues[1]
    assert there["title"] == "It pours"
    assert there["body"] == "Ask @\N{ZERO WIDTH SPACE}ada, not `@ada`"
    assert [one["name"] for one in there["labels"]] == ["Bug", "wet"]
    assert [one["login"] for one in there["assignees"]] == ["robo"]
    before = await bound.task()
    await bound.tell_issue(1)  # the webhook that follows
    now = await bound.task()
    assert (now["version"], {name: now[name] for name in text}) == (before["version"], text)
    assert len(await bound.send()) == 1, "nothing goes back and forth"
    await changed(org.owner, task, status="cancelled")
    await bound.send()
    assert (there["state"], there["state_reason"]) == ("closed", "not_planned")
    assert (await bound.task())["status"] == "cancelled"
    await changed(org.owner, task, status="backlog")
    await bound.send()
    assert (there["state"], there["assignees"]) == ("open", [])
    await changed(org.owner, task, priority="P0")
    await changed(org.owner, task, status="in_progress")
    assert {one["state"] for one in await bound.send()} == {"done"}
    assert there["assignees"] == [], "nobody said what the owner is called there"


@pytest.mark.rule("D8")
async def test_what_was_changed_there_meanwhile_stays_and_the_task_says_so(bound: Bound, org: Org):
    task = await bound.task()
    await changed(org.owner, task, title="Ours", labels=["ours"])
    bound.hub.now += timedelta(days=400)
    bound.hub.change(1, title="Theirs, later")
    await bound.tell_issue(1)
    now = await bound.task()
    assert (now["title"], now["labels"]) == ("Ours", ["ours"]), "what waits to go out is left alone"
    await bound.send()
    now = await bound.task()
    assert (now["title"], now["labels"]) == ("Theirs, later", ["ours"])
    shown = await bound.at_github(task)
    assert shown["changes"][0]["outcome"] == {"title": "lost", "labels": "written"}
    assert shown["issue"]["is_followed"] is True
    await changed(org.owner, task, title="Ours again")
    bound.hub.failures = [(422, {})]
    await bound.send()
    refused = (await bound.at_github(task))["changes"][0]
    assert (refused["state"], refused["reason"]) == ("failed", "GitHub answered 422: of the test.")
    assert (await bound.task())["title"] == "Ours again"


@pytest.mark.rule("D8")
@pytest.mark.parametrize("webhook_first", [False, True])
async def test_a_new_task_becomes_an_issue_and_no_second_task(server: Server, org: Org, *, webhook_first: bool):
    bound = await bind(server, org, makes_issues=True)
    task = await wrote(org.owner, bound.project, "From here", description="With words", labels=["one"])
    asked = await bound.at_github(task)
    assert [(one["kind"], one["state"]) for one in asked["changes"]] == [("create_issue", "waiting")]
    twice = await org.owner.api.post(f"/tasks/{task['id']}/issue")
    assert twice.status_code == 409
    await changed(org.owner, task, title="Changed meanwhile")
    if webhook_first:
        change = asked["changes"][0]["id"]
        bound.hub.add_issue(title="From here", body=f"With words\n\n<!-- crewhall:{change} -->")
        await bound.tell_issue(1)
        assert (await bound.task())["github_issue_number"] == 1
        async with server.db.transaction(system_actor(org.id)) as tx:  # its answer was lost: it is looked for again
            created = await tx.value("update github_changes set attempt = 1 returning created_at")
        bound.hub.issues[1]["updated_at"] = (created + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await bound.send()
    now = await bound.task()
    assert (now["id"], now["github_issue_number"], now["title"]) == (task["id"], 1, "Changed meanwhile")
    assert bound.hub.issues[1]["title"] == "Changed meanwhile"
    assert len(bound.hub.issues) == 1
    assert now["description"] == "With words"
    copied = bound.hub.add_issue(body=bound.hub.issues[1]["body"] + f"<!-- crewhall:{asked['changes'][0]['id']} -->")
    await bound.tell_issue(copied["number"])
    assert len(await bound.tasks()) == 2, "a mark that was copied makes nobody's issue another's"


async def test_a_task_of_no_linked_project_and_who_may_not(bound: Bound, server: Server, org: Org, other_org: Org):
    elsewhere = await wrote(org.owner, bound.project, "Born here")
    assert (await org.owner.api.post(f"/tasks/{elsewhere['id']}/issue")).status_code == 202
    path = f"/github/repositories/{bound.repository}/project"
    member, stranger = await org.add(), other_org.owner
    body = {"project_id": bound.project["id"]}
    assert (await member.api.put(path, json=body)).status_code == 403
    assert (await member.api.delete(path)).status_code == 403
    assert (await stranger.api.put(path, json=body)).status_code == 404
    assert (await stranger.api.get(f"/tasks/{elsewhere['id']}/github")).status_code == 404
    assert (await stranger.api.post(f"/tasks/{elsewhere['id']}/issue")).status_code == 404
    assert (await member.api.get(f"/tasks/{elsewhere['id']}/github")).status_code == 200


async def test_unlinked_the_tasks_stay_and_linked_again_they_follow(bound: Bound, org: Org):
    path, task = f"/github/repositories/{bound.repository}/project", await bound.task()
    unlinked = done(await org.owner.api.delete(path)).json()
    assert (unlinked["project_id"], unlinked["is_filling"]) == (None, False)
    bound.hub.change(1, title="While apart")
    await bound.tell_issue(1)
    await changed(org.owner, task, labels=["ours"])
    assert (await bound.task())["title"] == "It leaks"
    assert (await bound.at_github(task))["issue"]["is_followed"] is False
    assert await bound.send() == []
    done(await org.owner.api.put(path, json={"project_id": bound.project["id"]}))
    bound.hub.add_issue()
    await bound.tell_issue(2)
    await bound.fill()
    shown: dict[str, Any] = done(await org.owner.api.get(f"/github/repositories/{bound.repository}")).json()
    assert (shown["tasks_done"], shown["is_filling"]) == (2, False)
    first, second = await bound.tasks()
    assert (first["id"], first["title"], first["labels"]) == (task["id"], "While apart", ["ours"])
    assert second["title"] == "Issue 2"


@pytest.mark.parametrize(
    ("there", "wanted", "then"),
    [
        (["Bug", "Help"], ["bug"], ["Bug"]),
        (["Bug"], ["bug", "new"], ["Bug", "new"]),
        ([f"l{at:02}" for at in range(25)], [f"l{at:02}" for at in range(1, 20)], [f"l{at:02}" for at in range(1, 25)]),
    ],
)
def test_labels_keep_how_they_are_written_and_what_a_task_cannot_hold(
    there: list[str], wanted: list[str], then: list[str]
):
    assert relabelled(there, wanted) == then


@pytest.mark.parametrize("text", ["mail@example.org", "`@ada`", "```\n@ada\n```", "https://x.org/@ada"])
def test_what_calls_nobody_stays_as_it_is(text: str):
    assert quiet(text) == text
