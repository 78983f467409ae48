"""The people of an organization: who sees them, who changes their roles, who removes them."""

from uuid import uuid4

import pytest

from crewhall.identity import find_people, find_people_by_handles
from crewhall.identity.events import MemberLeft, MemberRoleChanged
from crewhall.kernel import events
from crewhall.kernel.actor import Actor, Role
from crewhall.kernel.db import Tx
from tests.identity.hall import Hall, Member, Org


async def roles(org: Org, asking: Member) -> dict[str, str]:
    items = (await asking.api.get("/people")).json()["items"]
    return {person["id"]: person["role"] for person in items}


async def test_members_see_each_other_with_roles(hall: Hall):
    org = await hall.make_org()
    admin, member = await org.add("admin"), await org.add("member")
    expected = {str(org.owner.id): "owner", str(admin.id): "admin", str(member.id): "member"}
    assert await roles(org, member) == expected
    one = (await member.api.get(f"/people/{admin.id}")).json()
    assert (one["email"], one["role"]) == (admin.email, "admin")
    assert (await member.api.get(f"/people/{uuid4()}")).status_code == 404


async def test_people_are_searched_and_paged(hall: Hall):
    org = await hall.make_org()
    for name in ("Grace Hopper", "Alan 50% Turing", "Alan Kay"):
        await org.add("member", await hall.make_person(name=name))
    api = org.owner.api
    assert [one["name"] for one in (await api.get("/people", params={"q": "alan"})).json()["items"]] == [
        "Alan 50% Turing", "Alan Kay",
    ]  # fmt: skip
    assert [one["name"] for one in (await api.get("/people", params={"q": "50%"})).json()["items"]] == [
        "Alan 50% Turing"
    ]
    names, after = [], None
    while True:
        page = (await api.get("/people", params={"limit": 1, **({"after": after} if after else {})})).json()
        names += [one["name"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert names == ["Ada Lovelace", "Alan 50% Turing", "Alan Kay", "Grace Hopper"]


async def test_other_domains_find_members_by_handle_and_id(hall: Hall):
    org, foreign = await hall.make_org(), await hall.make_org()
    member = await org.add("member")
    async with hall.db.transaction(org.owner.actor) as tx:
        by_id = await find_people(tx, [member.id, foreign.owner.id, uuid4()])
        assert list(by_id) == [member.id]
        handle = by_id[member.id].handle
        assert list(await find_people_by_handles(tx, [handle, "nobody-at-all"])) == [handle]
        assert await find_people_by_handles(tx, []) == {}


async def test_the_owner_appoints_and_demotes_admins(hall: Hall, monkeypatch: pytest.MonkeyPatch):
    told: list[MemberRoleChanged] = []

    async def listen(_tx: Tx, _actor: Actor, event: MemberRoleChanged) -> None:
        told.append(event)

    monkeypatch.setitem(events._handlers, MemberRoleChanged, [listen])
    org = await hall.make_org()
    member = await org.add("member")
    assert (await member.api.get("/invitations")).status_code == 403
    promoted = await org.owner.api.patch(f"/people/{member.id}", json={"role": "admin"})
    assert promoted.json()["role"] == "admin"
    assert (await member.api.get("/invitations")).status_code == 200, "a known token has the new role at once"
    assert (await org.owner.api.patch(f"/people/{member.id}", json={"role": "admin"})).status_code == 200
    assert (await org.owner.api.patch(f"/people/{member.id}", json={"role": "member"})).status_code == 200
    assert (await member.api.get("/invitations")).status_code == 403
    assert [(event.old, event.new) for event in told] == [(Role.MEMBER, Role.ADMIN), (Role.ADMIN, Role.MEMBER)]
    for bad in ("chief", "", None, "agent"):
        assert (await org.owner.api.patch(f"/people/{member.id}", json={"role": bad})).status_code in {400, 422}


async def test_a_removed_person_is_out_at_once(hall: Hall, monkeypatch: pytest.MonkeyPatch):
    told: list[MemberLeft] = []

    async def listen(_tx: Tx, _actor: Actor, event: MemberLeft) -> None:
        told.append(event)

    monkeypatch.setitem(events._handlers, MemberLeft, [listen])
    org, other = await hall.make_org(), await hall.make_org()
    admin = await org.add("admin")
    member = await org.add("member")
    elsewhere = await other.add("member", member)
    browser, _ = await hall.browse(member)
    assert (await member.api.get("/people")).status_code == 200
    assert (await elsewhere.api.get("/people", headers={"x-crewhall-org": org.slug})).status_code == 200

    assert (await admin.api.delete(f"/people/{member.id}")).status_code == 204
    assert (await member.api.get("/people")).status_code == 401
    assert (await elsewhere.api.get("/people", headers={"x-crewhall-org": org.slug})).status_code == 403
    assert (await elsewhere.api.get("/people")).status_code == 200, "the login in the other organization lives on"
    assert (await browser.get("/people", headers={"x-crewhall-org": org.slug})).status_code in {401, 403}
    assert str(member.id) not in await roles(org, admin)
    assert (await admin.api.delete(f"/people/{member.id}")).status_code == 404
    assert [(event.org_id, event.user_id) for event in told] == [(org.id, member.id)]


async def test_who_removes_whom(hall: Hall):
    org = await hall.make_org()
    admin, second, member = await org.add("admin"), await org.add("admin"), await org.add("member")
    assert (await admin.api.delete(f"/people/{second.id}")).status_code == 403
    assert (await admin.api.delete(f"/people/{org.owner.id}")).status_code == 409
    assert (await member.api.delete(f"/people/{admin.id}")).status_code == 403
    assert (await org.owner.api.delete(f"/people/{org.owner.id}")).status_code == 409
    assert len(await roles(org, member)) == 4
    assert (await org.owner.api.delete(f"/people/{second.id}")).status_code == 204
    assert (await member.api.delete(f"/people/{member.id}")).status_code == 204, "everybody else may leave"
    assert (await admin.api.delete(f"/people/{admin.id}")).status_code == 204
    assert await roles(org, org.owner) == {str(org.owner.id): "owner"}


async def test_whoever_leaves_takes_the_links_they_made_along(hall: Hall):
    org = await hall.make_org()
    admin = await org.add("admin")
    link = (await admin.api.post("/invitations", json={})).json()
    assert (await org.owner.api.delete(f"/people/{admin.id}")).status_code == 204
    outsider = await hall.make_person()
    assert (await outsider.api.post("/invitations/accept", json={"token": link["token"]})).status_code == 410


async def test_who_was_here_is_online(hall: Hall):
    """Their login in this organization was used within minutes; elsewhere they are not seen."""
    org = await hall.make_org()
    member, away = await org.add(), await org.add()
    async with hall.db.transaction(away.actor) as tx:
        await tx.run("update logins set last_seen_at = now() - interval '6 minutes' where user_id = current_actor()")
    listed = (await org.owner.api.get("/people")).raise_for_status().json()["items"]
    presence = {person["id"]: person["presence"] for person in listed}
    assert (presence[str(member.id)], presence[str(away.id)]) == ("online", "offline")
    async with hall.db.transaction(member.actor) as tx:
        await tx.run("update logins set revoked_at = now() where user_id = current_actor()")
    shown = (await org.owner.api.get(f"/people/{member.id}")).raise_for_status().json()
    assert shown["presence"] == "offline"
