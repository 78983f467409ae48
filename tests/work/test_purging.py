"""Deletion for good: what goes with an agent and a project, what stays, and who may not."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.work import list_deleted, purge_deleted
from tests.conversations.ways import direct
from tests.identity.hall import Org
from tests.support.database import SharedCluster
from tests.support.server import AgentClient, Server
from tests.work.ground import agent, begun, changed, done, listed, wrote
from tests.work.timeline_ground import listed as events
from tests.work.timeline_ground import posted

OWN = (
    "work_sessions",
    "kpi_evidence",
    "kpis",
    "agent_credentials",
    "agent_versions",
    "agent_states",
    "runs",
    "usage_buckets",
    "agent_quick_tasks",
)


NAMED = (("project_members", "member_id"), ("notifications", "recipient_id"))
"""Without a foreign key."""


class Keeper:
    """The operator, at the database."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)

    def count(self, table: str, column: str, value: Any) -> int:
        """How many rows name something."""
        query = psycopg.sql.SQL("select count(*) from {} where {} = %s")
        found = self.connection.execute(
            query.format(psycopg.sql.Identifier(table), psycopg.sql.Identifier(column)), (value,)
        ).fetchone()
        assert found is not None
        return int(found[0])


@pytest.fixture
def keeper(server: Server, cluster: SharedCluster, worker_id: str):
    keeper = Keeper(cluster.superuser(f"server_{worker_id}"))
    yield keeper
    keeper.connection.close()


async def _lived(server: Server, org: Org) -> AgentClient:
    """An agent that has done something of everything."""
    worker = await server.hire(org, name="Painter")
    general = await server.general(org)
    task = {"title": "Look", "prompt": "Look at it."}
    done(await org.owner.api.post(f"/agents/{worker.id}/quick-tasks", json=task))
    done(await org.owner.api.patch(f"/agents/{worker.id}", json={"instructions": "Be kind."}))
    done(await org.owner.api.post(f"/agents/{worker.id}/fork", json={"name": "Its copy"}))
    entry = {"title": "Paint", "content": "Blue dries first."}
    done(await worker.api.post("/wiki", json=entry))
    done(await worker.api.post("/sessions", json={}))
    body = {"member_type": "agent", "member_id": worker.id}
    done(await org.owner.api.post(f"/conversations/{general}/members", json=body))
    done(await worker.api.post(f"/conversations/{general}/messages", json={"content": "It is painted."}))
    done(await org.owner.api.post("/budgets", json={"agent_id": worker.id, "period": "day", "run_limit": 9}))
    return worker


