import asyncio
from uuid import uuid4

import pytest

from tests.conversations.ways import as_member, direct, group, join, post, show


@pytest.mark.rule("C3")
async def test_a_group_is_invisible_to_who_is_no_member(server, org, other_org):
    friend, outsider, agent = await org.add(), await org.add("admin"), await server.hire(org)
    circle = await group(org.owner, friend)
    message = await post(friend, circle)
    for stranger in (outsider, agent, other_org.owner):
        base = f"/conversations/{circle}"
        for method, path, body in (
            ("GET", "", None), ("PATCH", "", {"title": "x"}), ("DELETE", "", {"confirm": "Circle"}),
            ("GET", "/members", None), ("POST", "/members", as_member(stranger)), ("POST", "/join", None),
            ("POST", "/leave", None), ("DELETE", f"/members/user/{friend.id}", None), ("POST", "/read", {"seq": 1}),
            ("PUT", "/archive", None), ("DELETE", "/archive", None), ("GET", "/messages", None),
            ("POST", "/messages", {"content": "x"}), ("GET", f"/messages/{message['id']}", None),
            ("PATCH", f"/messages/{message['id']}", {"content": "x"}), ("DELETE", f"/messages/{message['id']}", None),
            ("GET", f"/messages/{message['id']}/history", None), ("PUT", f"/messages/{message['id']}/pin", None),
            ("PUT", f"/messages/{message['id']}/reactions/👍", None),
        ):  # fmt: skip
            answer = await stranger.api.request(method, base + path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, path)
        listed = (await stranger.api.get("/conversations")).json()["items"]
        assert circle not in {item["id"] for item in listed}
    assert (await show(friend, circle))["title"] == "Circle"


@pytest.mark.rule("A6")
async def test_a_conversation_is_handed_to_another_of_its_members(server, org, other_org):
    ada, bob, agent, outsider = await org.add(), await org.add(), await server.hire(org), await org.add()
    circle = await group(ada, bob, agent)
    url = f"/conversations/{circle}/owner"

    async def handed(by, to, at=url):
        return (await by.api.put(at, json=as_member(to))).status_code

    assert [await handed(bob, bob), await handed(outsider, bob), await handed(other_org.owner, bob)] == [403, 404, 404]
    assert [await handed(ada, outsider), await handed(ada, other_org.owner)] == [409, 409], "members alone"
    assert [await handed(ada, ada), await handed(ada, bob), await handed(ada, bob)] == [200, 200, 403]
    members = (await ada.api.get(f"/conversations/{circle}/members")).json()["items"]
    assert {one["member_id"]: one["role"] for one in members} == {
        str(ada.id): "member", str(bob.id): "owner", agent.id: "member",
    }  # fmt: skip
    assert (await ada.api.patch(f"/conversations/{circle}", json={"title": "mine"})).status_code == 403
    assert (await bob.api.patch(f"/conversations/{circle}", json={"title": "ours"})).status_code == 200
    assert [await handed(bob, agent), await handed(agent, ada)] == [200, 200], "an agent owns as well"
    (await org.owner.api.patch(f"/agents/{agent.id}", json={"status": "inactive"})).raise_for_status()
    assert await handed(ada, agent) == 409, "nobody would be there to hand it on"
    (await org.owner.api.patch(f"/agents/{agent.id}", json={"status": "active"})).raise_for_status()
    session = await direct(ada, agent)
    assert await handed(ada, agent, f"/conversations/{session}/owner") == 409
    (await ada.api.put(f"/conversations/{circle}/archive")).raise_for_status()
    assert await handed(ada, bob) == 409


async def test_of_two_that_are_handed_it_at_once_one_is_given_it(server, org):
    ada, bob, eve = await org.add(), await org.add(), await org.add()
    circle = await group(ada, bob, eve)
    answers = await asyncio.gather(
        *(ada.api.put(f"/conversations/{circle}/owner", json=as_member(one)) for one in (bob, eve))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 403]


