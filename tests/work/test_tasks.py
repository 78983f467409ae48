"""Tasks by the API: what they are, whose they are, what they wait for, and who may do what with them."""

import asyncio
from typing import Any

import pytest

from tests.identity.hall import Org
from tests.support.server import Server
from tests.work.ground import (
    agent,
    begun,
    changed,
    done,
    due,
    listed,
    person,
    put_on_probation,
    refused,
    titles,
    took,
    wrote,
)


@pytest.mark.rule("D8")
async def test_a_task_is_written_changed_and_done(server: Server, org: Org):
    project, hired = await begun(org.owner), await server.hire(org, name="Scout")
    task = await wrote(
        hired, project, "  Paint   it ", description="Blue.", labels=["UI", "ui", "Colour"], priority="P1",
        success_criteria=[{"text": "It is blue"}], deadline=due(2),
    )  # fmt: skip
    assert (task["number"], task["title"], task["status"], task["labels"]) == (
        1,
        "Paint it",
        "backlog",
        ["ui", "colour"],
    )
    assert (task["created_by"]["name"], task["assignee"], task["version"]) == ("Scout", None, 1)
    started = await changed(hired, task, status="in_progress")
    assert (started["assignee"]["id"], started["started_at"] is not None) == (hired.id, True)
    met = await changed(org.owner, task, success_criteria=[{"text": "It is blue", "is_met": True}])
    assert met["success_criteria"] == [{"text": "It is blue", "is_met": True}]
    finished = await changed(hired, task, status="completed")
    assert (finished["status"], finished["completed_at"] is not None) == ("completed", True)
    assert await refused(hired, task, status="in_progress") == (409, "conflict")
    again = await changed(hired, task, status="assigned")
    assert (again["assignee"]["id"], again["completed_at"]) == (hired.id, None)
    by_number = done(await org.owner.api.get("/tasks/of/shop/1")).json()
    assert (by_number["id"], by_number["version"]) == (task["id"], again["version"])
    assert (await org.owner.api.get("/tasks/of/shop/2")).status_code == 404
    by_no_clock = await org.owner.api.patch(f"/tasks/{task['id']}", json={"deadline": "2030-01-31T09:00:00"})
    assert by_no_clock.status_code == 422
    assert "offset" in by_no_clock.json()["detail"]
    for far in ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"):  # no page could show it in Tokyo, or in New York
        assert await refused(hired, task, deadline=far) == (422, "invalid")
        told = await hired.api.post("/tasks", json={"project_id": project["id"], "title": "Later", "deadline": far})
        assert (told.status_code, "of the years" in told.text) == (422, True), told.text


async def test_numbers_count_in_their_project_whoever_writes_at_once(org: Org):
    one, two = await begun(org.owner, "One"), await begun(org.owner, "Two")
    made = await asyncio.gather(*(wrote(org.owner, project) for project in (one, two) * 6))
    for project in (one, two):
        numbers = [task["number"] for task in made if task["project"]["id"] == project["id"]]
        assert sorted(numbers) == list(range(1, 7))


@pytest.mark.rule("D8")
async def test_a_task_has_one_assignee_person_or_agent(server: Server, org: Org, other_org: Org):
    project, member, hired = await begun(org.owner), await org.add(), await server.hire(org)
    task = await wrote(org.owner, project)
    given = await changed(org.owner, task, assignee=person(member))
    assert (given["status"], given["assignee"]["type"]) == ("assigned", "user")
    working = await changed(member, task, status="in_progress")
    assert working["status"] == "in_progress"
    handed = await changed(member, task, assignee=agent(hired))
    assert (handed["status"], handed["assignee"]["id"]) == ("assigned", hired.id)  # it has not begun with it
    freed = await changed(org.owner, task, assignee=None)
    assert (freed["status"], freed["assignee"]) == ("backlog", None)
    stranger = await server.hire(other_org)
    for wrong in (agent(stranger), person(other_org.owner)):
        assert (await refused(org.owner, task, assignee=wrong))[0] == 422
    assert (await refused(org.owner, task, status="assigned"))[0] == 422
    elsewhere = await begun(org.owner, "Elsewhere")
    worker = await server.hire(org, level="project", project_id=elsewhere["id"])
    answer = await org.owner.api.patch(f"/tasks/{task['id']}", json={"assignee": agent(worker)})
    assert (answer.status_code, answer.json()["field"]) == (422, "assignee")