@pytest.mark.rule("D11")
async def test_an_agent_goes_with_what_is_its_alone(server: Server, org: Org, keeper: Keeper):
    worker, project = await _lived(server, org), await begun(org.owner)
    place = await direct(org.owner, worker)
    await posted(worker, "The paint is out.")
    done(await org.owner.api.patch(f"/agents/{worker.id}", json={"trust_score": 60}))
    theirs = await posted(org.owner, "Somebody else's.", mentions=[worker.id])
    done(await org.owner.api.put(f"/projects/{project['id']}/members/agent/{worker.id}"))
    ended = await wrote(org.owner, project, "Prime it", assignee=agent(worker))
    await changed(worker, ended, status="completed")
    task = await wrote(org.owner, project, assignee=agent(worker))
    of_agent = UUID(worker.id)
    assert keeper.count("events", "author_id", of_agent) >= 2, "a problem, and the entry that it proposes"
    keeper.connection.execute(
        """
        insert into kpi_evidence (org_id, agent_id, kind, about, subject, at)
        values (%s, %s, 'metric', 'm', 'm', now())
        """,
        (org.id, of_agent),
    )
    assert keeper.count("work_sessions", "agent_id", of_agent) == 1
    with pytest.raises(CrewhallError, match="that was deleted"):
        purge_deleted(keeper.connection, "agent", of_agent)
    done(await org.owner.api.delete(f"/agents/{worker.id}", params={"confirm": worker.code}))
    assert all(keeper.count(table, column, of_agent) for table, column in NAMED)
    assert of_agent in {one.id for one in list_deleted(keeper.connection)}
    gone = purge_deleted(keeper.connection, "agent", of_agent)
    assert gone["agents"] == 1
    assert gone["events"] >= 3, "what it told, and what was told of it"
    assert keeper.count("wiki_entries", "author_name", "Painter") > 0
    assert keeper.count("wiki_entries", "proposed_by_agent_id", of_agent) == 0
    assert [keeper.count(table, "agent_id", of_agent) for table in OWN] == [0] * len(OWN)
    assert [keeper.count("events", column, of_agent) for column in ("author_id", "agent_id")] == [0, 0]
    assert [keeper.count(table, column, of_agent) for table, column in NAMED] == [0] * len(NAMED)
    assert keeper.count("conversation_members", "member_id", of_agent) == 0
    assert keeper.count("conversations", "owner_agent_id", of_agent) == 0
    now = done(await org.owner.api.get(f"/tasks/{task['id']}")).json()
    assert (now["status"], now["assignee"]) == ("backlog", None)
    assert [one["id"] for one in await events(org.owner.api)] == [theirs["id"]]
    general = await server.general(org)
    assert "It is painted." in {one["content"] for one in await listed(org.owner, f"/conversations/{general}/messages")}
    done(await org.owner.api.get(f"/conversations/{place}"))
    (copy,) = await listed(org.owner, "/agents", q="Its copy")
    assert done(await org.owner.api.get(f"/agents/{copy['id']}")).json()["parent_agent_id"] is None
    audited = await listed(org.owner, "/audit", action="agent.purged")
    assert audited[0]["summary"] == "Crewhall deleted the agent Painter for good"
    assert audited[0]["details"]["rows"]["agents"] == 1
    with pytest.raises(CrewhallError, match="that was deleted"):
        purge_deleted(keeper.connection, "agent", of_agent)


@pytest.mark.rule("D11")
async def test_agents_outlive_a_project_that_goes(server: Server, org: Org, keeper: Keeper):
    project, other = await begun(org.owner), await begun(org.owner, "Other")
    await wrote(org.owner, project)
    kept = await wrote(org.owner, other)
    worker = await server.hire(org, level="project", project_id=project["id"])
    event = await posted(worker, "It is stuck.")
    of_project = UUID(project["id"])
    with pytest.raises(CrewhallError, match="that was deleted"):
        purge_deleted(keeper.connection, "project", of_project)
    # by the API a project with agents of its own is refused: it was deleted in another way
    keeper.connection.execute("update projects set deleted_at = now() where id = %s", (of_project,))
    assert purge_deleted(keeper.connection, "project", of_project)["projects"] == 1
    assert keeper.count("tasks", "project_id", of_project) == 0
    assert done(await org.owner.api.get(f"/tasks/{kept['id']}")).json()["title"] == "Paint it"
    found = done(await org.owner.api.get(f"/agents/{worker.id}")).json()
    assert (found["level"], found["project_id"], found["status"]) == ("organization", None, "inactive")
    assert [one["id"] for one in await events(org.owner.api)] == [event["id"]], "what happened stays"


@pytest.mark.rule("D11", "D13")
async def test_the_application_purges_nothing(server: Server, org: Org, keeper: Keeper):
    worker = await server.hire(org)
    await posted(worker)
    async with server.db.transaction(None) as tx:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await tx.value("select purge('agent', %(id)s)", {"id": UUID(worker.id)})
    async with server.db.transaction(None) as tx:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await tx.value("select purge_rows('agents', 'true')")
    async with server.db.transaction(None) as tx:
        await tx.run("select set_config('crewhall.purging', 'on', true)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await tx.run("delete from events")
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        keeper.connection.execute("select purge('organization', %s)", (new_id(),))


@pytest.mark.rule("D11")
async def test_an_organization_with_agents_is_not_deleted(server: Server, org: Org):
    worker = await server.hire(org)
    path, confirm = f"/organizations/{org.id}", {"confirm": org.slug}
    kept = await org.owner.api.delete(path, params=confirm)
    assert kept.status_code == 409
    assert "agents" in kept.json()["detail"]
    for one in await listed(org.owner, "/agents"):
        done(await org.owner.api.delete(f"/agents/{one['id']}", params={"confirm": one["code"]}))
    assert worker.id
    done(await org.owner.api.delete(path, params=confirm))
