"""Taking the next task: in the order of the queue, one's own and free ones, and never two the same."""

import asyncio
import os
import subprocess
import sys

import psycopg
import pytest
from psycopg import sql

from crewhall.work.checkout import take
from tests.identity.hall import Org
from tests.support.database import SharedCluster
from tests.support.server import Server
from tests.work.ground import agent, begun, changed, done, due, listed, person, took, wrote

PROCESSES, TASKS = 10, 200
TAKER = """
import asyncio, sys
import httpx

async def main(address, key):
    taken = []
    async with httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=60) as api:
        while (answer := await api.post("/api/v1/tasks/next", json={})).status_code == 200:
            taken.append(answer.json()["id"])
    assert answer.json()["code"] == "no_task", answer.text
    print(" ".join(taken))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.rule("D8")
async def test_the_most_urgent_comes_first(server: Server, org: Org):
    one, two = await begun(org.owner, "One"), await begun(org.owner, "Two")
    hired, other = await server.hire(org), await server.hire(org)
    await wrote(org.owner, one, "whenever", priority="P1")
    await wrote(org.owner, one, "later", priority="P1", deadline=due(9))
    await wrote(org.owner, two, "soon", priority="P1", deadline=due(1))
    await wrote(org.owner, one, "its own", priority="P1", deadline=due(4), assignee=agent(hired))
    await wrote(org.owner, one, "another's", priority="P0", assignee=agent(other))
    await wrote(org.owner, two, "low", priority="P3")
    assert (await took(hired, two) or {})["title"] == "soon"
    assert [(await took(hired) or {})["title"] for _ in range(4)] == ["its own", "later", "whenever", "low"]
    assert await took(hired) is None
    mine = await listed(hired, assignee=hired.id)
    assert {task["status"] for task in mine} == {"in_progress"}
    assert (await took(other) or {})["title"] == "another's"


async def test_people_take_tasks_too(org: Org):
    member = await org.add()
    task = await wrote(org.owner, await begun(org.owner))
    taken = await took(member)
    assert taken is not None
    assert (taken["id"], taken["assignee"], taken["version"]) == (
        task["id"], {"type": "user", "id": str(member.id), "name": taken["assignee"]["name"]}, 2,
    )  # fmt: skip
    await changed(org.owner, task, status="backlog")
    await changed(org.owner, task, assignee=person(member))
    told = [one["summary"] for one in await listed(member, "/timeline", type="task_assigned")]
    assert [one.partition(" a task")[0].split()[-1] for one in told] == ["assigned", "took"]


async def test_no_two_take_the_same(server: Server, org: Org):
    project = await begun(org.owner)
    hired = [await server.hire(org) for _ in range(4)]
    made = [await wrote(org.owner, project) for _ in range(10)]
    taken = [task for task in await asyncio.gather(*(took(who) for who in hired * 3)) if task]
    rest = [task for who in hired for _ in made if (task := await took(who))]
    ids = [task["id"] for task in taken + rest]
    assert sorted(ids) == sorted(task["id"] for task in made)
    for who in hired:
        own = {task["id"] for task in taken + rest if task["assignee"]["id"] == who.id}
        assert {task["id"] for task in await listed(who, assignee=who.id)} == own


async def test_what_another_is_taking_is_passed_over(server: Server, org: Org, cluster: SharedCluster, worker_id: str):
    project = await begun(org.owner)
    first, second, third = [await wrote(org.owner, project, title) for title in ("First", "Second", "Third")]
    with psycopg.connect(cluster.superuser(f"server_{worker_id}")) as connection:
        connection.execute("select from tasks where id = %s for update", (first["id"],))
        assert (await took(org.owner) or {})["id"] == second["id"]
        assert (await took(org.owner, project) or {})["id"] == third["id"]
    assert (await took(org.owner) or {})["id"] == first["id"]


@pytest.mark.rule("D8")
async def test_what_is_ones_own_is_taken_in_the_same_order_unless_somebody_is_at_it(
    server: Server, org: Org, cluster: SharedCluster, worker_id: str
):
    project, hired = await begun(org.owner), await server.hire(org)
    last, late, low, soon = [
        await wrote(org.owner, project, title, assignee=agent(hired), **fields)
        for title, fields in (
            ("Last", {"deadline": due(20)}),
            ("Late", {"deadline": due(9)}),
            ("Low", {"priority": "P3"}),
            ("Soon", {"deadline": due(1)}),
        )
    ]
    with psycopg.connect(cluster.superuser(f"server_{worker_id}")) as connection:
        connection.execute("select from tasks where id = %s for update", (soon["id"],))
        assert (await took(hired) or {})["id"] == late["id"]
    assert [(await took(hired) or {})["id"] for _ in range(3)] == [soon["id"], last["id"], low["id"]]


@pytest.mark.rule("D8")
async def test_what_is_ones_own_but_cannot_be_done_is_passed_over(server: Server, org: Org):
    here, there, hired = await begun(org.owner), await begun(org.owner, "There"), await server.hire(org)
    before = await wrote(org.owner, here, "Before", assignee=person(org.owner))
    await wrote(org.owner, here, "Waits", priority="P0", assignee=agent(hired), waits_for=[before["id"]])
    await wrote(org.owner, there, "On hold", priority="P0", assignee=agent(hired))
    await wrote(org.owner, there, "Free, on hold", priority="P0")
    done(await org.owner.api.put(f"/projects/{there['id']}/archive"))
    last = await wrote(org.owner, here, "Last", priority="P3", assignee=agent(hired))
    assert (await took(hired) or {})["id"] == last["id"]
    assert await took(hired) is None


@pytest.mark.rule("D8", "B1")
async def test_an_agent_of_a_project_takes_its_tasks_alone(server: Server, org: Org):
    here, there = await begun(org.owner), await begun(org.owner, "There")
    hired = await server.hire(org, level="project", project_id=here["id"])
    await wrote(org.owner, there, "Elsewhere", priority="P0")
    task = await wrote(org.owner, here, "Here", priority="P3")
    assert (await took(hired) or {})["id"] == task["id"]
    assert await took(hired) is None
    assert (await hired.api.post("/tasks/next", json={"project_id": there["id"]})).json()["code"] == "not_found"


def test_the_queue_is_walked_by_its_index(server: Server, cluster: SharedCluster, worker_id: str, org: Org):
    """However many there are, only the first are looked at."""
    wanted = """
        select t.id from tasks t where t.org_id = %s and t.deleted_at is null and t.status = 'backlog'
          and t.waits_for = 0 and not t.is_on_hold order by t.priority, t.deadline, t.id limit 1
          for update of t skip locked
    """
    with psycopg.connect(cluster.superuser(f"server_{worker_id}")) as connection:
        connection.execute("set enable_sort = off")
        connection.execute(sql.SQL("set role {}").format(sql.Identifier("crewhall_app")))
        connection.execute("select set_config('crewhall.orgs', %s, true)", (f"{{{org.id}}}",))
        plan = str(connection.execute("explain " + wanted, (org.id,)).fetchall())
    assert "tasks_free" in plan
    assert "Sort" not in plan


async def test_a_taken_task_is_gone_until_it_is_given_back(server: Server, org: Org):
    member = await org.add()
    task = await wrote(org.owner, await begun(org.owner))
    async with server.db.transaction(org.owner.actor) as tx:
        taken = await take(tx, None)
        assert taken is not None
        assert str(taken.id) == task["id"]
        assert await took(member) is None  # not even while nobody knows whether it stays so
    assert await took(member) is None
    await changed(org.owner, task, status="backlog")
    assert (await took(member) or {})["id"] == task["id"]


@pytest.mark.slow
@pytest.mark.rule("D8")
async def test_ten_processes_never_collide(server: Server, org: Org):
    project = await begun(org.owner)
    body = {"project_id": project["id"], "title": "One of many"}
    made = [(await org.owner.api.post("/tasks", json=body)).json()["id"] for _ in range(TASKS)]
    keys = [(await server.hire(org)).key for _ in range(PROCESSES)]
    running = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", TAKER, server.address, key, stdout=subprocess.PIPE, env=dict(os.environ)
        )
        for key in keys
    ]
    taken = [(await process.communicate())[0].decode().split() for process in running]
    assert [process.returncode for process in running] == [0] * PROCESSES
    assert sorted(task for some in taken for task in some) == sorted(made)
    assert {task["status"] for task in await listed(org.owner, limit=200)} == {"in_progress"}
