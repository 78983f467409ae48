"""Entries of the wiki that are of one project: who reads and finds them, on every face."""

from typing import Any

import pytest

from crewhall.faces.sdk import Client, CrewhallApiError
from tests.documents.ground import ended, read_now
from tests.identity.hall import Org
from tests.knowledge.test_wiki import approved, decided, edited, listed, wrote
from tests.support.server import AgentClient, Server, token_of

WORDS = "The quintuple latch opens clockwise."


async def project(org: Org, name: str) -> str:
    return str((await org.owner.api.post("/projects", json={"name": name})).raise_for_status().json()["id"])


async def found_by(who: AgentClient | Any) -> dict[str, bool]:
    """By which ways somebody comes to the entry about the latch."""
    best = (await who.api.get("/knowledge/search", params={"q": "quintuple latch"})).raise_for_status().json()
    documents = (await who.api.get("/documents", params={"q": "Latches"})).raise_for_status().json()["items"]
    return {
        "list": any(one["slug"] == "latches" for one in await listed(who.api)),
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


async def moved(who: Any, entry: dict[str, Any], project_id: str | None, **fields: Any) -> Any:
    return await who.api.put(f"/wiki/{entry['entry_id']}/project", json={"project_id": project_id, **fields})


@pytest.mark.rule("D9", "B1")
async def test_an_entry_moves_by_who_decides_and_its_readers_change_with_it(server: Server, org: Org, other_org: Org):
    doors, pumps = await project(org, "Doors"), await project(org, "Pumps")
    of_doors = await server.hire(org, level="project", project_id=doors)
    of_pumps = await server.hire(org, level="project", project_id=pumps)
    member, admin = await org.add(), await org.add("admin")
    made = await approved(org, title="Latches", content=f"{WORDS} See [[Hinges]].", project_id=doors)
    linking = await approved(org, title="Hinges", content="They go with [[Latches]].")
    proposal = (await edited(member, made, content="The latch sticks.")).raise_for_status().json()
    document = (await listed(org.owner.api, "/documents", q="Latches"))[0]
    await read_now(server, org, document["id"])
    for nobody, code in ((member, 403), (of_doors, 403), (other_org.owner, 404), (await server.hire(org), 403)):
        assert (await moved(nobody, made, pumps)).status_code == code
    theirs = await project(other_org, "Pumps")
    for wrong, code in ((doors, 409), (theirs, 422), (made["entry_id"], 422)):
        assert (await moved(org.owner, made, wrong)).status_code == code, wrong
    there = (await moved(admin, made, pumps, reason="It latches pumps.")).raise_for_status().json()
    assert (there["version"], there["status"], there["is_current"]) == (made["version"] + 2, "approved", True)
    assert (there["moved"]["before"]["name"], there["moved"]["after"]["name"]) == ("Doors", "Pumps")
    assert (there["author"]["id"], there["decided_by"]["id"]) == (made["author"]["id"], str(admin.id))
    ways = ("list", "words", "best", "documents", "slug")
    assert [(await found_by(of_pumps))[way] for way in ways] == [True] * 5, "with the same document, read once"
    assert not any((await found_by(of_doors)).values())
    assert (await of_doors.api.get(f"/documents/{document['id']}")).status_code == 404
    entry = (await of_pumps.api.get("/wiki/by-slug/latches")).json()
    assert ([one["slug"] for one in entry["links"]], [one["slug"] for one in entry["backlinks"]]) == (["hinges"],) * 2
    assert (await of_doors.api.get(f"/wiki/{linking['entry_id']}")).json()["links"] == [
        {"slug": "latches", "title": None}
    ], "a link says nothing of what is out of reach"
    seen = (await of_pumps.api.get(f"/wiki/versions/{there['id']}")).json()["moved"]
    assert (seen["before"], seen["after"]["name"]) == (None, "Pumps"), "it does not learn of the other project"
    # what waits is looked at anew, and then may be approved; it stays where the entry is now
    refused = await org.owner.api.post(f"/wiki/versions/{proposal['id']}/approve", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "stale_entry")
    anew = (await edited(member, proposal, base_id=there["id"])).raise_for_status().json()
    assert (await decided(org.owner, anew))["project"]["name"] == "Pumps"
    everybodys = (await moved(org.owner, made, None)).raise_for_status().json()
    assert (everybodys["project"], everybodys["moved"]["after"]) == (None, None)
    assert (await of_doors.api.get("/wiki/by-slug/latches")).status_code == 200
    back = {"version_id": made["id"]}
    rolled = (await org.owner.api.post(f"/wiki/{made['entry_id']}/rollback", json=back)).raise_for_status().json()
    assert (rolled["content"], rolled["project"]) == (made["content"], None), "words come back, places do not"
    history = await listed(member.api, f"/wiki/{made['entry_id']}/versions")
    assert [one["moved"] is not None for one in history if one["is_current"] or one["status"] == "approved"] == [
        False, True, False, True, False,
    ]  # fmt: skip
    audited = (await org.owner.api.get("/audit", params={"action": "wiki_entry.moved"})).json()["items"]
    assert [one["summary"].partition(" moved ")[2] for one in audited] == [
        "the wiki entry “Latches” from Pumps to the whole organization",
        "the wiki entry “Latches” from Doors to Pumps",
    ]


@pytest.mark.rule("D9")
async def test_programs_and_pages_move_entries_and_what_nobody_reads_stays(server: Server, org: Org):
    doors = await project(org, "Doors")
    waiting = await wrote(org.owner, title="Hinges", content="Oil them.")
    assert (await moved(org.owner, waiting, doors)).json()["detail"].startswith("Nobody reads this entry yet")
    made = await approved(org, title="Latches", content=WORDS)
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        there = await client.wiki.move(made["entry_id"], doors, "Doors have them.")
        assert there.moved is not None
        assert (there.moved.before, there.moved.after and there.moved.after.slug) == (None, "doors")
        with pytest.raises(CrewhallApiError, match="there already"):
            await client.wiki.move(made["entry_id"], doors)
    browser, _ = await server.browse(org.owner)
    page = (await browser.get(f"{server.address}/wiki/latches")).text
    assert 'action="/wiki/latches/move"' in page
    answer = await browser.post(f"{server.address}/wiki/latches/move", data={"project_id": "", "reason": ""})
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/wiki/latches")
    history = (await browser.get(f"{server.address}/wiki/latches/history")).text
    assert "Moved from Doors to the whole organization." in history
    others, _ = await server.browse(await org.add())
    assert "/move" not in (await others.get(f"{server.address}/wiki/latches")).text
    (await org.owner.api.put(f"/wiki/{made['entry_id']}/archive")).raise_for_status()
    assert (await moved(org.owner, made, doors)).status_code == 409
