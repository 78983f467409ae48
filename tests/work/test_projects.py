"""Projects by the API: who begins and changes them, who sees them, and what outlives them."""

import psycopg
import pytest

from crewhall.kernel.ids import new_id
from tests.identity.hall import Org
from tests.support.database import SharedCluster
from tests.support.server import Server
from tests.work.ground import agent, begun, changed, done, listed, took, wrote
from tests.work.page_ground import visit_page


async def test_a_project_has_a_slug_and_a_channel_of_its_own(org: Org):
    member = await org.add()
    made = await begun(member, "Café Nord", description="Sell *coffee*.", repository_url="https://example.org/cafe")
    assert (made["slug"], made["is_active"], made["people"], made["tasks"]) == ("cafe-nord", True, 1, {})
    channel = done(await org.owner.api.get(f"/conversations/{made['conversation_id']}")).json()
    assert (channel["name"], channel["kind"], channel["type"]) == ("cafe-nord", "channel", "public")
    again = await begun(member, "Café Nord")
    assert again["slug"] == "cafe-nord-2"
    assert (await member.api.post("/projects", json={"name": "X", "slug": "cafe-nord"})).status_code == 409
    assert (await member.api.post("/projects", json={"name": "New", "slug": "new"})).status_code == 422
    assert (await member.api.post("/projects", json={"name": "X", "repository_url": "javascript:x"})).status_code == 422
    assert done(await member.api.get("/projects/by-slug/cafe-nord")).json()["id"] == made["id"]


async def test_who_began_it_and_admins_change_it(server: Server, org: Org):
    maker, other, boss = await org.add(), await org.add(), await org.add("admin")
    hired = await server.hire(org)
    made = await begun(maker)
    path = f"/projects/{made['id']}"
    for who in (other, hired):
        for answer in (
            await who.api.patch(path, json={"name": "Mine"}),
            await who.api.put(f"{path}/archive"),
            await who.api.delete(path, params={"confirm": made["slug"]}),
            await who.api.put(f"{path}/members/user/{boss.id}"),
        ):
            assert answer.status_code == 403, answer.text
    assert (await hired.api.post("/projects", json={"name": "Mine"})).status_code == 403
    assert done(await maker.api.patch(path, json={"name": "Store", "slug": "store"})).json()["slug"] == "store"
    assert done(await boss.api.patch(path, json={"description": "By an admin"})).json()["name"] == "Store"
    assert (await maker.api.delete(path, params={"confirm": "store"})).status_code == 403
    assert (await boss.api.delete(path)).json()["code"] == "conflict"
    done(await boss.api.delete(path, params={"confirm": "store"}))
    assert (await maker.api.get(path)).status_code == 404
    assert await listed(maker, "/projects") == []
    await begun(maker, "Store")  # the slug is free again
    acts = [one["summary"] for one in await listed(org.owner, "/audit") if one["action"].startswith("project.")]
    assert [act.partition("the project ")[2] for act in acts] == [
        "Store", "Store", "Store: description", "Store: name and slug", "Shop",
    ]  # fmt: skip


@pytest.mark.rule("B1")
async def test_nobody_elses_projects_are_there(org: Org, other_org: Org):
    made = await begun(org.owner)
    task = await wrote(org.owner, made)
    stranger = other_org.owner
    own = await begun(stranger)
    for path in (f"/projects/{made['id']}", f"/projects/{made['id']}/board", f"/tasks/{task['id']}"):
        assert (await stranger.api.get(path)).status_code == 404
    assert [one["id"] for one in await listed(stranger, "/projects")] == [own["id"]]
    assert await listed(stranger) == []
    assert await took(stranger) is None
    refused = await stranger.api.post("/tasks", json={"project_id": made["id"], "title": "Mine"})
    assert refused.status_code == 404
    mine = await wrote(stranger, own)
    assert (await stranger.api.put(f"/tasks/{mine['id']}/dependencies/{task['id']}")).status_code == 404