async def test_who_is_given_a_task_is_told(server: Server, org: Org):
    project, member, hired = await begun(org.owner), await org.add(), await server.hire(org)
    task = await wrote(org.owner, project, "Paint it", assignee=person(member))
    told = (await listed(member, "/notifications", kind="task_assigned"))[0]
    assert (told["path"], told["subject_id"]) == (f"/tasks/{task['id']}", task["id"])
    assert told["summary"].endswith("gave you the task shop#1 Paint it")
    await changed(org.owner, task, assignee=agent(hired))
    assert await listed(member, "/notifications") == []
    assert len(await listed(hired, "/notifications", kind="task_assigned")) == 1
    await changed(hired, task, status="completed")
    assert await listed(hired, "/notifications") == []
    own = await wrote(member, project, assignee=person(member))
    assert own["status"] == "assigned"
    assert await listed(member, "/notifications") == []  # nobody is told what they do themselves


async def test_a_blocked_task_says_why(org: Org):
    task = await wrote(org.owner, await begun(org.owner))
    assert (await refused(org.owner, task, status="blocked"))[0] == 422
    blocked = await changed(org.owner, task, status="blocked", blocked_reason="No paint.")
    assert blocked["blocked_reason"] == "No paint."
    assert (await refused(org.owner, task, blocked_reason=""))[0] == 422
    assert await took(org.owner) is None
    free = await changed(org.owner, task, status="backlog")
    assert free["blocked_reason"] is None
    assert (await refused(org.owner, task, blocked_reason="Still."))[0] == 422


async def test_a_task_waits_for_others(org: Org):
    project = await begun(org.owner)
    first, second = await wrote(org.owner, project, "First"), await wrote(org.owner, project, "Second")
    third = await wrote(org.owner, project, "Third", waits_for=[second["id"]])
    path = f"/tasks/{second['id']}/dependencies/{first['id']}"
    waiting = done(await org.owner.api.put(path)).json()
    assert (waiting["waits_for"], [one["title"] for one in waiting["depends_on"]]) == (1, ["First"])
    assert await refused(org.owner, second, status="in_progress") == (409, "task_waits")
    for a, b in ((first, third), (first, second), (first, first)):  # circles
        assert (await org.owner.api.put(f"/tasks/{a['id']}/dependencies/{b['id']}")).status_code in {409, 422}
    assert (await took(org.owner) or {})["title"] == "First"
    assert await took(org.owner) is None
    await changed(org.owner, first, status="completed")
    assert (await took(org.owner) or {})["title"] == "Second"
    await changed(org.owner, first, status="backlog")  # taken up again: what waited waits again
    assert done(await org.owner.api.get(f"/tasks/{second['id']}")).json()["waits_for"] == 1
    done(await org.owner.api.delete(f"/tasks/{first['id']}"))
    assert done(await org.owner.api.get(f"/tasks/{second['id']}")).json()["waits_for"] == 0
    done(await org.owner.api.post(f"/tasks/{first['id']}/restore"))
    assert done(await org.owner.api.delete(path)).json()["waits_for"] == 0
    assert (await org.owner.api.delete(path)).status_code == 404
    elsewhere = await wrote(org.owner, await begun(org.owner, "Other"))
    wrong = await org.owner.api.put(f"/tasks/{second['id']}/dependencies/{elsewhere['id']}")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid")


@pytest.mark.rule("D3")
async def test_an_agent_on_probation_is_given_nothing_critical(server: Server, org: Org):
    project = await begun(org.owner)
    trusted, tried = await server.hire(org, name="Trusted"), await server.hire(org, name="Tried")
    critical = await wrote(org.owner, project, "Critical", priority="P0")
    await changed(org.owner, critical, assignee=agent(tried))
    await put_on_probation(org, tried)
    now = done(await org.owner.api.get(f"/tasks/{critical['id']}")).json()
    assert (now["status"], now["assignee"]) == ("backlog", None)  # what it had is taken back
    assert await refused(org.owner, critical, assignee=agent(tried)) == (409, "agent_on_probation")
    assert await refused(tried, critical, status="in_progress") == (409, "agent_on_probation")
    body = {"project_id": project["id"], "title": "New", "priority": "P0", "assignee": agent(tried)}
    assert (await org.owner.api.post("/tasks", json=body)).status_code == 409
    high = await wrote(org.owner, project, "High", priority="P1", assignee=agent(tried))
    assert await refused(org.owner, high, priority="P0") == (409, "agent_on_probation")
    assert (await took(tried) or {})["title"] == "High"
    assert await took(tried) is None
    assert (await took(trusted) or {})["title"] == "Critical"


