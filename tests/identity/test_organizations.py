"""Organizations: several per person, changed by admins, deleted by the owner."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from crewhall.identity.events import OrganizationCreated
from crewhall.identity.settings import Founders, IdentitySettings
from crewhall.kernel import events
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from tests.identity.hall import Hall
from tests.support.server import Server


def let_everyone(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everyone make organizations."""
    packages: dict[Any, Any] = hall.services.packages
    monkeypatch.setitem(packages, IdentitySettings, IdentitySettings(founders=Founders.EVERYONE))


@pytest.fixture
def anybody(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    let_everyone(hall, monkeypatch)


async def test_who_owns_no_organization_makes_none_unless_everyone_may(hall: Hall, monkeypatch: pytest.MonkeyPatch):
    org = await hall.make_org()
    for person in (await hall.make_person(), await org.add("member"), await org.add("admin")):
        refused = await person.api.post("/organizations", json={"name": "Own"})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert "CREWHALL_FOUNDERS" in refused.json()["detail"]
        assert all(one["name"] != "Own" for one in (await person.api.get("/organizations")).json()["items"])
    assert (await org.owner.api.post("/organizations", json={"name": "Second"})).status_code == 201
    let_everyone(hall, monkeypatch)
    assert (await person.api.post("/organizations", json={"name": "Own"})).status_code == 201


async def test_a_further_organization_has_a_guide_and_a_scribe_too_that_go_with_it(server: Server):
    org = await server.make_org()
    made = (await org.owner.api.post("/organizations", json={"name": "Second"})).raise_for_status().json()
    there = await org.owner.api.get("/agents", headers={"x-crewhall-org": made["slug"]})
    assert {agent["code"] for agent in there.raise_for_status().json()["items"]} == {"guide", "librarian", "scribe"}
    url = f"/organizations/{made['id']}?confirm={made['slug']}"
    within = {"x-crewhall-org": made["slug"]}
    mira = (await org.owner.api.post("/agents", json={"name": "Mira"}, headers=within)).raise_for_status().json()
    refused = await org.owner.api.delete(url)
    assert (refused.status_code, "agents of its own" in refused.json()["detail"]) == (409, True)
    kept = (await org.owner.api.get("/agents", headers=within)).json()["items"]
    expected = {"guide", "librarian", "scribe", "mira"}
    assert {agent["code"] for agent in kept} == expected, "what is refused deletes nobody"
    (await org.owner.api.delete(f"/agents/{mira['id']}", headers=within)).raise_for_status()
    assert (await org.owner.api.delete(url)).status_code == 204


@pytest.mark.usefixtures("anybody")
async def test_whoever_makes_an_organization_owns_it(hall: Hall, monkeypatch: pytest.MonkeyPatch):
    told: list[OrganizationCreated] = []

    async def listen(_tx: Tx, _actor: Actor, event: OrganizationCreated) -> None:
        told.append(event)

    monkeypatch.setitem(events._handlers, OrganizationCreated, [listen])
    person = await hall.make_person()
    first = await person.api.post("/organizations", json={"name": "Blue Sky Ltd."})
    assert first.status_code == 201
    assert first.json()["role"] == "owner"
    assert first.json()["slug"].startswith("blue-sky-ltd")
    second = (await person.api.post("/organizations", json={"name": "Blue Sky Ltd."})).json()
    assert second["slug"] != first.json()["slug"]
    assert [str(event.org_id) for event in told] == [first.json()["id"], second["id"]]
    assert told[0].owner_id == person.id

    listed = (await person.api.get("/organizations")).json()["items"]
    assert {one["id"] for one in listed} == {first.json()["id"], second["id"]}
    in_it = {"x-crewhall-org": second["slug"]}
    assert [one["id"] for one in (await person.api.get("/people", headers=in_it)).json()["items"]] == [str(person.id)]


@pytest.mark.usefixtures("anybody")
async def test_organizations_come_in_pages(hall: Hall):
    person = await hall.make_person()
    made = [(await person.api.post("/organizations", json={"name": f"Page {n}"})).json()["id"] for n in range(3)]
    first = (await person.api.get("/organizations", params={"limit": 2})).json()
    rest = (await person.api.get("/organizations", params={"limit": 2, "after": first["next"]})).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == made
    assert rest["next"] is None
    for limit in (0, 201):
        assert (await person.api.get("/organizations", params={"limit": limit})).status_code == 422


@pytest.mark.usefixtures("anybody")
@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": " "},
        {"name": "x", "slug": "Not Good"},
        {"name": "x", "slug": "a\n"},
        {"name": "x", "slug": str(uuid4())},
        {"name": "x", "plan": "enterprise"},
        {"name": "a\0b"},
    ],
)
async def test_what_an_organization_cannot_be_is_refused(hall: Hall, body: dict[str, str]):
    person = await hall.make_person()
    assert (await person.api.post("/organizations", json=body)).status_code in {400, 422}
    assert (await person.api.get("/organizations")).json()["items"] == []


