"""Tasks in the search box: found by words on every face, within reach, and by nobody else."""

from typing import Any

import httpx
import pytest

from crewhall.faces.sdk import Client
from tests.identity.hall import Member, Org
from tests.knowledge.library import search
from tests.mcp.visiting import done as by_mcp
from tests.mcp.visiting import visit
from tests.support.server import AgentClient, Server, token_of
from tests.work.ground import begun, changed, done, wrote


async def switched(who: Member | AgentClient, q: str) -> list[dict[str, Any]]:
    """The tasks that the switcher shows."""
    found: list[dict[str, Any]] = done(await who.api.get("/switcher", params={"q": q})).json()["tasks"]
    return found


async def best(who: Member | AgentClient, q: str, **more: Any) -> list[str]:
    """Titles of the tasks among the best matches."""
    return [one["title"] for one in await search(who, q, **more) if one["kind"] == "task"]


@pytest.mark.rule("X6")
async def test_tasks_are_found_by_words_a_title_first_and_what_is_to_be_done(server: Server, org: Org):
    project = await begun(org.owner, "Mill")
    await wrote(org.owner, project, "Mend the sluice", description="The **gearwheel** is worn, and 水車 is slow.")
    wheel = await wrote(org.owner, project, "Order a gearwheel")
    old = await wrote(org.owner, project, "Measure the gearwheel")
    await changed(org.owner, old, assignee={"type": "user", "id": str(org.owner.id)})
    await changed(org.owner, old, status="completed")
    assert [one["title"] for one in await switched(org.owner, "gearw")] == [
        "Order a gearwheel", "Measure the gearwheel", "Mend the sluice",
    ]  # fmt: skip
    assert await best(org.owner, "gearwheel") == ["Order a gearwheel", "Measure the gearwheel", "Mend the sluice"]
    (found,) = [one for one in await search(org.owner, "sluice gearwheel") if one["kind"] == "task"]
    assert (found["where"], found["url"][:7]) == ("mill#1, backlog, P2", "/tasks/")
    assert found["snippet"] == "The <mark>gearwheel</mark> is worn, and 水車 is slow."
    assert await best(org.owner, "水車") == ["Mend the sluice"]
    assert [one["name"] for one in await switched(org.owner, "mill#2")] == ["mill#2"]
    assert await switched(org.owner, "ge") == [], "so few letters begin too many words"
    assert await switched(org.owner, "gearwheel from:ada") == [], "tasks have no author to be narrowed by"
    assert await best(org.owner, "does anybody know about the gearwheel?") != [], "some of the words"
    done(await org.owner.api.delete(f"/tasks/{wheel['id']}"))
    assert await best(org.owner, "gearwheel") == ["Measure the gearwheel", "Mend the sluice"]
    assert [one["title"] for one in await switched(org.owner, "mill#2")] == []


@pytest.mark.rule("X6")
async def test_an_operator_or_a_kind_leaves_tasks_alone(server: Server, org: Org):
    project, general = await begun(org.owner), await server.general(org)
    await wrote(org.owner, project, "Paint the ferry")
    done(await org.owner.api.post(f"/conversations/{general}/messages", json={"content": "what about the ferry?"}))
    for q, more in (("ferry kind:task", {}), ("ferry", {"kinds": "task"})):
        assert {one["kind"] for one in await search(org.owner, q, **more)} == {"task"}
    assert await best(org.owner, "ferry", kinds="wiki,file") == []
    assert await best(org.owner, "ferry in:general") == [], "a task stands in no conversation"
    assert await best(org.owner, "ferry kind:task before:2020") == []
    for q in ("ferry kind:task from:me", "ferry -kind:task", "ferry kind:task kind:question"):
        answer = await org.owner.api.get("/knowledge/search", params={"q": q})
        assert (answer.status_code, answer.json()["field"]) == (422, "q"), q
    twice = await org.owner.api.get("/knowledge/search", params={"q": "ferry kind:task", "kinds": "wiki"})
    assert twice.status_code == 422


@pytest.mark.rule("X6", "B1")
async def test_nobody_finds_tasks_out_of_reach(server: Server, org: Org, other_org: Org):
    here, there = await begun(org.owner, "Here"), await begun(org.owner, "There")
    await wrote(org.owner, here, "Grind the zircon")
    await wrote(other_org.owner, await begun(other_org.owner), "Sell the zircon")
    member, worker = await org.add(), await server.hire(org, level="project", project_id=there["id"])
    assert [one["title"] for one in await switched(member, "zircon")] == await best(member, "zircon") == [
        "Grind the zircon"
    ]  # fmt: skip
    assert await switched(worker, "zircon") == await switched(worker, "here#1") == []
    assert await best(worker, "zircon") == await best(worker, "here#1 kind:task") == []
    assert await best(other_org.owner, "zircon") == ["Sell the zircon"]
    assert [one["title"] for one in await switched(other_org.owner, "here#1")] == []
    done(await org.owner.api.patch(f"/agents/{worker.id}", json={"level": "organization", "project_id": None}))
    assert await best(worker, "zircon") == ["Grind the zircon"]
    done(await org.owner.api.put(f"/projects/{here['id']}/archive"))
    assert await best(member, "zircon") == ["Grind the zircon"], "what is archived stays to be found"


@pytest.mark.rule("X6", "X4")
async def test_programs_and_agents_find_tasks(server: Server, org: Org):
    project, hired = await begun(org.owner), await server.hire(org)
    await wrote(org.owner, project, "Polish the sextant")
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        assert [one.name for one in (await client.find_places("sextant")).tasks] == ["shop#1"]
        found = (await client.knowledge.search("sextant", kinds=["task"])).found
        assert [(one.kind, one.title) for one in found] == [("task", "Polish the sextant")]
    async with visit(server.address, hired.key) as mcp:
        passages = (await by_mcp(mcp, "search_knowledge", query="sextant", kinds=["task"]))["passages"]
    assert [one["title"] for one in passages] == ["Polish the sextant"]


async def test_the_plain_search_leads_on_to_tasks(server: Server, org: Org):
    async with httpx.AsyncClient(base_url=server.address, headers=dict(org.owner.api.headers)) as browser:
        answer = await browser.get("/search?q=ferry+kind:task", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/search/best?q=ferry+kind%3Atask")