@pytest.mark.rule("D2")
async def test_an_agent_of_a_project_sees_that_one_alone(server: Server, org: Org):
    one, two = await begun(org.owner, "One"), await begun(org.owner, "Two")
    worker = await server.hire(org, level="project", project_id=one["id"])
    general = await server.hire(org)
    for project in (one, two):
        await wrote(org.owner, project, f"In {project['name']}")
    assert [task["title"] for task in await listed(worker)] == ["In One"]
    assert [task["title"] for task in await listed(general)] == ["In One", "In Two"]
    assert (await worker.api.get(f"/projects/{two['id']}")).status_code == 404
    assert [project["slug"] for project in await listed(worker, "/projects")] == ["one"]
    assert (await took(worker) or {})["title"] == "In One"
    assert await took(worker) is None
    members = await listed(org.owner, f"/projects/{one['id']}/members")
    assert (members[0]["handle"], members[0]["is_own"]) == (worker.code, True)
    wrong = await org.owner.api.patch(f"/agents/{general.id}", json={"level": "project", "project_id": general.id})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "project_id")


async def test_people_and_agents_join_and_leave(server: Server, org: Org):
    project = await begun(org.owner)
    member, hired = await org.add(), await server.hire(org)
    path = f"/projects/{project['id']}/members"
    done(await member.api.put(f"{path}/user/{member.id}"))
    done(await org.owner.api.put(f"{path}/agent/{hired.id}"))
    assert {one["member_id"] for one in await listed(member, path)} == {str(org.owner.id), str(member.id), hired.id}
    assert (await member.api.delete(f"{path}/agent/{hired.id}")).status_code == 403
    done(await member.api.delete(f"{path}/user/{member.id}"))
    done(await org.owner.api.delete(f"{path}/agent/{hired.id}"))
    assert (await org.owner.api.delete(f"{path}/agent/{hired.id}")).status_code == 404
    assert len(await listed(member, path)) == 1


async def test_who_looks_after_a_project_puts_others_on_it_by_its_page(server: Server, org: Org, other_org: Org):
    project, member, scout = await begun(org.owner), await org.add(), await server.hire(org, "scout", name="Scout")
    about, stranger = f"/projects/{project['slug']}/about", await server.hire(other_org, "wren")
    page = await visit_page(server, org.owner, about, form="whose")
    assert f"/timeline?project={project['id']}" in page.text
    await page.choose(to=f"/projects/{project['slug']}/add", whose="@scout")
    await page.choose(to=f"/projects/{project['slug']}/add", whose=f"agent:{stranger.id}")
    assert "Take Scout off it" in page.text
    there = {one["member_id"] for one in await listed(org.owner, f"/projects/{project['id']}/members")}
    assert there == {str(org.owner.id), scout.id}
    plain = await visit_page(server, member, about, form="whose")
    assert "Take Scout off it" not in plain.text
    assert await plain.send(f"/projects/{project['slug']}/add", whose="@scout") == 403
    off = {"member_type": "agent", "member_id": scout.id}
    assert await plain.send(f"/projects/{project['slug']}/remove", **off) == 403
    assert await page.send(f"/projects/{project['slug']}/remove", **off) == 303
    assert len(await listed(org.owner, f"/projects/{project['id']}/members")) == 1


async def test_who_is_gone_works_on_nothing_and_who_comes_back_does_again(server: Server, org: Org):
    project, member, hired = await begun(org.owner), await org.add(), await server.hire(org)
    path = f"/projects/{project['id']}"
    done(await member.api.put(f"{path}/members/user/{member.id}"))
    done(await org.owner.api.put(f"{path}/members/agent/{hired.id}"))

    async def count() -> tuple[int, int, int]:
        shown = done(await org.owner.api.get(path)).json()
        return shown["people"], shown["agents"], len(await listed(org.owner, f"{path}/members"))

    assert await count() == (2, 1, 3)
    done(await org.owner.api.put(f"/people/{member.id}/deactivation"))
    done(await org.owner.api.delete(f"/agents/{hired.id}"))
    assert await count() == (1, 0, 1)
    done(await org.owner.api.delete(f"/people/{member.id}/deactivation"))
    assert await count() == (2, 0, 2)