async def test_who_is_away_gives_back_what_it_had(server: Server, org: Org):
    project, member, hired = await begun(org.owner), await org.add(), await server.hire(org)
    tasks = [await wrote(org.owner, project, assignee=whose) for whose in (person(member), agent(hired), agent(hired))]
    await changed(hired, tasks[2], status="completed")
    done(await org.owner.api.patch(f"/agents/{hired.id}", json={"status": "inactive"}))
    done(await org.owner.api.delete(f"/people/{member.id}"))
    found = {task["id"]: task["status"] for task in await listed(org.owner)}
    assert [found[task["id"]] for task in tasks] == ["backlog", "backlog", "completed"]
    assert (await refused(org.owner, tasks[0], assignee=agent(hired)))[0] == 422


async def test_who_is_deactivated_gives_back_what_they_had(org: Org):
    project, member = await begun(org.owner), await org.add()
    task = await wrote(org.owner, project, priority="P0", assignee=person(member))
    done(await org.owner.api.put(f"/people/{member.id}/deactivation"))
    now = done(await org.owner.api.get(f"/tasks/{task['id']}")).json()
    assert (now["status"], now["assignee"]) == ("backlog", None)
    assert (await took(org.owner) or {})["id"] == task["id"]


@pytest.mark.rule("D3")
async def test_what_is_brought_back_is_nobodys_where_whoever_had_it_may_not(server: Server, org: Org):
    project, member = await begun(org.owner), await org.add()
    gone, trusted, kept = [await server.hire(org) for _ in range(3)]
    whose = [person(member), agent(gone), agent(trusted), agent(kept)]
    tasks = [await wrote(org.owner, project, priority="P0", assignee=one) for one in whose]
    over = await changed(gone, await wrote(org.owner, project, assignee=agent(gone)), status="completed")
    for task in (*tasks, over):
        done(await org.owner.api.delete(f"/tasks/{task['id']}"))
    done(await org.owner.api.delete(f"/people/{member.id}"))
    done(await org.owner.api.patch(f"/agents/{gone.id}", json={"status": "inactive"}))
    await put_on_probation(org, trusted)
    back = [done(await org.owner.api.post(f"/tasks/{task['id']}/restore")).json() for task in (*tasks, over)]
    assert [(one["status"], (one["assignee"] or {}).get("id")) for one in back] == [
        ("backlog", None), ("backlog", None), ("backlog", None), ("assigned", kept.id), ("completed", gone.id),
    ]  # fmt: skip


async def test_who_may_change_a_task(server: Server, org: Org):
    project, member = await begun(org.owner), await org.add()
    worker = await server.hire(org, level="project", project_id=project["id"])
    general = await server.hire(org)
    task = await wrote(org.owner, project)
    assert await refused(worker, task, title="Mine") == (403, "forbidden")
    assert (await worker.api.put(f"/tasks/{task['id']}/dependencies/{task['id']}")).status_code == 403
    await changed(general, task, title="By an agent of the organization")
    await changed(member, task, assignee=agent(worker))
    await changed(worker, task, status="in_progress")
    own = await wrote(worker, project, "Its own")
    await changed(worker, own, priority="P0")
    for hired in (worker, general):
        assert (await hired.api.delete(f"/tasks/{own['id']}")).status_code == 403
    done(await member.api.delete(f"/tasks/{own['id']}"))
    assert await titles(member, deleted=True) == ["Its own"]
    assert (await refused(member, own, title="Gone"))[0] == 409
    assert (await worker.api.post(f"/tasks/{own['id']}/restore")).status_code == 403
    assert done(await member.api.post(f"/tasks/{own['id']}/restore")).json()["priority"] == "P0"


async def test_somebody_elses_change_is_not_written_over(org: Org):
    task = await wrote(org.owner, await begun(org.owner))
    await changed(org.owner, task, title="Meanwhile", expected_version=1)
    assert await refused(org.owner, task, title="Mine", expected_version=1) == (409, "stale_task")
    same = await changed(org.owner, task, title="Meanwhile", expected_version=2)
    assert same["version"] == 2  # nothing was changed


