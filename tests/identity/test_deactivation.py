"""A deactivated person is out at once, with all that acts for them, and comes back to what they had."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.identity.hall import Hall, Member, Org
from tests.support.server import Server, token_of, until_closed
from tests.support.waiting import until

pytestmark = pytest.mark.rule("E1")


async def deactivate(asking: Member, person: Member) -> int:
    return (await asking.api.put(f"/people/{person.id}/deactivation")).status_code


async def reactivate(asking: Member, person: Member) -> int:
    return (await asking.api.delete(f"/people/{person.id}/deactivation")).status_code


async def listed(org: Org, **query: str) -> list[str]:
    found = (await org.owner.api.get("/people", params=query)).raise_for_status().json()["items"]
    return [person["id"] for person in found]


async def test_their_logins_and_tokens_end_here_and_not_elsewhere(hall: Hall):
    org, other = await hall.make_org(), await hall.make_org()
    member = await org.add()
    browser, _ = await hall.browse(member)
    elsewhere = await other.add("member", member)
    made = (await member.api.post("/me/tokens", json={"name": "for a program"})).raise_for_status().json()
    program = hall.client(made["token"])
    inside = (member.api, browser, program)
    assert [(await api.get("/people")).status_code for api in inside] == [200, 200, 200]
    assert await deactivate(org.owner, member) == 200
    assert [(await api.get("/people")).status_code for api in inside] == [401, 401, 401]
    assert (await elsewhere.api.get("/people")).status_code == 200
    assert (await elsewhere.api.get("/people", headers={"x-crewhall-org": org.slug})).status_code == 403
    back = await hall.sign_in(member)
    assert (await back.api.get("/people")).json().get("code") != "forbidden", (
        "they are asked to choose, or are elsewhere"
    )
    with pytest.raises(Exception, match="no such organization"):
        await hall.sign_in(member, org.id)


async def test_who_deactivates_whom(hall: Hall):
    org, other = await hall.make_org(), await hall.make_org()
    admin, second, member = await org.add("admin"), await org.add("admin"), await org.add()
    assert await deactivate(member, admin) == 403
    assert await deactivate(admin, second) == 403
    assert await deactivate(admin, org.owner) == 409
    assert await deactivate(org.owner, org.owner) == 409
    assert await deactivate(other.owner, member) == 404
    assert await deactivate(admin, member) == 200
    assert await deactivate(admin, member) == 404
    assert await deactivate(org.owner, second) == 200
    assert await reactivate(admin, second) == 403
    assert await reactivate(other.owner, member) == 404
    assert (await other.owner.api.get("/people", params={"status": "deactivated"})).json()["items"] == []
    assert await reactivate(org.owner, second) == 200
    assert (await org.owner.api.get(f"/people/{second.id}")).json()["role"] == "admin"


async def test_they_are_listed_apart_and_come_back_as_they_were(hall: Hall):
    org = await hall.make_org()
    member, other = await org.add(who=await hall.make_person(name="Grace Hopper")), await org.add()
    joined = (await org.owner.api.get(f"/people/{member.id}")).json()["joined_at"]
    assert await deactivate(org.owner, member) == 200
    assert str(member.id) not in await listed(org)
    assert await listed(org, status="deactivated", q="hopper", role="member") == [str(member.id)]
    assert await listed(org, status="deactivated", q="nobody") == []
    assert (await other.api.get("/people", params={"status": "deactivated"})).status_code == 403
    assert await reactivate(org.owner, member) == 200
    assert (await org.owner.api.get(f"/people/{member.id}")).json()["joined_at"] == joined
    assert await listed(org, status="deactivated") == []
    assert (await (await hall.sign_in(member, org.id)).api.get("/people")).status_code == 200
    assert (await member.api.get("/people")).status_code == 401, "what was ended stays ended"


async def test_no_link_leads_them_back(hall: Hall):
    org = await hall.make_org()
    admin, member = await org.add("admin"), await org.add()
    link = (await admin.api.post("/invitations", json={})).json()["token"]
    assert await deactivate(org.owner, member) == 200
    outside = await hall.sign_in(member)
    refused = await outside.api.post("/invitations/accept", json={"token": link})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert "deactivated" in refused.json()["detail"]
    assert await deactivate(org.owner, admin) == 200
    stranger = await hall.make_person()
    assert (await stranger.api.post("/invitations/accept", json={"token": link})).status_code == 410


async def test_a_deactivated_person_is_removed_for_good(hall: Hall):
    org = await hall.make_org()
    member = await org.add()
    assert await deactivate(org.owner, member) == 200
    assert (await org.owner.api.delete(f"/people/{member.id}")).status_code == 204
    assert await reactivate(org.owner, member) == 404
    assert (await org.owner.api.delete(f"/people/{member.id}")).status_code == 404
    link = (await org.owner.api.post("/invitations", json={})).json()["token"]
    outside = await hall.sign_in(member)
    assert (await outside.api.post("/invitations/accept", json={"token": link})).status_code == 201


async def test_two_admins_at_once(hall: Hall):
    org = await hall.make_org()
    admin, member = await org.add("admin"), await org.add()
    answers = await asyncio.gather(deactivate(admin, member), deactivate(org.owner, member))
    assert sorted(answers) == [200, 404]
    answers = await asyncio.gather(reactivate(admin, member), reactivate(org.owner, member))
    assert sorted(answers) == [200, 404]


@pytest.mark.rule("A5", "E1", "X11")
async def test_their_sockets_and_agents_end_at_once_and_their_places_come_back(server: Server):
    org = await server.make_org()
    person = await org.add()
    agent = await server.hire(org, f"theirs-{uuid4().hex[:6]}", owner_user_id=str(person.id))
    kept = await server.hire(org)
    channel = await server.channel(org.owner, type="private", name=f"p-{uuid4().hex[:8]}")
    added = {"member_type": "user", "member_id": str(person.id)}
    (await org.owner.api.post(f"/conversations/{channel}/members", json=added)).raise_for_status()
    assert (await agent.api.get("/me")).status_code == 200
    async with server.live(token_of(person.api)) as socket, server.live(agent.key) as theirs:
        assert await deactivate(org.owner, person) == 200
        for one in (socket, theirs):
            assert (await until_closed(one)).code == 4401
    assert (await agent.api.get("/me")).status_code == 401
    assert (await kept.api.get("/me")).status_code == 200
    assert (await org.owner.api.get(f"/agents/{agent.id}")).json()["status"] == "inactive"
    members = (await org.owner.api.get(f"/conversations/{channel}/members")).json()["items"]
    assert str(person.id) not in {one["member_id"] for one in members}
    assert await reactivate(org.owner, person) == 200
    assert (await agent.api.get("/me")).status_code == 200
    back = await server.sign_in(person, org.id)
    assert (await back.api.get(f"/conversations/{channel}")).json()["is_member"] is True


@pytest.mark.rule("X11", "C12")
async def test_what_is_under_way_for_them_is_canceled(server: Server):
    """Turns of their own agents, and those in which another agent acts for them; what others asked for goes on."""
    org = await server.make_org()
    person, other = await org.add(), await org.add()
    theirs = await server.hire(org, owner_user_id=str(person.id))
    shared = [await server.hire(org) for _ in range(2)]
    general = await server.general(org)
    asked = ((org.owner, theirs), (person, shared[0]), (other, shared[1]))
    for author, agent in asked:
        body = {"content": f"@{agent.code}?"}
        (await author.api.post(f"/conversations/{general}/messages", json=body)).raise_for_status()

    async def all_ended() -> list[dict[str, Any]] | None:
        runs = (await org.owner.api.get("/runs?status=succeeded")).raise_for_status().json()["items"]
        return runs if len(runs) == len(asked) else None

    of_agent = {run["agent"]["id"]: run["id"] for run in await until(all_ended)}
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run("update runs set status = 'waiting', completed_at = null where org_id = %(org)s", {"org": org.id})
    assert await deactivate(org.owner, person) == 200
    found = [(await org.owner.api.get(f"/runs/{of_agent[agent.id]}")).json()["status"] for _, agent in asked]
    assert found == ["canceled", "canceled", "waiting"]
