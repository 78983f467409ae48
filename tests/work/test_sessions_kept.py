"""What the database holds of work sessions: one open per agent, none changes, who falls silent is closed."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Tx
from crewhall.work import WorkParts
from tests.identity.hall import Org
from tests.support.database import SharedCluster
from tests.support.server import Server
from tests.support.waiting import until
from tests.work.ground import begun, done, listed, took, wrote
from tests.work.session_ground import let_time_pass, logged, shown, started, stopped
from tests.work.timeline_ground import listed as told
from tests.work.timeline_ground import posted


@pytest.mark.rule("D4")
async def test_one_session_is_open_per_agent_however_many_start_at_once(server: Server, org: Org):
    hired = await server.hire(org)
    answers = await asyncio.gather(*[hired.api.post("/sessions", json={}) for _ in range(4)])
    made = [answer for answer in answers if answer.status_code == 201]
    assert len(made) == 1, [answer.text for answer in answers]
    first = made[0].json()["session"]["id"]
    for answer in answers:
        if answer is not made[0]:
            assert (answer.status_code, answer.json()["code"]) == (409, "session_open")
            assert answer.json()["session_id"] == first
            assert "supersede" in answer.json()["detail"]
    begin = await started(hired, supersede=True)
    over = await shown(org.owner, first)
    assert (over["stop_reason"], over["status"], over["duration_seconds"]) == ("superseded", "stopped", 0)
    assert (begin["handed_over"]["session_id"], begin["session"]["previous_id"]) == (first, first)
    assert [one["id"] for one in await listed(org.owner, "/sessions", show="open")] == [begin["session"]["id"]]
    assert [one["id"] for one in await listed(org.owner, "/sessions", show="superseded")] == [first]
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with server.db.transaction(org.owner.actor) as tx:
            await _insert(tx, org, hired.id)


@pytest.mark.rule("D4")
async def test_a_stopped_session_cannot_change(server: Server, org: Org):
    project = await begun(org.owner)
    hired = await server.hire(org)
    session = (await started(hired, project_id=project["id"]))["session"]["id"]
    for body in (
        {"message": ""},
        {"message": "x" * 10_001},
        {"message": "x", "context": {"k": "v" * 9000}},
        {"message": "x", "context": {"a": [[[[[[[[1]]]]]]]]}},
    ):
        assert (await hired.api.post(f"/sessions/{session}/log", json=body)).status_code == 422
    over = await stopped(hired, session)
    for path, body in (("log", {"message": "Too late."}), ("stop", {})):
        refused = await hired.api.post(f"/sessions/{session}/{path}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "session_stopped")
    assert await listed(hired, "/sessions", mine="true", show="open") == []
    values = {"id": UUID(session)}
    for change in ("hand_off = 'x'", "stopped_at = now()", "tasks_worked_on = '{}'", "log_count = 0"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with server.db.transaction(org.owner.actor) as tx:
                await tx.run(f"update work_sessions set {change} where id = %(id)s", values)
    for sql in ("delete from work_sessions where id = %(id)s", "update work_sessions set project_id = null"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with server.db.transaction(org.owner.actor) as tx:
                await tx.run(sql, values)
    with psycopg.connect(server._urls.admin, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changes"):
            connection.execute("update work_sessions set hand_off = 'x' where id = %(id)s", values)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            connection.execute("delete from work_sessions where id = %(id)s", values)
        # A project that is purged leaves the session, which loses it.
        connection.execute("update work_sessions set project_id = null where id = %(id)s", values)
    now = await shown(org.owner, session)
    assert now["project"] is None
    assert {name: now[name] for name in over if name != "project"} == {
        name: over[name] for name in over if name != "project"
    }


@pytest.mark.rule("D4")
async def test_no_session_begins_over(server: Server, org: Org):
    hired = await server.hire(org)
    with pytest.raises(psycopg.errors.CheckViolation, match="begins open"):
        async with server.db.transaction(org.owner.actor) as tx:
            await _insert(tx, org, hired.id, over=True)


@pytest.mark.rule("D4")
async def test_the_log_of_a_session_is_bounded(server: Server, org: Org):
    hired = await server.hire(org)
    session = (await started(hired))["session"]["id"]
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run("update work_sessions set log_count = 999 where id = %(id)s", {"id": UUID(session)})
    await logged(hired, session)
    refused = await hired.api.post(f"/sessions/{session}/log", json={"message": "One more."})
    assert (refused.status_code, refused.json()["code"]) == (409, "session_full")


@pytest.mark.rule("D4")
async def test_who_falls_silent_is_closed_as_crashed_with_a_note(server: Server, org: Org):
    project, hired = await begun(org.owner), await server.hire(org)
    await wrote(org.owner, project, "Paint it")
    session = (await started(hired))["session"]["id"]
    task = await took(hired)
    assert task is not None
    await logged(hired, session, "Half of it is blue.")
    await let_time_pass(server, org, hired, minutes=61)
    over = await until(lambda: _over(org, session))
    assert (over["stop_reason"], over["stopped_by"]["type"], over["duration_seconds"]) == ("crashed", "system", 0)
    assert "Half of it is blue." in over["hand_off"]
    assert f"{project['slug']}#1" in over["hand_off"]
    given_back = (await listed(org.owner))[0]
    assert (given_back["status"], given_back["assignee"]) == ("backlog", None)
    (event,) = await told(org.owner.api, type="session_stop")
    assert (event["author"], event["agent"]["id"], event["session_id"]) == (None, hired.id, session)
    assert event["title"] == hired.code
    begin = await started(hired)
    assert begin["handed_over"]["stop_reason"] == "crashed"
    assert "fell silent" in begin["text"]
    assert "Half of it is blue." in begin["text"]


@pytest.mark.rule("D4")
async def test_who_is_heard_of_is_at_work(server: Server, org: Org):
    """Any use of its key is a sign of life, counted anyway: nothing more is written for it."""
    hired = await server.hire(org)
    session = (await started(hired))["session"]["id"]
    await let_time_pass(server, org, hired, minutes=61, heard=5)

    async def is_put_off() -> bool:
        async with server.db.transaction(org.owner.actor) as tx:
            return bool(
                await tx.value("select silent_at > now() from work_sessions where id = %(id)s", {"id": UUID(session)})
            )

    await until(is_put_off)
    one = await shown(org.owner, session)
    assert one["stopped_at"] is None
    heard = utc_now() - datetime.fromisoformat(one["heard_at"])
    assert timedelta(minutes=5) <= heard < timedelta(minutes=6)


@pytest.mark.rule("D4")
async def test_an_agent_that_is_put_away_works_no_more(server: Server, org: Org):
    hired, gone = await server.hire(org), await server.hire(org)
    sessions = [(await started(one))["session"]["id"] for one in (hired, gone)]
    done(await org.owner.api.patch(f"/agents/{hired.id}", json={"status": "inactive"}))
    done(await org.owner.api.delete(f"/agents/{gone.id}"))
    async with server.db.transaction(org.owner.actor) as tx:
        over = await tx.values("select stop_reason from work_sessions where id = any (%(ids)s)", {"ids": sessions})
    assert over == ["stopped", "stopped"]


@pytest.mark.rule("D4")
async def test_one_timer_waits_for_the_nearest_silence_and_looks_at_nobody_before(server: Server, org: Org):
    hired = await server.hire(org)
    await started(hired)
    async with server.db.transaction(None) as tx:
        nearest = await tx.value("select due_in from next_silent_session()")
    waits = await server.services.part(WorkParts).clock.close_silent()
    assert waits is not None
    assert 0 < waits <= nearest <= timedelta(hours=1).total_seconds()


@pytest.mark.rule("D11")
async def test_a_purged_session_takes_its_events_along_and_only_where_the_purge_says_so(
    server: Server, org: Org, cluster: SharedCluster, worker_id: str
):
    hired = await server.hire(org)
    session = (await started(hired))["session"]["id"]
    await logged(hired, session)
    kept = await posted(org.owner, "It stays.")
    with psycopg.connect(cluster.superuser(f"server_{worker_id}"), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            connection.execute("delete from work_sessions where id = %s", (session,))
        connection.execute("set crewhall.purging = 'on'")
        connection.execute("delete from work_sessions where id = %s", (session,))
    assert [one["id"] for one in await told(org.owner.api)] == [kept["id"]]
    assert (await org.owner.api.get(f"/sessions/{session}")).status_code == 404


async def _insert(tx: Tx, org: Org, agent_id: str, *, over: bool = False) -> None:
    await tx.run(
        """
        insert into work_sessions (id, org_id, agent_id, silent_at, status, stopped_at, stop_reason, stopped_by_type,
                                   stopped_by, stopped_by_name)
        select gen_random_uuid(), %(org)s, %(agent)s, now() + interval '1 hour',
               case when %(over)s then 'stopped' else 'started' end,
               case when %(over)s then clock_timestamp() + interval '1 s' end, case when %(over)s then 'stopped' end,
               case when %(over)s then 'agent' end, case when %(over)s then %(agent)s::uuid end,
               case when %(over)s then 'x' end
        """,
        {"org": org.id, "agent": UUID(agent_id), "over": over},
    )


async def _over(org: Org, session: str) -> dict[str, Any] | None:
    one = await shown(org.owner, session)
    return one if one["stopped_at"] else None