async def test_nothing_is_to_be_done_in_an_archived_project(server: Server, org: Org):
    project = await begun(org.owner)
    task, other = await wrote(org.owner, project), await wrote(org.owner, project)
    first = f"/tasks/{task['id']}/dependencies/{other['id']}"
    done(await org.owner.api.put(first))
    hired = await server.hire(org)
    path = f"/projects/{project['id']}/archive"
    assert done(await org.owner.api.put(path)).json()["is_active"] is False
    assert await took(hired) is None
    assert (await org.owner.api.patch(f"/tasks/{task['id']}", json={"title": "Other"})).status_code == 409
    body = {"project_id": project["id"], "title": "Another"}
    assert (await org.owner.api.post("/tasks", json=body)).status_code == 409
    second = f"/tasks/{other['id']}/dependencies/{task['id']}"
    for answer in (await org.owner.api.delete(first), await org.owner.api.put(second)):
        assert "archived" in answer.json()["detail"]
    assert len(await listed(org.owner)) == 2  # it stays to be read
    done(await org.owner.api.delete(path))
    done(await org.owner.api.delete(first))
    assert (await took(hired) or {})["id"] == task["id"]


@pytest.mark.rule("D11")
async def test_an_organization_with_projects_is_not_deleted(server: Server):
    org = await server.make_org()
    project = await begun(org.owner)
    path = f"/organizations/{org.id}"
    kept = await org.owner.api.delete(path, params={"confirm": org.slug})
    assert (kept.status_code, kept.json()["code"]) == (409, "conflict")
    assert "projects" in kept.json()["detail"]
    done(await org.owner.api.delete(f"/projects/{project['id']}", params={"confirm": project["slug"]}))
    done(await org.owner.api.delete(path, params={"confirm": org.slug}))


@pytest.mark.rule("D11")
async def test_agents_outlive_a_purged_project_and_tasks_a_purged_agent(
    server: Server, org: Org, cluster: SharedCluster, worker_id: str
):
    project, other = await begun(org.owner), await begun(org.owner, "Other")
    worker = await server.hire(org, name="Painter", level="project", project_id=project["id"])
    await server.hire(org, name="Painter")
    await wrote(org.owner, project, assignee=agent(worker))
    kept = await org.owner.api.delete(f"/projects/{project['id']}", params={"confirm": project["slug"]})
    assert "agents of its own" in kept.json()["detail"]
    with psycopg.connect(cluster.superuser(f"server_{worker_id}"), autocommit=True) as connection:
        connection.execute("delete from projects where id = %s", (project["id"],))
        left = connection.execute("select count(*) from tasks where project_id = %s", (project["id"],)).fetchone()
        assert left == (0,)
    found = done(await org.owner.api.get(f"/agents/{worker.id}")).json()
    assert (found["level"], found["project_id"], found["status"]) == ("organization", None, "inactive")
    assert found["name"] == f"Painter {worker.code}"
    task, gone = await wrote(org.owner, other), new_id()
    with psycopg.connect(cluster.superuser(f"server_{worker_id}"), autocommit=True) as connection:
        connection.execute(
            "insert into agents (id, org_id, code, name) values (%s, %s, 'gone', 'Gone')", (gone, org.id)
        )
        assert (await changed(org.owner, task, assignee={"type": "agent", "id": str(gone)}))["status"] == "assigned"
        connection.execute("delete from agents where id = %s", (gone,))
    now = done(await org.owner.api.get(f"/tasks/{task['id']}")).json()
    assert (now["status"], now["assignee"]) == ("backlog", None)
