"""An agent's day by MCP, the same by the client; boards are told live."""

import pytest

from crewhall.faces.sdk import Client
from tests.identity.hall import Org
from tests.live.test_socket import say
from tests.mcp.visiting import done, refused, visit
from tests.support.server import Server, frames_until, token_of
from tests.work.ground import agent, begun, changed, put_on_probation, wrote
from tests.work.page_ground import visit_page


@pytest.mark.rule("X4", "D8", "D3")
async def test_an_agents_day_by_mcp(server: Server, org: Org):
    project, hired = await begun(org.owner), await server.hire(org)
    await wrote(org.owner, project, "Paint it", priority="P1", success_criteria=[{"text": "Blue"}, {"text": "Dry"}])
    await put_on_probation(org, hired)
    await wrote(org.owner, project, "Put the fire out", priority="P0")
    async with visit(server.address, hired.key) as client:
        listed = await done(client, "list_projects")
        assert listed["projects"][0]["tasks"] == {"backlog": 2}
        own = await done(client, "create_task", project="shop", title="Buy paint", success_criteria=["Two tins"])
        assert [one["title"] for one in (await done(client, "list_tasks", project="shop"))["tasks"]] == [
            "Put the fire out", "Paint it", "Buy paint",
        ]  # fmt: skip
        taken = await done(client, "next_task")
        assert (taken["title"], taken["status"], taken["name"]) == ("Paint it", "in_progress", "shop#1")
        assert (await refused(client, "start_task", task="shop#2"))["code"] == "agent_on_probation"
        stuck = await done(client, "block_task", task="shop#1", reason="No paint.")
        assert stuck["blocked_reason"] == "No paint."
        said = await done(client, "comment_on_task", task="shop#1", content="Where is the paint?")
        thread = (await done(client, "read_task", task="shop#1"))["thread_id"]
        read = await done(client, "read_thread", conversation_id=said["conversation_id"], message_id=thread)
        assert read["replies"][-1]["content"] == "Where is the paint?" if "replies" in read else "paint?" in str(read)
        await done(client, "start_task", task=own["id"])
        assert (await done(client, "complete_task", task=own["id"], met=[1]))["success_criteria"][0]["is_met"]
        await done(client, "start_task", task="shop#1")
        finished = await done(client, "complete_task", task="shop#1", met=[2])
        assert [one["is_met"] for one in finished["success_criteria"]] == [False, True]
        assert (await refused(client, "next_task"))["code"] == "no_task"
        assert (await done(client, "list_tasks", mine=True, status=["completed"]))["tasks"][0]["name"] == "shop#1"
        assert (await refused(client, "read_task", task="shop#99"))["code"] == "not_found"


async def test_programs_work_by_the_client(server: Server, org: Org):
    hired = await server.hire(org)
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        project = await client.projects.create("Shop", description="Sell.")
        one = await client.tasks.create(project.id, "Paint it", assignee=agent(hired), labels=["ui"])
        two = await client.tasks.create(project.id, "Buy paint")
        assert one.assignee is not None
        assert (one.name, one.assignee.id) == ("shop#1", hired.id)
        assert (await client.tasks.wait_for(one.id, two.id)).depends_on[0].title == "Buy paint"
        assert (await client.tasks.wait_no_more(one.id, two.id)).waits_for == 0
        assert (await client.tasks.take_next()).title == "Buy paint"  # type: ignore[union-attr]
        assert await client.tasks.take_next(project.id) is None
        told = await client.tasks.change_all([one.id, two.id], priority="P3")
        assert (sorted(told.changed), told.refused) == (sorted([one.id, two.id]), [])
        assert (await client.tasks.comment(one.id, "Which blue?")).content == "Which blue?"
        board = await client.projects.board(project.id)
        assert {column.status: column.total for column in board.columns if column.total} == {
            "assigned": 1, "in_progress": 1,
        }  # fmt: skip
        assert list(await client.tasks.labels()) == ["ui"]
        await client.projects.add_member(project.id, "agent", hired.id)
        assert {member.member_id async for member in client.projects.members(project.id)} == {
            hired.id, str(org.owner.id),
        }  # fmt: skip
        await client.projects.remove_member(project.id, "agent", hired.id)
        assert (await client.tasks.get("shop#1")).id == one.id
        assert [task.title async for task in client.tasks.list(status=["assigned"])] == ["Paint it"]


