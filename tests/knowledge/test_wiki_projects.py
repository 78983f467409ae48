"""Entries of the wiki that are of one project: who reads and finds them, on every face."""

from typing import Any

import pytest

from tests.documents.ground import ended, read_now
from tests.identity.hall import Org
from tests.knowledge.test_wiki import approved, listed, wrote
from tests.support.server import AgentClient, Server

WORDS = "The quintuple latch opens clockwise."


async def project(org: Org, name: str) -> str:
    return str((await org.owner.api.post("/projects", json={"name": name})).raise_for_status().json()["id"])


async def found_by(who: AgentClient | Any) -> dict[str, bool]:
    """By which ways somebody comes to the entry about the latch."""
    best = (await who.api.get("/knowledge/search", params={"q": "quintuple latch"})).raise_for_status().json()
    documents = (await who.api.get("/documents", params={"q": "Latches"})).raise_for_status().json()["items"]
    return {
        "list": bool(await listed(who.api)),
        "words": bool(await listed(who.api, q="quintuple")),
        "best": bool(best["found"]),
        "documents": bool(documents),
        "slug": (await who.api.get("/wiki/by-slug/latches")).status_code == 200,
        "categories": any(one["entries"] for one in await listed(who.api, "/wiki/categories")),
    }


@pytest.mark.rule("D9", "B1")
async def test_what_is_of_a_project_is_read_by_people_its_agents_and_those_of_the_organization(
    server: Server, org: Org, other_org: Org
):
    doors, pumps = await project(org, "Doors"), await project(org, "Pumps")
    of_doors = await server.hire(org, level="project", project_id=doors)
    of_pumps = await server.hire(org, level="project", project_id=pumps)
    everywhere, member = await server.hire(org), await org.add()
    settled = {"settings": {"wiki_categories": ["Hardware"]}}
    (await org.owner.api.patch(f"/organizations/{org.id}", json=settled)).raise_for_status()
    made = await approved(org, title="Latches", content=WORDS, project_id=doors, category="Hardware")
    assert made["project"]["name"] == "Doors"
    document = (await listed(org.owner.api, "/documents", q="Latches"))[0]
    await read_now(server, org, document["id"])
    assert (await ended(org, document["id"]))["origins"][0]["slug"] == "latches"
    for who in (of_doors, everywhere, member, org.owner):
        assert all((await found_by(who)).values()), who
    for stranger in (of_pumps, other_org.owner, await server.hire(other_org)):
        assert not any((await found_by(stranger)).values()), stranger
        for path in (f"/wiki/{made['entry_id']}", f"/wiki/versions/{made['id']}", f"/documents/{document['id']}"):
            assert (await stranger.api.get(path)).status_code == 404, path
        assert (await stranger.api.get(f"/documents/{document['id']}/chunks")).status_code == 404
    other = await approved(org, title="Everybody's", content=WORDS)
    assert [one["id"] for one in await listed(member.api, project=doors)] == [made["entry_id"]]
    assert [one["id"] for one in await listed(member.api, q="quintuple", project=doors)] == [made["entry_id"]]
    assert {one["id"] for one in await listed(of_pumps.api)} == {other["entry_id"]}


@pytest.mark.rule("D9")
async def test_an_entry_is_of_a_project_that_is_there_and_keeps_its_names_for_itself(org: Org, other_org: Org):
    doors, theirs = await project(org, "Doors"), await project(other_org, "Doors")
    await wrote(org.owner, title="Latches", project_id=doors)
    for fields in ({"title": "Latches"}, {"title": "latches", "project_id": doors}, {"title": "A", "slug": "latches"}):
        refused = await org.owner.api.post("/wiki", json={"content": WORDS, **fields})
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict"), fields
    (await org.owner.api.put(f"/projects/{doors}/archive")).raise_for_status()
    for wrong in (theirs, doors):
        refused = await org.owner.api.post("/wiki", json={"title": "Hinges", "content": WORDS, "project_id": wrong})
        assert (refused.status_code, refused.json()["field"]) == (422, "project_id")