@pytest.mark.rule("C3")
async def test_every_member_row_says_who_added_it(server, org):
    friend, late, agent = await org.add(), await org.add(), await server.hire(org)
    circle = await group(org.owner, friend)
    for added in (late, agent):
        assert (await friend.api.post(f"/conversations/{circle}/members", json=as_member(added))).status_code == 201
    again = await org.owner.api.post(f"/conversations/{circle}/members", json=as_member(late))
    assert again.status_code == 200
    members = (await agent.api.get(f"/conversations/{circle}/members")).json()["items"]
    added_by = {member["member_id"]: member["added_by"] and member["added_by"]["id"] for member in members}
    assert added_by == {
        str(org.owner.id): None,
        str(friend.id): str(org.owner.id),
        str(late.id): str(friend.id),
        agent.id: str(friend.id),
    }
    assert {member["handle"] for member in members} >= {agent.code}


async def test_members_are_listed_page_by_page(server, org):
    people = [await org.add() for _ in range(4)]
    circle = await group(org.owner, *people)
    seen, after = [], {}
    while True:
        page = (await org.owner.api.get(f"/conversations/{circle}/members", params={"limit": 2, **after})).json()
        seen += [member["member_id"] for member in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert sorted(seen) == sorted(str(person.id) for person in [org.owner, *people])


@pytest.mark.rule("B1")
async def test_only_people_and_agents_of_the_organization_become_members(server, org, other_org):
    stranger, spy = other_org.owner, await server.hire(other_org)
    hidden = await server.hire(org, visibility="hidden")
    member = await org.add()
    circle = await group(member)
    for wrong in (as_member(stranger), as_member(spy), {"member_type": "user", "member_id": str(uuid4())}):
        assert (await member.api.post(f"/conversations/{circle}/members", json=wrong)).status_code == 422
        opened = await member.api.post("/conversations", json={"kind": "group", "title": "x", "members": [wrong]})
        assert opened.status_code == 422
    assert (await member.api.post(f"/conversations/{circle}/members", json=as_member(hidden))).status_code == 422
    system = {"member_type": "system", "member_id": str(uuid4())}
    assert (await member.api.post(f"/conversations/{circle}/members", json=system)).status_code in {400, 422}


async def test_who_may_remove_members(server, org):
    friend, other = await org.add(), await org.add()
    circle = await group(org.owner, friend, other)
    refused = await friend.api.delete(f"/conversations/{circle}/members/user/{other.id}")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await org.owner.api.delete(f"/conversations/{circle}/members/user/{other.id}")).status_code == 204
    assert (await org.owner.api.delete(f"/conversations/{circle}/members/user/{other.id}")).status_code == 404
    assert (await other.api.get(f"/conversations/{circle}")).status_code == 404
    assert (await friend.api.delete(f"/conversations/{circle}/members/user/{friend.id}")).status_code == 204


@pytest.mark.rule("A6")
async def test_what_a_leaver_owned_passes_to_the_longest_member_people_first(server, org):
    friend, agent = await org.add(), await server.hire(org)
    circle = await group(org.owner, agent)
    (await agent.api.post(f"/conversations/{circle}/members", json=as_member(friend))).raise_for_status()
    assert (await org.owner.api.post(f"/conversations/{circle}/leave")).status_code == 204
    assert (await show(friend, circle))["owner"] == {"type": "user", "id": str(friend.id)}
    assert (await friend.api.patch(f"/conversations/{circle}", json={"title": "New"})).status_code == 200


async def test_a_removed_member_cannot_post_from_the_next_moment_on(server, org):
    friend = await org.add()
    circle = await group(org.owner, friend)
    await post(friend, circle)
    (await org.owner.api.delete(f"/conversations/{circle}/members/user/{friend.id}")).raise_for_status()
    assert (await friend.api.post(f"/conversations/{circle}/messages", json={"content": "x"})).status_code == 404


