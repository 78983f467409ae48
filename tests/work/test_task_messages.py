"""Tasks written where one talks: by a line, of a message, and the way back."""

from typing import Any

import httpx
import pytest

from tests.conversations.ways import group
from tests.identity.hall import Org
from tests.support.server import Server
from tests.work.ground import Who, begun, done, listed, wrote


async def ran(who: Who, place: str, line: str) -> dict[str, Any]:
    """What a line did."""
    said: dict[str, Any] = done(await who.api.post(f"/conversations/{place}/commands", json={"line": line})).json()
    return said


async def refused(who: Who, place: str, line: str) -> tuple[int, str]:
    """How a line is refused."""
    answer = await who.api.post(f"/conversations/{place}/commands", json={"line": line})
    return answer.status_code, answer.json()["detail"]


async def offered(who: Who, place: str) -> list[str]:
    """How the command is offered."""
    return [one["usage"] for one in await listed(who, f"/conversations/{place}/commands") if one["source"] == "task"]


async def message(who: Who, place: str, content: str, **fields: Any) -> dict[str, Any]:
    """What somebody said."""
    body = {"content": content, **fields}
    said: dict[str, Any] = done(await who.api.post(f"/conversations/{place}/messages", json=body)).json()
    return said


async def read(who: Who, place: str) -> list[dict[str, Any]]:
    """The messages of a place."""
    return await listed(who, f"/conversations/{place}/messages")


async def test_a_line_writes_a_task_of_the_channels_project_and_says_so(server: Server, org: Org):
    general, ada = await server.general(org), await org.add()
    assert await offered(ada, general) == []
    assert (await refused(ada, general, "/task Mend it"))[0] == 404, "there is no project"
    project = await begun(org.owner, "Mill")
    assert await offered(ada, general) == ["/task TITLE"]
    place = project["conversation_id"]
    done(await ada.api.post(f"/conversations/{place}/join"))
    said = await ran(ada, place, "/task Mend the *sluice*\nIt leaks.")
    assert said["said"] == "mill#1 is in the backlog of Mill."
    (task,) = await listed(ada)
    assert (task["title"], task["status"], task["created_by"]["id"]) == ("Mend the *sluice*", "backlog", str(ada.id))
    assert done(await ada.api.get(f"/tasks/{task['id']}")).json()["description"] == "It leaks."
    told = (await read(ada, place))[-1]
    assert (told["id"], told["author"]["id"]) == (said["message_id"], str(ada.id))
    assert told["content"] == f"[mill#1](/tasks/{task['id']}) Mend the \\*sluice\\*"
    assert task["thread_id"] == told["id"], "what is said about it goes on there"
    elsewhere = await ran(ada, general, "/task Order: a wheel")
    assert elsewhere["said"] == "mill#2 is in the backlog of Mill.", "no project is called order: it is the only one"
    assert (await read(ada, general))[-1]["id"] == elsewhere["message_id"]
    assert [one["thread_id"] for one in await listed(ada) if one["number"] == 2] == [None]


async def test_a_line_names_the_project_where_there_are_several(server: Server, org: Org):
    general = await server.general(org)
    mill, shop = await begun(org.owner, "Mill"), await begun(org.owner, "Shop")
    assert await offered(org.owner, general) == ["/task PROJECT: TITLE"]
    status, detail = await refused(org.owner, general, "/task Mend it")
    assert (status, detail) == (
        422, "Say for which project: /task mill: Fix the mill. There are mill, shop.",
    )  # fmt: skip
    assert (await ran(org.owner, general, "/task Shop: Mend it"))["said"] == "shop#1 is in the backlog of Shop."
    assert (await ran(org.owner, mill["conversation_id"], "/task shop: And this"))["said"].startswith("shop#2")
    assert (await refused(org.owner, general, "/task shop:"))[0] == 422
    assert (await refused(org.owner, general, "/task shop: " + "x" * 501))[0] == 422
    done(await org.owner.api.put(f"/projects/{shop['id']}/archive"))
    assert (await refused(org.owner, general, "/task shop: Too late"))[0] == 409
    worker = await server.hire(org, level="project", project_id=mill["id"])
    done(
        await org.owner.api.post(
            f"/conversations/{general}/members", json={"member_type": "agent", "member_id": worker.id}
        )
    )
    assert (await ran(worker, general, "/task shop: Not mine"))["said"].startswith("mill#1"), "it sees no other project"


