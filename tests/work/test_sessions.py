"""Work sessions by the API: one open per agent, what a start tells, what belongs to one, that it never changes."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.events import _handlers, subscribe
from crewhall.work import WorkSessionStopped, session_pull
from tests.identity.hall import Org
from tests.support.server import Server
from tests.support.waiting import until
from tests.work.ground import agent, begun, changed, done, due, listed, took, wrote
from tests.work.session_ground import logged, shown, started, stopped
from tests.work.timeline_ground import listed as told
from tests.work.timeline_ground import posted, said


@pytest.mark.rule("D4")
async def test_a_start_tells_open_tasks_by_priority_then_deadline(server: Server, org: Org):
    project, hired, other = await begun(org.owner), await server.hire(org), await server.hire(org)
    for title, priority, days, whose in (
        ("Later", "P1", 9, hired), ("Sooner", "P1", 2, hired), ("Low", "P3", 1, hired), ("First", "P0", 30, hired),
        ("Theirs", "P0", 1, other),
    ):  # fmt: skip
        await wrote(org.owner, project, title, priority=priority, deadline=due(days), assignee=agent(whose))
    finished = await wrote(org.owner, project, "Finished", assignee=agent(hired))
    await changed(org.owner, finished, status="completed")
    await wrote(org.owner, project, "Free")
    begin = await started(hired, goal="  Clear  the desk ", project_id=project["id"])
    assert [one["title"] for one in begin["pulled"]["tasks"]] == ["First", "Sooner", "Later", "Low"]
    counts = begin["pulled"]["counts"]
    assert (counts["tasks"], counts["free"], counts["mentions"], counts["role_changes"]) == (4, 1, 0, 0)
    session = begin["session"]
    assert (session["status"], session["goal"], session["stopped_at"]) == ("started", "Clear the desk", None)
    assert (session["project"]["slug"], session["previous_id"]) == (project["slug"], None)
    lines = begin["text"].splitlines()
    assert [line.partition(": ")[2] for line in lines if line.startswith(f"- {project['slug']}#")] == [
        "First", "Sooner", "Later", "Low",
    ]  # fmt: skip
    assert "next_task" in begin["text"]
    (event,) = await told(org.owner.api, type="session_start")
    assert (event["session_id"], event["author"]["id"], event["title"]) == (session["id"], hired.id, "Clear the desk")
    assert event["content"]["pulled_updates"] == {"tasks": 4}


@pytest.mark.rule("D4")
async def test_at_most_a_hundred_mentions_are_told_with_the_count_of_all_and_each_once(server: Server, org: Org):
    hired, general = await server.hire(org), await server.general(org)
    first = await started(hired)
    await stopped(hired, first["session"]["id"])
    last = await said(org.owner, general, f"The last word to @{hired.code}")
    await _mentioned(hired.api)
    async with server.db.transaction(hired_actor(hired.id, org)) as tx:
        await tx.run(
            """
            insert into notifications (org_id, recipient_type, recipient_id, kind, actor_type, actor_id, actor_name,
                                       conversation_id, message_id, first_seq, seq, happened_at)
            select org_id, recipient_type, recipient_id, kind, actor_type, actor_id, actor_name, conversation_id,
                   gen_random_uuid(), seq, seq, happened_at - n * interval '1 millisecond'
            from notifications, generate_series(1, 120) as n where recipient_id = %(agent)s and kind = 'mention'
            """,
            {"agent": UUID(hired.id)},
        )
    begin = await started(hired)
    assert begin["pulled"]["counts"]["mentions"] == 121
    kept = await _pulled(server, org, begin["session"]["id"])
    assert (len(kept["mentions"]), kept["mentions"][0]) == (100, last["id"])
    (shown_one,) = begin["pulled"]["mentions"]
    assert (shown_one["message_id"], shown_one["place"]) == (last["id"], "#general")
    assert f"The last word to @{hired.code}" in begin["text"]
    again = await started(hired, supersede=True)
    assert last["id"] not in {one["message_id"] for one in again["pulled"]["mentions"]}


@pytest.mark.rule("D4")
async def test_roles_are_compared_with_the_last_snapshot(server: Server, org: Org):
    member, hired = await org.add(), await server.hire(org, role_title="Painter")
    first = await started(hired)
    assert first["pulled"]["role_changes"] == []
    done(await org.owner.api.patch(f"/agents/{hired.id}", json={"role_title": "Head painter"}))
    done(await org.owner.api.patch(f"/people/{member.id}", json={"role": "admin"}))
    second = await started(hired, supersede=True)
    changes = {
        (one["who"]["id"], one["what"]): (one["before"], one["after"]) for one in second["pulled"]["role_changes"]
    }
    assert changes[hired.id, "role"] == ("Painter", "Head painter")
    assert changes[str(member.id), "role"] == (None, "admin")
    assert second["pulled"]["counts"]["role_changes"] == len(changes) == 2
    assert "Your role is Head painter now, was Painter." in second["text"]
    assert (await started(hired, supersede=True))["pulled"]["role_changes"] == []


@pytest.mark.rule("D4")
async def test_questions_answers_and_the_wiki_are_told(server: Server, org: Org):
    hired = await server.hire(org)
    await started(hired)
    asked = {"type": "question_asked", "mentions": [hired.id]}
    open_one = await posted(org.owner, "Which blue?", **asked)
    answered = await posted(org.owner, "Which red?", **asked)
    await posted(hired, type="advice_given", content={"text": "The dark one.", "about": answered["id"]})
    own = await posted(hired, "Where is the key?", type="question_asked")
    advice = {"type": "advice_given", "content": {"text": "Under the mat.", "about": own["id"]}}
    done(await org.owner.api.post("/timeline", json=advice))
    entry = done(await org.owner.api.post("/wiki", json={"title": "Blues", "content": "There are three."})).json()
    done(await org.owner.api.post(f"/wiki/versions/{entry['id']}/approve", json={}))
    begin = await started(hired, supersede=True)
    assert [one["id"] for one in begin["questions"]] == [open_one["id"]]
    assert [one["text"] for one in begin["answers"]] == ["Under the mat."]
    assert len(begin["knowledge"]) == 1
    assert "Which blue?" in begin["text"]
    again = await started(hired, supersede=True)
    assert [one["id"] for one in again["questions"]] == [open_one["id"]]
    assert (again["answers"], again["knowledge"]) == ([], [])


@pytest.mark.rule("D4")
async def test_what_an_agent_does_meanwhile_belongs_to_its_session_by_itself(server: Server, org: Org):
    project, hired = await begun(org.owner), await server.hire(org)
    general = await server.general(org)
    before = await posted(hired, "Before.")
    facts: list[WorkSessionStopped] = []

    async def hear(_tx: Tx, _actor: Actor, fact: WorkSessionStopped) -> None:
        facts.append(fact)

    await wrote(org.owner, project, "Paint it")
    named = await wrote(org.owner, project, "Buy paint")
    session = (await started(hired))["session"]["id"]
    task = await took(hired, project)
    assert task is not None
    entry = await logged(
        hired, session, "Painted **half**.", context={"file": "wall.py"}, tasks=[f"{project['slug']}#2"]
    )
    assert (entry["type"], entry["text"], entry["content"]["context"]) == (
        "session_log", "Painted **half**.", {"file": "wall.py"},
    )  # fmt: skip
    problem = await posted(hired, "The brush is stiff.")
    message = await said(hired, general, "Is there another brush?", kind="question")
    await changed(hired, task, status="completed")
    assert (problem["session_id"], before["session_id"]) == (session, None)
    await until(lambda: _is_told(org, message["id"]))
    subscribe(WorkSessionStopped, hear)
    try:
        over = await stopped(hired, session, hand_off="The other half is for tomorrow.")
    finally:
        _handlers[WorkSessionStopped].remove(hear)
    assert set(over["tasks_worked_on"]) == {task["id"], named["id"]}
    assert (over["log_count"], over["hand_off"]) == (1, "The other half is for tomorrow.")
    assert (over["stop_reason"], over["stopped_by"]["id"]) == ("stopped", hired.id)
    assert [fact.is_significant for fact in facts] == [True]
    assert (str(facts[0].session_id), facts[0].duration_seconds) == (session, over["duration_seconds"])
    after = await posted(hired, "After.")
    assert after["session_id"] is None
    types = [one["type"] for one in await told(org.owner.api, session=session)]
    assert sorted(types) == [
        "problem_report", "question_asked", "session_log", "session_start", "session_stop", "task_assigned",
        "task_completed",
    ]  # fmt: skip
    begin = await started(hired)
    assert begin["handed_over"]["hand_off"] == "The other half is for tomorrow."
    assert "The other half is for tomorrow." in begin["text"]


@pytest.mark.rule("D4")
async def test_a_short_session_without_tasks_moves_no_figures():
    fields: dict[str, Any] = {
        "session_id": UUID(int=1), "org_id": UUID(int=2), "agent_id": UUID(int=3), "project_id": None,
        "started_at": None, "stopped_at": None, "reason": "stopped",
    }  # fmt: skip
    for seconds, tasks, expected in ((300, [], False), (301, [], True), (1, [UUID(int=4)], True)):
        fact = WorkSessionStopped(**fields, duration_seconds=seconds, tasks_worked_on=tasks)
        assert fact.is_significant is expected


@pytest.mark.rule("D4", "E1")
async def test_who_may_see_and_who_may_write(server: Server, org: Org, other_org: Org):
    project, member = await begun(org.owner), await org.add()
    hired, colleague = await server.hire(org), await server.hire(org)
    hidden = await server.hire(org, visibility="private")
    elsewhere = await server.hire(org, level="project", project_id=(await begun(org.owner, "Else"))["id"])
    stranger = await server.hire(other_org)
    session = (await started(hired, project_id=project["id"]))["session"]["id"]
    secret = (await started(hidden))["session"]["id"]
    for who in (org.owner, member, colleague, hired):
        assert (await who.api.get(f"/sessions/{session}")).status_code == 200
    for other in (other_org.owner, stranger, elsewhere):
        assert (await other.api.get(f"/sessions/{session}")).status_code == 404
        assert (await other.api.get("/sessions")).json()["items"] == []
        for path, body in (("log", {"message": "Mine."}), ("stop", {})):
            assert (await other.api.post(f"/sessions/{session}/{path}", json=body)).status_code in {403, 404}
    for who in (member, colleague):
        assert (await who.api.get(f"/sessions/{secret}")).status_code == 404
        assert secret not in {one["id"] for one in await listed(who, "/sessions")}
    assert (await org.owner.api.get(f"/sessions/{secret}")).status_code == 200
    for who, path, body in (
        (org.owner, "/sessions", {}), (member, "/sessions", {}),
        (org.owner, f"/sessions/{session}/log", {"message": "Mine."}),
        (colleague, f"/sessions/{session}/log", {"message": "Mine."}),
        (colleague, f"/sessions/{session}/stop", {}), (member, f"/sessions/{session}/stop", {}),
    ):  # fmt: skip
        refused = await who.api.post(path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), path
    assert await listed(org.owner, "/sessions", mine="true") == []
    assert [one["id"] for one in await listed(hired, "/sessions", mine="true")] == [session]
    assert (await stranger.api.post("/sessions", json={"project_id": project["id"]})).status_code == 404
    assert (await shown(org.owner, session))["stopped_at"] is None


@pytest.mark.rule("D4")
async def test_an_agent_that_came_to_another_project_still_ends_its_own_session(server: Server, org: Org):
    project = await begun(org.owner)
    hired = await server.hire(org, level="project", project_id=project["id"])
    session = (await started(hired))["session"]
    assert session["project"]["id"] == project["id"]
    other = await begun(org.owner, "Else")
    done(await org.owner.api.patch(f"/agents/{hired.id}", json={"project_id": other["id"]}))
    assert (await started(hired, supersede=True))["handed_over"]["session_id"] == session["id"]


@pytest.mark.rule("D4")
async def test_what_came_while_it_worked_is_told_by_the_next_start(
    server: Server, org: Org, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(session_pull, "OVERLAP", timedelta(0))
    hired = await server.hire(org)
    session = (await started(hired))["session"]["id"]
    message = await said(org.owner, await server.general(org), f"Look, @{hired.code}")
    await _mentioned(hired.api)
    await stopped(hired, session)
    pulled = (await started(hired))["pulled"]
    assert [one["message_id"] for one in pulled["mentions"]] == [message["id"]]


@pytest.mark.rule("D2", "D4")
async def test_of_a_session_nobody_sees_tasks_of_a_project_that_is_not_theirs(server: Server, org: Org):
    here, there, hired = await begun(org.owner), await begun(org.owner, "There"), await server.hire(org)
    task = await wrote(org.owner, here, assignee=agent(hired))
    session = (await started(hired))["session"]["id"]
    await changed(hired, task, status="in_progress")
    await stopped(hired, session)
    place = {"level": "project", "project_id": there["id"]}
    done(await org.owner.api.patch(f"/agents/{hired.id}", json=place))
    for who, seen in ((org.owner, [task["id"]]), (hired, [])):
        one = await shown(who, session)
        for tasks in (one["tasks"], one["pulled"]["tasks"]):
            assert [each["id"] for each in tasks] == seen


@pytest.mark.rule("D4")
async def test_of_what_a_start_told_everybody_sees_what_they_may(server: Server, org: Org):
    member, hired = await org.add(), await server.hire(org)
    invited = {"member_type": "agent", "member_id": hired.id}
    private = await server.channel(org.owner, type="private", members=[invited])
    await started(hired)
    await said(org.owner, private, f"Between us, @{hired.code}")
    await _mentioned(hired.api)
    begin = await started(hired, supersede=True)
    assert [one["text"] for one in begin["pulled"]["mentions"]] == [f"Between us, @{hired.code}"]
    session = begin["session"]["id"]
    assert len((await shown(org.owner, session))["pulled"]["mentions"]) == 1
    seen = (await shown(member, session))["pulled"]
    assert (seen["mentions"], seen["counts"]["mentions"]) == ([], 1)


@pytest.mark.rule("D4")
async def test_who_looks_after_an_agent_ends_its_session(server: Server, org: Org):
    hired = await server.hire(org)
    session = (await started(hired))["session"]["id"]
    assert (await org.owner.api.post("/sessions/00000000-0000-7000-8000-000000000000/stop", json={})).status_code == 404
    over = await stopped(org.owner, session, hand_off="Wait for the paint.")
    assert (over["stop_reason"], over["stopped_by"]["id"]) == ("stopped", str(org.owner.id))
    (event,) = await told(org.owner.api, type="session_stop")
    assert (event["author"]["id"], event["agent"]["id"]) == (str(org.owner.id), hired.id)
    assert "Wait for the paint." in (await started(hired))["text"]


async def _pulled(server: Server, org: Org, session: str) -> dict[str, Any]:
    async with server.db.transaction(org.owner.actor) as tx:
        found: dict[str, Any] = await tx.value(
            "select pulled from work_sessions where id = %(id)s", {"id": UUID(session)}
        )
    return found


async def _mentioned(api: Any) -> None:
    """Wait until the agent's inbox has the mention."""

    async def look() -> bool:
        return bool((await api.get("/notifications", params={"kind": "mention"})).json()["items"])

    await until(look)


async def _is_told(org: Org, message: str) -> bool:
    return any(one["message_id"] == message for one in await told(org.owner.api, type="question_asked"))


def hired_actor(agent_id: str, org: Org) -> Actor:
    """The agent as the database sees it."""
    from crewhall.kernel.actor import ActorType

    return Actor(type=ActorType.AGENT, id=UUID(agent_id), org_id=org.id)