async def test_who_follows_the_channel_hears_which_task_changed(server: Server, org: Org, other_org: Org):
    project, member = await begun(org.owner), await org.add()
    task = await wrote(org.owner, project)
    async with (
        server.live(token_of(member.api)) as socket,
        server.live(token_of(other_org.owner.api)) as stranger,
    ):
        await socket.send(say("subscribe", conversation=project["conversation_id"]))
        await frames_until(socket, "resumed")
        await stranger.send(say("subscribe", conversation=project["conversation_id"]))
        await frames_until(stranger, "error")
        await changed(org.owner, task, status="in_progress")
        await frames_until(socket, "task", task=task["id"], status="in_progress")
        await stranger.send(say("ping"))
        assert [one["type"] for one in await frames_until(stranger, "pong", whole=True)] == ["pong"]


async def test_a_form_that_asks_what_is_not_done_says_so(server: Server, org: Org):
    project = await begun(org.owner)
    task = await wrote(org.owner, project)
    browser, _ = await server.browse(org.owner)
    browser.base_url = server.address
    browser.headers.update({"origin": server.address, "accept": "text/html"})
    for path, status in (
        (f"/tasks/{task['id']}/free", 422), (f"/tasks/{task['id']}/unlink", 422), (f"/tasks/{task['id']}/dance", 404),
        (f"/projects/{project['slug']}/dance", 404),
    ):  # fmt: skip
        answer = await browser.post(path, data={"other": "abc", "repository": "abc", "number": "1"})
        assert answer.status_code == status, path


async def test_the_page_of_a_task_changes_what_was_chosen_there_and_nothing_else(server: Server, org: Org):
    hired, project = await server.hire(org, "scout"), await begun(org.owner)
    task = await wrote(org.owner, project, deadline="2030-01-31T09:00:30Z")
    page = await visit_page(server, org.owner, f"/tasks/{task['id']}")
    await page.choose(whose="@scout")
    assert (now := await page.now())["status"] == "assigned"
    assert (now["assignee"]["id"], now["deadline"]) == (hired.id, "2030-01-31T09:00:30Z")
    await changed(hired, task, status="in_progress")
    await page.choose(priority="P1")  # on the page as it was before the agent began
    assert ((now := await page.now())["status"], now["priority"]) == ("in_progress", "P1")
    await (page := await visit_page(server, org.owner, f"/tasks/{task['id']}")).choose(status="blocked")
    assert "Say why it cannot go on." in page.text
    await page.choose(status="blocked", blocked_reason="No paint.")
    await (page := await visit_page(server, org.owner, f"/tasks/{task['id']}")).choose(blocked_reason="No blue paint.")
    assert (await page.now())["blocked_reason"] == "No blue paint."
    await (page := await visit_page(server, org.owner, f"/tasks/{task['id']}")).choose(status="backlog")
    assert ((now := await page.now())["assignee"], now["status"]) == (None, "backlog")
    await (page := await visit_page(server, org.owner, f"/tasks/{task['id']}")).choose(status="in_progress")
    assert (await page.now())["assignee"]["id"] == str(org.owner.id)
    await (page := await visit_page(server, org.owner, f"/tasks/{task['id']}")).choose(whose="nobody", due="")
    assert ((now := await page.now())["status"], now["deadline"]) == ("backlog", None)


async def test_text_that_somebody_changed_meanwhile_is_saved_once_one_has_seen_it(server: Server, org: Org):
    project = await begun(org.owner)
    task = await wrote(org.owner, project)
    page = await visit_page(server, org.owner, f"/tasks/{task['id']}", form="title")
    await changed(org.owner, task, title="Paint it red")
    await page.choose(title="Paint it blue")
    assert "Somebody changed this task meanwhile" in page.text
    assert (page.fields["title"], (await page.now())["title"]) == ("Paint it blue", "Paint it red")
    await page.choose()
    assert (await page.now())["title"] == "Paint it blue"
