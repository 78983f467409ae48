"""The wiki by the API: drafts, proposals, decisions, versions, and who may do and see what."""

from typing import Any

import httpx
import psycopg
import pytest

from tests.identity.hall import Member, Org
from tests.support.server import AgentClient, Server

Api = httpx.AsyncClient
LONG = "A kilo of it costs 6.40 €. " * 20


async def wrote(who: Member | AgentClient, **fields: Any) -> dict[str, Any]:
    """What somebody writes; proposed unless it says that it is a draft."""
    answer = await who.api.post("/wiki", json={"title": "Coffee basics", "content": LONG, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def decided(who: Member, version: dict[str, Any], deed: str = "approve", **fields: Any) -> dict[str, Any]:
    answer = await who.api.post(f"/wiki/versions/{version['id']}/{deed}", json=fields)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def approved(org: Org, **fields: Any) -> dict[str, Any]:
    """An entry that everybody reads."""
    return await decided(org.owner, await wrote(org.owner, **fields))


async def edited(who: Member, version: dict[str, Any], **fields: Any) -> httpx.Response:
    body = {"version_id": version["id"], **fields}
    return await who.api.post(f"/wiki/{version['entry_id']}/versions", json=body)


async def listed(api: Api, path: str = "/wiki", **query: Any) -> list[dict[str, Any]]:
    answer = await api.get(path, params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@pytest.mark.rule("D9")
async def test_a_draft_is_seen_by_its_author_alone(server: Server, org: Org):
    member, agent = await org.add(), await server.hire(org)
    for author, others in ((member, (org.owner, agent)), (agent, (org.owner, member))):
        draft = await wrote(author, title=f"Draft of {author.id}", draft=True)
        assert draft["status"] == "draft"
        assert [one["id"] for one in await listed(author.api, "/wiki/versions")] == [draft["id"]]
        for other in others:
            for path in ("", "/differences"):
                assert (await other.api.get(f"/wiki/versions/{draft['id']}{path}")).status_code == 404
            assert (await other.api.get(f"/wiki/{draft['entry_id']}/versions")).status_code == 404
            assert draft["id"] not in str(await listed(other.api, "/wiki/versions"))
            assert (await edited(other, draft, content="Mine.")).status_code == 404  # type: ignore[arg-type]
        assert (await author.api.get(f"/wiki/{draft['entry_id']}")).status_code == 404
        assert (await author.api.get(f"/wiki/{draft['entry_id']}/versions")).json()["items"][0]["id"] == draft["id"]


@pytest.mark.rule("D9")
async def test_an_agents_proposal_is_read_once_a_person_approves_it(server: Server, org: Org):
    member, agent = await org.add(), await server.hire(org, name="Scout")
    waiting = await wrote(agent, note="First words")
    assert (waiting["status"], waiting["author"]["name"], waiting["version"]) == ("pending_approval", "Scout", 1)
    assert await listed(member.api) == []
    for who in (member, agent):
        refused = await who.api.post(f"/wiki/versions/{waiting['id']}/approve", json={})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await member.api.get(f"/wiki/versions/{waiting['id']}")).status_code == 404
    assert [one["id"] for one in await listed(org.owner.api, "/wiki/versions")] == [waiting["id"]]
    told = await listed(org.owner.api, "/notifications", kind="wiki_proposal")
    assert [(one["summary"], one["path"]) for one in told] == [
        ("Scout proposes the wiki entry “Coffee basics”", f"/wiki/versions/{waiting['id']}")
    ]
    made = await decided(org.owner, waiting, reason="Good.")
    assert (made["status"], made["version"], made["parent_id"]) == ("approved", 2, waiting["id"])
    assert await listed(org.owner.api, "/notifications", kind="wiki_proposal") == []
    assert [one["subject_id"] for one in await listed(agent.api, "/notifications")] == [made["id"]]
    for who in (member, agent, org.owner):
        read = (await who.api.get(f"/wiki/{made['entry_id']}")).raise_for_status().json()
        assert (read["slug"], read["version"], read["approved_by"]["id"]) == ("coffee-basics", 2, str(org.owner.id))
    acts = [one["summary"] for one in await listed(org.owner.api, "/audit", action="wiki_entry.approved")]
    assert acts[0].endswith("approved the wiki entry “Coffee basics”")
    again = await org.owner.api.post(f"/wiki/versions/{waiting['id']}/approve", json={})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


@pytest.mark.rule("D9")
async def test_a_rejection_says_why_and_the_author_writes_anew(org: Org):
    member = await org.add()
    waiting = await wrote(member)
    assert (await org.owner.api.post(f"/wiki/versions/{waiting['id']}/reject", json={})).status_code == 422
    made = await decided(org.owner, waiting, "reject", reason="Where does the price come from?")
    assert (made["status"], made["reason"]) == ("rejected", "Where does the price come from?")
    assert [one["kind"] for one in await listed(member.api, "/notifications")] == ["wiki_decision"]
    better = await edited(member, made, content="From the importer's list.", draft=True)
    assert (better.status_code, better.json()["status"], better.json()["parent_id"]) == (201, "draft", made["id"])
    proposed = (await member.api.post(f"/wiki/versions/{better.json()['id']}/propose")).raise_for_status().json()
    back = (await member.api.post(f"/wiki/versions/{proposed['id']}/withdraw")).raise_for_status().json()
    assert back["status"] == "draft"
    late = await org.owner.api.post(f"/wiki/versions/{proposed['id']}/approve", json={})
    assert (late.status_code, late.json()["detail"]) == (
        409,
        "There is nothing to decide: this is taken back by its author.",
    )
    (await member.api.delete(f"/wiki/versions/{back['id']}")).raise_for_status()
    assert await listed(member.api, "/wiki/versions") == []
    await wrote(member)  # its name is free again


@pytest.mark.rule("D9")
async def test_only_agents_of_the_organization_propose(server: Server, org: Org, cluster, worker_id: str):
    agent = await server.hire(org)
    project = (await org.owner.api.post("/projects", json={"name": "Till"})).raise_for_status().json()["id"]
    with psycopg.connect(cluster.superuser(f"server_{worker_id}")) as connection:
        connection.execute("update agents set level = 'project', project_id = %s where id = %s", (project, agent.id))
    refused = await agent.api.post("/wiki", json={"title": "Mine", "content": "Words."})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "Only agents of the organization" in refused.json()["detail"]


@pytest.mark.rule("D9")
async def test_every_edit_is_a_version_and_none_changes(org: Org):
    member = await org.add()
    first = await approved(org)
    second = (await edited(member, first, content="Now 6.10 €.", title="Coffee")).raise_for_status().json()
    assert (await org.owner.api.get(f"/wiki/{first['entry_id']}")).json()["title"] == "Coffee basics"
    changed = (await org.owner.api.get(f"/wiki/versions/{second['id']}/differences")).raise_for_status().json()
    assert changed["against"]["id"] == first["id"]
    assert [(piece["how"], piece["text"]) for piece in changed["title"]] == [("same", "Coffee"), ("removed", " basics")]
    made = await decided(org.owner, second)
    history = await listed(member.api, f"/wiki/{first['entry_id']}/versions")
    assert [(one["version"], one["status"]) for one in history] == [
        (4, "approved"),
        (3, "pending_approval"),
        (2, "approved"),
    ]
    back = await member.api.post(f"/wiki/{first['entry_id']}/rollback", json={"version_id": first["id"]})
    assert (back.json()["status"], back.json()["note"]) == ("pending_approval", "Back to version 2")
    rolled = await org.owner.api.post(f"/wiki/{first['entry_id']}/rollback", json={"version_id": first["id"]})
    assert (rolled.json()["status"], rolled.json()["title"]) == ("approved", "Coffee basics")
    behind = (await member.api.get(f"/wiki/versions/{back.json()['id']}")).json()
    assert behind["is_behind"]
    stale = await org.owner.api.post(f"/wiki/versions/{behind['id']}/approve", json={})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_entry")
    assert stale.json()["current"]["version_id"] == rolled.json()["id"]
    looked = {"base_id": rolled.json()["id"], "content": "Now 6.10 €."}
    anew = (await edited(member, behind, **looked)).raise_for_status().json()
    assert (await decided(org.owner, anew))["content"] == "Now 6.10 €."
    assert made["id"] != first["id"]


@pytest.mark.rule("D9")
async def test_who_edits_what_somebody_else_changed_is_told_what_is_there(org: Org):
    ada, bob = await org.add(), await org.add()
    first = await approved(org)
    await decided(org.owner, (await edited(ada, first, content="By Ada.")).raise_for_status().json())
    refused = await edited(bob, first, content="By Bob.")
    assert (refused.status_code, refused.json()["code"]) == (409, "stale_entry")
    assert refused.json()["current"]["content"] == "By Ada."
    draft = await wrote(bob, title="Bob's", draft=True)
    (await edited(bob, draft, content="More.", draft=True)).raise_for_status()
    again = await edited(bob, draft, content="Other.", draft=True)
    assert (again.json()["code"], again.json()["current"]["content"]) == ("stale_entry", "More.")


async def test_names_are_taken_once(org: Org):
    first = await approved(org, title="Prices", slug="prices")
    for fields in ({"title": "prices"}, {"title": "Other", "slug": "prices"}):
        refused = await org.owner.api.post("/wiki", json={"content": "Words.", **fields})
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict"), fields
    made = await wrote(org.owner, title="Prices!")
    assert made["slug"] == "prices-2"
    assert (await edited(org.owner, made, title="Prices")).status_code == 409
    assert (await edited(org.owner, first, slug="other")).status_code == 409
    reserved = await org.owner.api.post("/wiki", json={"title": "A", "slug": "review", "content": "Words."})
    assert (reserved.status_code, reserved.json()["errors" if "errors" in reserved.json() else "field"]) == (
        422,
        "slug",
    )
    assert (await wrote(org.owner, title="日本語"))["slug"] == "entry"


async def test_an_archived_entry_is_read_and_found_by_nobody_until_it_is_restored(org: Org):
    member = await org.add()
    made = await approved(org)
    entry = made["entry_id"]
    assert (await member.api.put(f"/wiki/{entry}/archive")).status_code == 403
    (await org.owner.api.put(f"/wiki/{entry}/archive")).raise_for_status()
    assert (await member.api.get(f"/wiki/{entry}")).status_code == 404
    assert await listed(member.api) == []
    assert (await edited(org.owner, made, content="More.")).status_code == 409
    assert [one["entry_id"] for one in await listed(org.owner.api, "/wiki/archived")] == [entry]
    assert (await member.api.get("/wiki/archived")).status_code == 403
    (await org.owner.api.delete(f"/wiki/{entry}/archive")).raise_for_status()
    assert [one["id"] for one in await listed(member.api)] == [entry]


async def test_entries_lead_to_one_another(org: Org):
    target = await approved(org, title="Sidama", content="Washed.")
    text = "# Lots\n\n[[Sidama]], [[sidama|the washed one]], [[Huila]].\n\n`[[Sidama]]`"
    made = await approved(org, title="Lots", content=text)
    read = (await org.owner.api.get(f"/wiki/{made['entry_id']}")).json()
    assert read["links"] == [{"slug": "sidama", "title": "Sidama"}, {"slug": "huila", "title": None}]
    assert '<a href="/wiki/huila" class="missing"' in read["html"]
    assert read["headings"] == [{"level": 2, "text": "Lots", "anchor": "at-lots"}]
    other = (await org.owner.api.get("/wiki/by-slug/SIDAMA")).raise_for_status().json()
    assert (other["id"], other["backlinks"]) == (target["entry_id"], [{"slug": "lots", "title": "Lots"}])


async def test_titles_are_found_before_bodies(org: Org):
    named = await approved(org, title="Bergamot", content="A note.", tags=["Taste", "taste "])
    told = await approved(org, title="Cupping", content="bergamot " * 200, tags=["taste"])
    found = await listed(org.owner.api, q="bergamots")
    assert [one["id"] for one in found] == [named["entry_id"], told["entry_id"]]
    assert "<mark>bergamot</mark>" in found[1]["snippet"]
    assert [one["title"] for one in await listed(org.owner.api, tag="Taste")] == ["Bergamot", "Cupping"]
    await approved(org, title="Brews", content="京都の東京タワー with café.")
    for q, mark in (("東京", "<mark>東京</mark>"), ("cafe", "<mark>café</mark>")):
        assert mark in (await listed(org.owner.api, q=q))[0]["snippet"]
    first = (await org.owner.api.get("/wiki", params={"q": "bergamot", "limit": 1})).json()
    then = await listed(org.owner.api, q="bergamot", limit=1, after=first["next"])
    assert [one["id"] for one in then] == [told["entry_id"]]


async def test_reading_is_counted(org: Org):
    member = await org.add()
    made, other = await approved(org, title="Read"), await approved(org, title="Another")
    for _ in range(3):
        (await member.api.get(f"/wiki/{made['entry_id']}")).raise_for_status()
    most = await listed(member.api, order="read")
    assert [(one["id"], one["views"]) for one in most] == [(made["entry_id"], 3), (other["entry_id"], 0)]
    assert (await listed(member.api, order="recent"))[0]["id"] == other["entry_id"]


async def test_categories_are_the_organizations(org: Org):
    path = f"/organizations/{org.id}"
    (await org.owner.api.patch(path, json={"settings": {"wiki_categories": ["Prices", "People"]}})).raise_for_status()
    refused = await org.owner.api.post("/wiki", json={"title": "A", "content": "B", "category": "Cats"})
    assert (refused.status_code, "Prices" in refused.json()["detail"]) == (422, True)
    made = await approved(org, category="Prices")
    (await org.owner.api.patch(path, json={"settings": {"wiki_categories": ["People"]}})).raise_for_status()
    shown = [
        (one["name"], one["entries"], one["is_offered"]) for one in await listed(org.owner.api, "/wiki/categories")
    ]
    assert shown == [("People", 0, True), ("Prices", 1, False)]
    assert (await edited(org.owner, made, content="Still of prices.")).status_code == 201
    assert len(await listed(org.owner.api, category="Prices")) == 1