@pytest.mark.rule("B6")
async def test_a_direct_conversation_is_opened_once(server, org):
    person, agent = await org.add(), await server.hire(org)
    first = await direct(person, agent)
    assert await direct(person, agent) == first
    assert await direct(agent, person) == first
    assert await direct(org.owner, agent) != first
    shown = await show(person, first)
    assert shown["partner"] == {"type": "agent", "id": agent.id, "name": agent.code, "handle": agent.code}
    assert (await show(agent, first))["partner"]["id"] == str(person.id)
    assert (await org.owner.api.get(f"/conversations/{first}")).status_code == 404


async def test_two_people_may_talk_directly_but_not_two_agents_or_oneself(server, org):
    ada, bob = await org.add(), await org.add()
    one, two = await server.hire(org), await server.hire(org)
    assert await direct(ada, bob) == await direct(bob, ada)
    for opener, members in ((one, [two]), (ada, [ada]), (ada, []), (ada, [bob, one])):
        body = {"kind": "direct", "members": [as_member(member) for member in members]}
        assert (await opener.api.post("/conversations", json=body)).status_code == 422
    fixed = await direct(ada, bob)
    assert (await ada.api.post(f"/conversations/{fixed}/members", json=as_member(one))).status_code == 409
    assert (await ada.api.post(f"/conversations/{fixed}/leave")).status_code == 409


async def test_what_each_kind_needs(org):
    for body in (
        {"kind": "group"}, {"kind": "group", "title": "  "}, {"kind": "group", "title": "x", "type": "public"},
        {"kind": "channel"}, {"kind": "agent", "title": "x"}, {"kind": "channel", "name": "x", "type": "system"},
        {"kind": "channel", "name": "x", "extra": 1}, {"kind": "channel", "name": "x", "description": "d" * 1025},
    ):  # fmt: skip
        assert (await org.owner.api.post("/conversations", json=body)).status_code in {400, 422}, body


@pytest.mark.rule("C3")
async def test_a_private_channel_made_of_a_public_one_keeps_its_members_alone(server, org):
    ada, bob = await org.add(), await org.add()
    channel = await server.channel(org.owner)
    (await ada.api.post(f"/conversations/{channel}/join")).raise_for_status()
    await post(bob, channel)
    assert (await bob.api.patch(f"/conversations/{channel}", json={"type": "private"})).status_code == 403
    (await org.owner.api.patch(f"/conversations/{channel}", json={"type": "private"})).raise_for_status()
    await post(ada, channel)
    assert (await bob.api.post(f"/conversations/{channel}/messages", json={"content": "x"})).status_code == 404
    assert (await bob.api.post(f"/conversations/{channel}/join")).status_code == 404
    (await org.owner.api.patch(f"/conversations/{channel}", json={"type": "public"})).raise_for_status()
    await post(bob, channel)


async def test_who_leaves_the_organization_leaves_its_conversations(server, org):
    ada = await join(server, org)
    circle, general = await group(org.owner, ada), await server.general(org)
    (await org.owner.api.delete(f"/people/{ada.id}")).raise_for_status()
    for conversation in (circle, general):
        members = (await org.owner.api.get(f"/conversations/{conversation}/members")).json()["items"]
        assert str(ada.id) not in {member["member_id"] for member in members}


@pytest.mark.rule("A6")
async def test_who_leaves_while_it_is_handed_over_leaves_one_owner(server, org):
    ada, bob, eve = await org.add(), await org.add(), await org.add()
    circles = [await group(ada, bob, eve) for _ in range(5)]
    for circle in circles:
        answers = await asyncio.gather(
            ada.api.put(f"/conversations/{circle}/owner", json=as_member(eve)),
            ada.api.post(f"/conversations/{circle}/leave"),
            bob.api.post(f"/conversations/{circle}/leave"),
        )
        assert all(answer.status_code in {200, 204, 403, 404, 409} for answer in answers), answers
        members = (await eve.api.get(f"/conversations/{circle}/members")).json()["items"]
        assert [(one["member_id"], one["role"]) for one in members] == [(str(eve.id), "owner")]
