"""KPIs without GitHub: tasks done, reopened, to blame; reviews on the timeline; trust that moves, and what follows."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from crewhall.kernel.actor import system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.events import publish
from crewhall.work.facts import WorkSessionStopped
from crewhall.work.kpis import calculating
from crewhall.work.kpis.rebuilding import rebuild
from crewhall.work.session_vocabulary import StopReason
from tests.identity.hall import Org
from tests.support.server import Server
from tests.work.ground import agent, begun, changed, done, wrote
from tests.work.kpi_ground import age_news, calculated, completed, figures, reviewed, rows, standing, trust_of
from tests.work.session_ground import started, stopped
from tests.work.timeline_ground import listed as events


@pytest.mark.rule("D6", "D7")
async def test_several_events_of_an_agent_become_one_row_and_trust_moves_with_a_reason(server: Server, org: Org):
    scout, shop = await server.hire(org), await begun(org.owner)
    for title in ("Paint it", "Dry it"):
        await completed(org, shop, scout, title)
    await wrote(org.owner, shop, "Sell it", assignee=agent(scout))
    assert await calculated(server, org) == 1
    (one,) = await rows(org.owner, scout)
    assert one["counted"] == {"task_assigned": 3, "task_completed": 2}
    assert one["reason"] == "3 tasks assigned, 2 tasks completed."
    assert (one["tasks_assigned"], one["tasks_completed"], one["completion"]) == (3, 2, 1)
    assert (one["start"], one["evidence"], one["term_sum"]) == (50, 2, 80)
    assert one["trust"] == await trust_of(org, scout) == 55
    told = await events(org.owner.api, agent=scout.id, type=["trust_score_changed", "kpi_updated"])
    assert [event["type"] for event in told] == ["trust_score_changed", "kpi_updated"]
    assert told[0]["content"]["reason"] == one["reason"]
    assert told[0]["content"]["terms"] == {
        "term_quality": 20, "term_completion": 30, "term_bugs": 20, "term_deployments": 10, "term_trend": 0,
        "term_steadiness": 0, "term_sum": 80, "start": 50, "evidence": 2, "trust": 55,
    }  # fmt: skip
    assert await calculated(server, org) == 0


@pytest.mark.rule("D6")
async def test_what_does_not_hold_any_more_is_taken_back(server: Server, org: Org):
    scout, other, shop = await server.hire(org), await server.hire(org), await begun(org.owner)
    task = await wrote(org.owner, shop, assignee=agent(scout))
    await calculated(server, org)
    assert [one[:2] for one in await standing(server, org)] == [(scout.id, "task_assigned")]
    await changed(org.owner, task, assignee=agent(other))
    await calculated(server, org)
    assert [one[:2] for one in await standing(server, org)] == [(other.id, "task_assigned")]
    assert (await rows(org.owner, scout))[0]["reason"] == "Less 1 task assigned."
    await changed(org.owner, task, status="cancelled")
    await calculated(server, org)
    assert await standing(server, org) == []
    assert (await rows(org.owner, other))[0]["tasks_assigned"] == 0


@pytest.mark.rule("D7")
async def test_recent_bugs_are_those_since_the_tenth_last_task(server: Server, org: Org):
    scout, shop = await server.hire(org), await begun(org.owner)
    first = await completed(org, shop, scout)
    await wrote(org.owner, shop, "Leak", description=f"Caused by #{first['number']}", labels=["bug"])
    for _ in range(9):
        await completed(org, shop, scout)
    one = await figures(server, org, scout)
    assert (one["tasks_completed"], one["bugs"], one["recent_bugs"]) == (10, 1, 1)
    await completed(org, shop, scout)
    one = await figures(server, org, scout)
    assert (one["tasks_completed"], one["bugs"], one["recent_bugs"]) == (11, 1, 0)
    with psycopg.connect(server._urls.admin, autocommit=True) as connection:
        assert [one.different for one in rebuild(connection, write=False) if one.org_id == org.id] == [0]


@pytest.mark.rule("D6")
async def test_completion_is_of_tasks_that_are_old_enough(server: Server, org: Org, monkeypatch: pytest.MonkeyPatch):
    """What was assigned a week ago counts at once, what grows that old counts from then on; what is new does not."""
    scout, shop = await server.hire(org), await begun(org.owner)
    await completed(org, shop, scout)
    for _ in range(2):
        await wrote(org.owner, shop, assignee=agent(scout))
    await age_news(server, org, days=7, minutes=1)
    await wrote(org.owner, shop, "New", assignee=agent(scout))
    monkeypatch.setattr(calculating, "RIPE_DAYS", 8)
    one = await figures(server, org, scout)
    assert (one["tasks_assigned"], one["tasks_ripe"], one["completion"]) == (4, 0, 1)
    monkeypatch.undo()
    done(await org.owner.api.post(f"/agents/{scout.id}/kpis"))
    one = (await rows(org.owner, scout))[0]
    assert (one["tasks_ripe"], one["ripe_completed"], one["completion"]) == (3, 1, 0.3333)
    assert one["term_completion"] == round(30 * 0.3333, 3)
    old = await wrote(org.owner, shop, "Old", assignee=agent(scout))
    await age_news(server, org, days=6, hours=23)
    assert (await figures(server, org, scout))["tasks_ripe"] == 3, "it lacks an hour"
    await changed(org.owner, old, status="cancelled")
    assert (await figures(server, org, scout))["tasks_ripe"] == 3


@pytest.mark.rule("D6")
async def test_what_nobody_may_do_counts_as_left_undone_for_nobody(server: Server, org: Org):
    scout, shop, mill = await server.hire(org), await begun(org.owner, "Shop"), await begun(org.owner, "Mill")
    await completed(org, shop, scout)
    for project in (shop, mill):
        await wrote(org.owner, project, assignee=agent(scout))
    assert (await figures(server, org, scout))["tasks_assigned"] == 3
    done(await org.owner.api.put(f"/projects/{shop['id']}/archive"))
    one = await figures(server, org, scout)
    assert (one["tasks_assigned"], one["tasks_completed"]) == (2, 1), "what was done stays done"
    done(await org.owner.api.delete(f"/projects/{shop['id']}/archive"))
    assert (await figures(server, org, scout))["tasks_assigned"] == 3
    done(await org.owner.api.delete(f"/projects/{shop['id']}", params={"confirm": shop["slug"]}))
    one = await figures(server, org, scout)
    assert (one["tasks_assigned"], one["tasks_completed"]) == (2, 1)


@pytest.mark.rule("D6", "D7")
async def test_a_task_that_an_agent_writes_for_itself_counts_nothing(server: Server, org: Org):
    scout, shop = await server.hire(org), await begun(org.owner)
    task = await wrote(scout, shop, assignee=agent(scout))
    await changed(scout, task, status="completed")
    await calculated(server, org)
    assert await rows(org.owner, scout) == []


@pytest.mark.rule("D6")
async def test_a_task_that_is_reopened_was_not_done_and_is_a_bug_once(server: Server, org: Org):
    scout, shop = await server.hire(org), await begun(org.owner)
    task = await completed(org, shop, scout)
    await changed(org.owner, task, status="backlog")
    one = await figures(server, org, scout)
    assert (one["tasks_completed"], one["bugs"], one["tasks_assigned"]) == (0, 1, 0)
    await changed(org.owner, task, assignee=agent(scout), status="in_progress")
    await changed(org.owner, task, status="completed")
    await calculated(server, org)
    await changed(org.owner, task, status="backlog")
    one = await figures(server, org, scout)
    assert (one["tasks_completed"], one["bugs"]) == (0, 1)
    assert one["term_bugs"] == 16


@pytest.mark.rule("D6")
async def test_a_bug_is_whose_the_task_is_that_it_names(server: Server, org: Org):
    scout, other, shop = await server.hire(org), await server.hire(org), await begun(org.owner)
    task = await completed(org, shop, scout)
    named = f"It leaks. Caused by #{task['number']}."
    bug = await wrote(org.owner, shop, "Leak", description=named, labels=["bug"])
    await wrote(org.owner, shop, "No bug", description=named)
    await wrote(org.owner, shop, "Of nothing", description="It leaks.", labels=["bug"])
    assert (await figures(server, org, scout))["bugs"] == 1
    await changed(org.owner, task, assignee=agent(other))
    await calculated(server, org)
    assert [(await rows(org.owner, one))[0]["bugs"] for one in (scout, other)] == [0, 1]
    await changed(org.owner, bug, status="cancelled")
    assert (await figures(server, org, other))["bugs"] == 0


@pytest.mark.rule("D6", "D7")
async def test_reviews_on_the_timeline_count_those_of_people(server: Server, org: Org):
    scout, other = await server.hire(org), await server.hire(org)
    await reviewed(org.owner, "changes_requested", scout, title="The mill")
    await reviewed(org.owner, "approved", scout, title="The mill")
    await reviewed(org.owner, "approved", scout, title="The barn")
    await reviewed(org.owner, "commented", scout, title="The well")
    done(await other.api.post("/timeline", json={
        "type": "review_response", "content": {"title": "x", "verdict": "approved"}, "mentions": [scout.id],
    }))  # fmt: skip
    one = await figures(server, org, scout)
    assert (one["first_approvals"], one["approvals"], one["change_requests"]) == (1, 2, 1)
    assert one["quality"] == 55
    assert one["evidence"] == 3


@pytest.mark.rule("D7")
async def test_trust_set_by_hand_is_where_it_goes_on_from(server: Server, org: Org):
    scout, shop = await server.hire(org), await begun(org.owner)
    await completed(org, shop, scout)
    await calculated(server, org)
    done(await org.owner.api.patch(f"/agents/{scout.id}", json={"trust_score": 20}))
    one = await figures(server, org, scout)
    assert (one["start"], one["evidence"], one["trust"]) == (20, 0, 20)
    assert "1 trust set by hand" in one["reason"]
    await completed(org, shop, scout)
    one = await figures(server, org, scout)
    assert (one["start"], one["evidence"]) == (20, 1)
    assert one["trust"] == await trust_of(org, scout) == round(20 + (one["term_sum"] - 20) / 11, 2)


@pytest.mark.rule("D7")
async def test_the_trust_that_an_agent_had_before_anything_counted_is_kept(server: Server, org: Org):
    scout, shop = await server.hire(org), await begun(org.owner)
    done(await org.owner.api.patch(f"/agents/{scout.id}", json={"trust_score": 80}))
    async with server.db.transaction(system_actor(org.id)) as tx:
        await tx.run("delete from kpi_news where org_id = %(org)s", {"org": org.id})  # as it was before there were any
    await completed(org, shop, scout)
    one = await figures(server, org, scout)
    assert (one["start"], one["trust"]) == (80, 80)


@pytest.mark.rule("D6")
async def test_figures_are_calculated_by_hand_by_who_manages_agents_alone(server: Server, org: Org, other_org: Org):
    scout, member = await server.hire(org), await org.add()
    path = f"/agents/{scout.id}/kpis"
    one = done(await org.owner.api.post(path)).json()
    assert one["reason"].endswith("asked for it.")
    assert (one["trust"], one["evidence"]) == (50, 0)
    for who, status in ((member, 403), (scout, 403), (other_org.owner, 404)):
        assert (await who.api.post(path)).status_code == status
    assert (await other_org.owner.api.get(path)).status_code == 404
    assert len((await member.api.get(path)).json()["items"]) == 1


@pytest.mark.rule("D4")
async def test_the_end_of_a_session_calculates_what_it_is_significant_for(server: Server, org: Org):
    scout = await server.hire(org)
    told: dict[str, Any] = {
        "agent_id": UUID(scout.id), "org_id": org.id, "project_id": None, "session_id": UUID(int=1),
        "started_at": utc_now(),
    }  # fmt: skip
    for seconds in (300, 301):
        assert await rows(org.owner, scout) == []
        async with server.db.transaction(system_actor(org.id)) as tx:
            ended = WorkSessionStopped(
                **told, stopped_at=utc_now(), duration_seconds=seconds, reason=StopReason.STOPPED, tasks_worked_on=[]
            )
            await publish(tx, system_actor(org.id), ended)
        await calculated(server, org)
    (one,) = await rows(org.owner, scout)
    assert one["reason"] == "The end of a work session asked for it."


@pytest.mark.rule("B1", "D6", "D16")
async def test_rows_and_evidence_never_change_and_are_nobody_elses(server: Server, org: Org, other_org: Org):
    scout, shop = await server.hire(org), await begun(org.owner)
    await completed(org, shop, scout)
    await calculated(server, org)
    for sql in (
        "update kpis set trust = 100", "delete from kpis", "truncate kpis",
        "update kpi_evidence set amount = 1", "delete from kpi_evidence", "truncate kpi_evidence",
    ):  # fmt: skip
        with pytest.raises(errors.InsufficientPrivilege):
            async with server.db.transaction(org.owner.actor) as tx:
                await tx.run(sql)
    async with await psycopg.AsyncConnection.connect(server._urls.admin) as connection:
        with pytest.raises(errors.InsufficientPrivilege):
            await connection.execute("delete from kpis where agent_id = %(id)s", {"id": scout.id})
    async with server.db.transaction(other_org.owner.actor) as tx:
        for table in ("kpis", "kpi_evidence", "kpi_sums", "kpi_news", "kpi_metrics"):
            assert await tx.value(f"select count(*) from {table}") == 0
        names = await tx.values("select inhrelid::regclass::text from pg_inherits where inhparent = 'kpis'::regclass")
    assert len(names) >= 4


@pytest.mark.rule("D6", "D7")
async def test_a_rebuild_makes_the_same_rows_and_puts_right_what_is_not(server: Server, org: Org):
    scout, other, shop = await server.hire(org), await server.hire(org), await begun(org.owner)
    first = await completed(org, shop, scout)
    for whose in (scout, other):
        await wrote(org.owner, shop, "Old", assignee=agent(whose))
    await age_news(server, org, days=8)
    await calculated(server, org)
    await reviewed(org.owner, "approved", scout, other)
    done(await org.owner.api.patch(f"/agents/{scout.id}", json={"trust_score": 61.5}))
    await calculated(server, org)
    await changed(org.owner, first, status="backlog")
    await wrote(org.owner, shop, "Leak", description=f"Caused by #{first['number']}", labels=["Bug"])
    await calculated(server, org)
    done(await org.owner.api.post(f"/agents/{scout.id}/kpis"))
    before = [await rows(org.owner, one) for one in (scout, other)]
    assert [mine[0]["completion"] for mine in before] == [0, 0]
    with psycopg.connect(server._urls.admin, autocommit=True) as connection:
        found = {str(one.agent_id): one for one in rebuild(connection, write=False) if one.org_id == org.id}
        assert {one: (found[one].rows, found[one].different) for one in found} == {
            scout.id: (len(before[0]), 0), other.id: (len(before[1]), 0)
        }  # fmt: skip
        connection.execute("select forget_kpis(%(id)s)", {"id": UUID(scout.id)})
        (again,) = [one for one in rebuild(connection, write=True) if str(one.agent_id) == scout.id]
        assert again.different == len(before[0]) > 3
    assert [await rows(org.owner, one) for one in (scout, other)] == before


@pytest.mark.rule("D4", "D6")
async def test_figures_follow_a_work_session_that_had_tasks(server: Server, org: Org):
    scout, shop = await server.hire(org), await begun(org.owner)
    await stopped(scout, (await started(scout))["session"]["id"])
    assert await calculated(server, org) == 0
    task = await wrote(org.owner, shop, assignee=agent(scout))
    await calculated(server, org)
    begin = await started(scout)
    await changed(scout, task, status="in_progress")
    await stopped(scout, begin["session"]["id"])
    assert await calculated(server, org) == 1
    assert (await rows(org.owner, scout))[0]["reason"] == "The end of a work session asked for it."
