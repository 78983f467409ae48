"""Who was deactivated comes back to what they were, by nobody's link, and to no more."""

import asyncio

import pytest

from crewhall.identity.deactivation import deactivate_member
from tests.conversations.ways import as_member, direct, group, post, show
from tests.identity.test_deactivation import deactivate, reactivate
from tests.support.server import Server


@pytest.mark.rule("B6", "A5")
async def test_who_read_along_comes_back_reading_along(server: Server):
    org = await server.make_org()
    ada, bob = await org.add(), await org.add()
    session = await direct(ada, await server.hire(org))
    await post(ada, session, "between us")
    (await ada.api.post(f"/conversations/{session}/members", json=as_member(bob))).raise_for_status()
    for person in (bob, ada):
        assert await deactivate(org.owner, person) == 200
        assert await reactivate(org.owner, person) == 200
    reader, person = await server.sign_in(bob, org.id), await server.sign_in(ada, org.id)
    assert ((await show(reader, session))["role"], (await show(person, session))["readers"]) == ("reader", 1)
    refused = await reader.api.post(f"/conversations/{session}/messages", json={"content": "me, too"})
    assert refused.status_code == 403
    assert (await person.api.patch(f"/conversations/{session}", json={"title": "still mine"})).status_code == 200
    assert (await person.api.delete(f"/conversations/{session}/members/user/{bob.id}")).status_code == 204


@pytest.mark.rule("C3", "B6")
async def test_who_is_taken_out_while_deactivated_does_not_come_back_to_it(server: Server):
    org = await server.make_org()
    ada, bob, eve = await org.add(), await org.add(), await org.add()
    circle = await group(ada, bob, eve)
    session = await direct(ada, await server.hire(org))
    (await ada.api.post(f"/conversations/{session}/members", json=as_member(bob))).raise_for_status()
    assert await deactivate(org.owner, bob) == 200
    gone = f"members/user/{bob.id}"
    assert (await eve.api.delete(f"/conversations/{circle}/{gone}")).status_code == 403
    assert (await eve.api.delete(f"/conversations/{session}/{gone}")).status_code == 404
    taken_out = [(await ada.api.delete(f"/conversations/{one}/{gone}")).status_code for one in (circle, session) * 2]
    assert taken_out == [204, 204, 404, 404]
    assert await reactivate(org.owner, bob) == 200
    back = await server.sign_in(bob, org.id)
    assert [(await back.api.get(f"/conversations/{one}")).status_code for one in (circle, session)] == [404, 404]
    assert (await show(ada, session))["readers"] == 0


@pytest.mark.rule("A5")
async def test_a_link_that_is_followed_while_one_is_deactivated_leads_nowhere(server: Server):
    org, other = await server.make_org(), await server.make_org()
    member = await org.add()
    link = (await org.owner.api.post("/invitations", json={"max_uses": 5})).json()["token"]
    elsewhere = await other.add("member", member)
    async with server.db.transaction(org.owner.actor) as tx:
        await deactivate_member(tx, org.owner.actor, member.id)
        following = asyncio.create_task(elsewhere.api.post("/invitations/accept", json={"token": link}))
        await asyncio.wait({following}, timeout=0.3)
    assert (await following).status_code in {403, 409}
    assert str(member.id) not in [one["id"] for one in (await org.owner.api.get("/people")).json()["items"]]
    assert await reactivate(org.owner, member) == 200


@pytest.mark.rule("D1")
async def test_a_link_that_was_sent_again_ends_with_who_sent_it(server: Server):
    org = await server.make_org()
    admin = await org.add("admin")
    made = (await org.owner.api.post("/invitations", json={})).json()["invitation"]["id"]
    again = (await admin.api.post(f"/invitations/{made}/resend")).json()["token"]
    (await org.owner.api.delete(f"/people/{admin.id}")).raise_for_status()
    outside = await server.sign_in(admin)
    assert (await outside.api.post("/invitations/accept", json={"token": again})).status_code in {403, 404, 410}
