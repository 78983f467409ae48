"""An agent's whole day by the official MCP client, and by the client library."""

import pytest

from crewhall.faces.sdk import Client, CrewhallApiError
from tests.identity.hall import Org
from tests.mcp.visiting import MODERN, done, refused, visit
from tests.support.server import Server, token_of
from tests.work.ground import begun, wrote
from tests.work.timeline_ground import listed as told


@pytest.mark.rule("D4", "X4")
async def test_an_agents_whole_day_through_mcp(server: Server, org: Org):
    project, hired = await begun(org.owner), await server.hire(org)
    await wrote(org.owner, project, "Paint it", priority="P1", success_criteria=[{"text": "Blue"}])
    async with visit(server.address, hired.key, MODERN) as client:
        assert (await refused(client, "log_session", message="Too early."))["code"] == "no_session"
        begin = await done(client, "start_session", goal="Paint", project=project["slug"])
        session = begin["session_id"]
        assert begin["pulled"]["free"] == 1
        assert "next_task" in begin["text"]
        assert (await refused(client, "start_session"))["code"] == "session_open"
        task = await done(client, "next_task")
        assert (await done(client, "log_session", message="Half is blue."))["session_id"] == session
        await done(client, "report_problem", text="The brush is stiff.", severity="low")
        await done(client, "ask_everybody", text="Who has another?", mentions=[str(org.owner.id)])
        await done(client, "complete_task", task=task["name"], met=[1])
        over = await done(client, "stop_session", hand_off="All of it is blue.")
        assert (over["stop_reason"], over["tasks_worked_on"]) == ("stopped", [task["id"]])
        assert (await refused(client, "stop_session"))["code"] == "no_session"
        again = await done(client, "start_session")
        assert "All of it is blue." in again["text"]
    types = [one["type"] for one in await told(org.owner.api, session=session)]
    assert types[::-1] == [
        "session_start", "task_assigned", "session_log", "problem_report", "question_asked", "task_completed",
        "session_stop",
    ]  # fmt: skip
    async with visit(server.address, token_of(org.owner.api)) as client:
        assert (await refused(client, "start_session"))["code"] == "forbidden"


@pytest.mark.rule("D4")
async def test_programs_work_within_a_session(server: Server, org: Org):
    hired = await server.hire(org)
    async with Client(server.address, token=hired.key) as client:
        async with client.sessions.working(goal="Paint") as session:
            assert session.told.pulled.counts.tasks == 0
            await session.log("Half is blue.", context={"walls": 1})
            assert (await client.sessions.current()).id == session.id
            session.hand_off = "The other half."
        one = await client.sessions.show(session.id)
        assert (one.stop_reason, one.hand_off, one.log_count) == ("stopped", "The other half.", 1)
        with pytest.raises(RuntimeError):
            async with client.sessions.working() as session:
                raise RuntimeError("no paint")
        assert "no paint" in ((await client.sessions.show(session.id)).hand_off or "")
        with pytest.raises(CrewhallApiError) as refusal:
            await client.sessions.current()
        assert refusal.value.code == "no_session"
        found = [each.goal async for each in client.sessions.list(agent_id=hired.id, show="over")]
        assert found == [None, "Paint"]
