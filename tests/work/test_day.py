"""A person's day: what is theirs, what waits for them, who is at work; and nothing of what others alone may see."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from crewhall.kernel.clock import utc_now
from crewhall.kernel.ids import new_id
from crewhall.work.pages_day import since_yesterday
from tests.identity.hall import Org
from tests.support.server import Server
from tests.support.waiting import until
from tests.tenancy.turns import delivered, ended_run, keep_approval
from tests.work.ground import Who, begun, done, due, person, took, wrote
from tests.work.kpi_ground import calculated
from tests.work.session_ground import started
from tests.work.timeline_ground import posted, said


async def day_of(who: Who, **query: str) -> dict[str, Any]:
    """Somebody's day."""
    day: dict[str, Any] = done(await who.api.get("/day", params=query)).json()
    return day


async def test_a_day_holds_what_is_ones_own(server: Server, org: Org, other_org: Org):
    member, hired = await org.add(), await server.hire(org)
    hidden = await server.hire(org, visibility="private")
    project = await begun(org.owner)
    for title, priority, days in (("Later", "P2", 1), ("First", "P0", 9), ("Second", "P2", 0.5)):
        await wrote(org.owner, project, title, priority=priority, deadline=due(days), assignee=person(member))
    await wrote(org.owner, project, "Theirs", assignee=person(org.owner))
    await wrote(org.owner, project, "Free", priority="P1")
    await started(hired, goal="Paint")
    await started(hidden)
    await took(hired)
    await calculated(server, org)
    await posted(org.owner, "Who may?", type="question_asked")
    to_me = await posted(org.owner, "May you?", type="question_asked", mentions=[str(member.id)])
    await posted(org.owner, "Who else may?", type="question_asked")
    answered = await posted(org.owner, "Is it late?", type="question_asked")
    await posted(member, type="advice_given", content={"text": "Yes.", "about": answered["id"]})
    handle = done(await member.api.get("/me")).json()["user"]["handle"]
    await said(org.owner, await server.general(org), f"Look, @{handle}")

    async def mentioned() -> dict[str, Any] | None:
        day = await day_of(member)
        return day if day["mentions"] else None

    day = await until(mentioned)
    assert [one["title"] for one in day["tasks"]] == ["First", "Second", "Later"]
    assert (day["open_tasks"], len(day["mentions"]), day["approvals"]) == (3, 1, [])
    assert [one["text"] for one in day["questions"]] == ["May you?", "Who else may?", "Who may?"]
    assert day["questions"][0]["id"] == to_me["id"]
    (at_work,) = day["at_work"]
    assert (at_work["session"]["agent"]["id"], [one["title"] for one in at_work["tasks"]]) == (hired.id, ["Free"])
    assert not {one["type"] for one in day["happened"]} & {"session_start", "session_log", "kpi_updated"}
    assert (await day_of(member, since=utc_now().isoformat()))["happened"] == []
    assert len((await day_of(org.owner))["at_work"]) == 2
    stranger = await day_of(other_org.owner)
    assert all(stranger[name] == [] for name in ("tasks", "mentions", "questions", "at_work", "happened"))
    for who in (hired, hidden):
        refused = await who.api.get("/day")
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await member.api.get("/day", params={"since": "2026-11-01T00:00:00"})).status_code == 422


async def test_calls_that_wait_stand_in_the_day_of_who_decides(server: Server, org: Org):
    member = await org.add()
    hired = await server.hire(org)
    await said(org.owner, await server.general(org), f"Hello, @{hired.code}")
    await delivered(hired)
    run = await ended_run(org.owner.api)
    approval = str(new_id())
    await keep_approval(server, org, run, approval)
    assert [one["id"] for one in (await day_of(org.owner))["approvals"]] == [approval]
    assert (await day_of(member))["approvals"] == []


def test_yesterday_began_where_the_person_is():
    berlin = ZoneInfo("Europe/Berlin")
    assert since_yesterday(datetime(2026, 11, 23, 10, tzinfo=UTC), berlin) == datetime(2026, 11, 21, 23, tzinfo=UTC)
    # Clocks went back an hour in the night before: that day had 25 hours.
    assert since_yesterday(datetime(2026, 10, 26, 10, tzinfo=UTC), berlin) == datetime(2026, 10, 24, 22, tzinfo=UTC)