async def test_lists_are_filtered_and_paged(server: Server, org: Org):
    one, two = await begun(org.owner, "One"), await begun(org.owner, "Two")
    hired = await server.hire(org)
    written: dict[str, dict[str, Any]] = {
        "later": {"priority": "P1", "deadline": due(9)},
        "soon": {"priority": "P1", "deadline": due(1), "labels": ["ui", "bug"]},
        "whenever": {"priority": "P1"},
        "critical": {"priority": "P0", "labels": ["bug"], "description": "The till is on fire"},
        "his": {"assignee": agent(hired)},
    }
    for title, fields in written.items():
        await wrote(org.owner, one, title, **fields)
    await wrote(org.owner, two, "elsewhere", priority="P3")
    order = ["critical", "soon", "later", "whenever", "his", "elsewhere"]
    assert await titles(org.owner) == order
    assert await titles(org.owner, order="newest") == ["elsewhere", "his", "critical", "whenever", "soon", "later"]
    for query, found in (
        ({"project": two["id"]}, ["elsewhere"]),
        ({"assignee": hired.id}, ["his"]),
        ({"unassigned": True, "project": one["id"]}, ["critical", "soon", "later", "whenever"]),
        ({"priority": ["P0", "P3"]}, ["critical", "elsewhere"]),
        ({"status": ["assigned"]}, ["his"]),
        ({"label": "bug"}, ["critical", "soon"]),
        ({"label": ["bug", "UI"]}, ["soon"]),
        ({"due_before": due(2)}, ["soon"]),
        ({"q": "fire"}, ["critical"]),
        ({"q": "crit", "label": "bug"}, ["critical"]),
        ({"q": "nothing"}, []),
    ):
        assert await titles(org.owner, **query) == found, query
    for order_by, whole in (("queue", order), ("newest", await titles(org.owner, order="newest"))):
        after, seen = None, []
        while len(seen) < len(whole):
            asked: dict[str, Any] = {"limit": 2, "order": order_by, **({"after": after} if after else {})}
            page = done(await org.owner.api.get("/tasks", params=asked)).json()
            seen += [task["title"] for task in page["items"]]
            after = page["next"]
        assert (seen, after) == (whole, None)
    assert done(await org.owner.api.get("/tasks/labels")).json()["items"] == ["bug", "ui"]
    board = done(await org.owner.api.get(f"/projects/{one['id']}/board")).json()["columns"]
    assert [(column["status"], column["total"]) for column in board if column["total"]] == [
        ("backlog", 4),
        ("assigned", 1),
    ]
    assert [task["title"] for task in board[0]["tasks"]] == ["critical", "soon", "later", "whenever"]


async def test_several_are_changed_at_once_each_by_itself(server: Server, org: Org):
    project, hired = await begun(org.owner), await server.hire(org)
    await put_on_probation(org, hired)
    fine, critical = await wrote(org.owner, project), await wrote(org.owner, project, priority="P0")
    nobodys = project["id"]
    body = {"tasks": [fine["id"], critical["id"], nobodys], "change": {"assignee": agent(hired), "labels": ["round"]}}
    told = done(await org.owner.api.post("/tasks/changes", json=body)).json()
    assert told["changed"] == [fine["id"]]
    assert {one["id"]: one["code"] for one in told["refused"]} == {
        critical["id"]: "agent_on_probation", nobodys: "not_found",
    }  # fmt: skip
    assert {task["id"]: task["labels"] for task in await listed(org.owner)} == {
        fine["id"]: ["round"],
        critical["id"]: [],
    }


async def test_comments_are_a_thread_in_the_projects_channel(server: Server, org: Org):
    project, member, hired = await begun(org.owner), await org.add(), await server.hire(org)
    task = await wrote(org.owner, project, "Paint *it*")
    path = f"/tasks/{task['id']}/comments"
    said = await asyncio.gather(*(who.api.post(path, json={"content": "Which blue?"}) for who in (member, hired)))
    assert [answer.status_code for answer in said] == [201, 201], [answer.text for answer in said]
    thread = done(await org.owner.api.get(f"/tasks/{task['id']}")).json()["thread_id"]
    assert {answer.json()["parent_id"] for answer in said} == {thread}
    channel = f"/conversations/{project['conversation_id']}/messages"
    root = done(await org.owner.api.get(f"{channel}/{thread}")).json()
    assert (root["author"]["type"], "shop#1" in root["content"]) == ("system", True)
    replies = await listed(org.owner, channel, parent=thread)
    assert {reply["author"]["id"] for reply in replies} == {str(member.id), hired.id}
    assert (await member.api.post(path, json={"content": " "})).status_code == 422