@pytest.mark.rule("B1")
async def test_a_task_of_a_message_leads_back_for_who_may_read_it(server: Server, org: Org, other_org: Org):
    project, circle, member = await begun(org.owner), await group(org.owner), await org.add()
    secret = await message(org.owner, circle, "The zircon is in the **cellar**.\nTell nobody.")
    ref = {"conversation_id": str(circle), "message_id": secret["id"]}
    for stranger in (member, await server.hire(org)):
        body = {"project_id": project["id"], "title": "Fetch it", "message": ref}
        assert (await stranger.api.post("/tasks", json=body)).status_code == 404
        page = await _page(server, stranger, f"/tasks/new?conversation={circle}&message={secret['id']}")
        assert page.status_code == 404
        assert "zircon" not in page.text
    theirs = {"project_id": (await begun(other_org.owner))["id"], "title": "Fetch it", "message": ref}
    assert (await other_org.owner.api.post("/tasks", json=theirs)).status_code == 404
    form = (await _page(server, org.owner, f"/tasks/new?conversation={circle}&message={secret['id']}")).text
    assert 'value="The zircon is in the cellar."' in form
    assert "&gt; The zircon is in the **cellar**.\n&gt; Tell nobody." in form
    assert "Not everybody can read that message" in form
    task = await wrote(org.owner, project, "Fetch it", message=ref)
    assert task["metadata"] == {"message": {**ref, "seq": secret["seq"]}}
    back = f'href="/c/{circle}?at={secret["seq"]}"'
    assert back in (await _page(server, org.owner, f"/tasks/{task['id']}")).text
    assert back not in (await _page(server, member, f"/tasks/{task['id']}")).text
    done(await org.owner.api.delete(f"/conversations/{circle}/messages/{secret['id']}"))
    assert back not in (await _page(server, org.owner, f"/tasks/{task['id']}")).text
    gone = await org.owner.api.post("/tasks", json={"project_id": project["id"], "title": "Late", "message": ref})
    assert gone.status_code == 404


async def test_the_list_asks_for_deadlines_and_whose_by_name(server: Server, org: Org):
    project, ada = await begun(org.owner), await org.add(who=await server.make_person(name="Ada Byron"))
    hired = await server.hire(org, name="Byron's helper")
    await wrote(org.owner, project, "Long due", deadline="2020-01-01T00:00:00Z", assignee=_as("user", ada.id))
    await wrote(org.owner, project, "Far away", deadline="2190-01-01T00:00:00Z", assignee=_as("agent", hired.id))
    await wrote(org.owner, project, "Whenever")
    handle = done(await ada.api.get("/me")).json()["user"]["handle"]
    for query, shown in (
        ("due=late", {"Long due"}), ("due=30", {"Long due"}), (f"assignee=@{handle}", {"Long due"}),
        (f"assignee=@{hired.code}", {"Far away"}), (f"assignee=user:{ada.id}", {"Long due"}),
        ("assignee=nobody", {"Whenever"}), ("", {"Long due", "Far away", "Whenever"}),
    ):  # fmt: skip
        text = (await _page(server, org.owner, f"/tasks?{query}")).text
        assert {one for one in ("Long due", "Far away", "Whenever") if f">{one}<" in text} == shown, query
    assert (await _page(server, org.owner, "/tasks?due=never")).status_code == 422
    assert (await _page(server, org.owner, "/tasks?assignee=@nobody-at-all")).status_code == 422
    options = (await _page(server, org.owner, "/tasks/assignees?q=byron")).text
    assert f'<option value="@{handle}">Ada Byron</option>' in options
    assert f'<option value="@{hired.code}">' in options


def _as(kind: str, identity: object) -> dict[str, str]:
    return {"type": kind, "id": str(identity)}


async def _page(server: Server, who: Who, path: str) -> httpx.Response:
    headers = {"accept": "text/html", "authorization": who.api.headers["authorization"]}
    async with httpx.AsyncClient(base_url=server.address, headers=headers) as browser:
        return await browser.get(path)