async def test_slugs_are_unique(hall: Hall):
    org, other = await hall.make_org(), await hall.make_org()
    taken = await other.owner.api.patch(f"/organizations/{other.id}", json={"slug": org.slug})
    assert (taken.status_code, taken.json()["field"]) == (409, "slug")
    twice = await other.owner.api.post("/organizations", json={"name": "x", "slug": org.slug})
    assert (twice.status_code, twice.json()["field"]) == (409, "slug")


async def test_an_admin_changes_the_organization_in_part(hall: Hall):
    org = await hall.make_org()
    admin = await org.add("admin")
    change = {
        "name": "Renamed",
        "description": "What we do",
        "search_language": "german",
        "settings": {"wiki_categories": ["How-to"]},
    }
    changed = await admin.api.patch(f"/organizations/{org.id}", json=change)
    assert changed.status_code == 200
    assert {key: changed.json()[key] for key in change} == change
    assert changed.json()["slug"] == org.slug
    cleared = (await admin.api.patch(f"/organizations/{org.id}", json={"description": None})).json()
    assert (cleared["description"], cleared["name"]) == (None, "Renamed")
    for bad in ({"search_language": "klingon"}, {"settings": {"unknown": 1}}, {"plan": "x"}, {"name": None}):
        assert (await admin.api.patch(f"/organizations/{org.id}", json=bad)).status_code in {400, 422}


async def test_an_organization_with_agents_is_not_deleted(hall: Hall):
    org = await hall.make_org()
    agent = await hall.make_agent(org)
    url = f"/organizations/{org.id}?confirm={org.slug}"
    refused = await org.owner.api.delete(url)
    assert (refused.status_code, refused.json()["field"]) == (409, "agents")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        async with hall.db.transaction(org.owner.actor) as tx:
            await tx.run("update organizations set deleted_at = now() where id = %(id)s", {"id": org.id})
    async with hall.db.transaction(org.owner.actor) as tx:
        await tx.run("update agents set deleted_at = now() where id = %(id)s", {"id": agent.id})
    assert (await org.owner.api.delete(url)).status_code == 204


async def test_deleting_needs_the_slug_and_ends_everybodys_access(hall: Hall):
    org = await hall.make_org()
    member = await org.add("member")
    token = (await org.owner.api.post("/invitations", json={})).json()["token"]
    for confirm in ("", "?confirm=", "?confirm=wrong"):
        assert (await org.owner.api.delete(f"/organizations/{org.id}{confirm}")).status_code == 409
    assert (await member.api.get("/people")).status_code == 200
    assert (await org.owner.api.delete(f"/organizations/{org.id}?confirm={org.slug}")).status_code == 204
    for person in (org.owner, member):
        assert (await person.api.get("/people")).status_code == 409
        assert (await person.api.get("/people", headers={"x-crewhall-org": org.slug})).status_code == 403
        assert (await person.api.get(f"/organizations/{org.id}")).status_code == 404
        assert (await person.api.get("/organizations")).json()["items"] == []
    gone = await hall.client().post("/invitations/accept", json={"token": token})
    assert gone.status_code == 410
    again = await org.owner.api.post("/organizations", json={"name": "x", "slug": org.slug})
    assert again.status_code == 201, "the slug is free again"


@pytest.mark.usefixtures("anybody")
async def test_new_organizations_are_throttled(hall: Hall):
    person = await hall.make_person()
    statuses = [
        (await person.api.post("/organizations", json={"name": f"Many {number}"})).status_code for number in range(21)
    ]
    assert statuses == [201] * 20 + [429]
