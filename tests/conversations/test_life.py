import pytest

from tests.conversations.ways import direct, group, post, show


async def test_who_may_change_a_conversation(server, org):
    member, agent = await org.add(), await server.hire(org)
    channel = await server.channel(member)
    for allowed in (member, org.owner, await org.add("admin")):
        changed = await allowed.api.patch(f"/conversations/{channel}", json={"description": f"by {allowed.id}"})
        assert changed.json()["description"] == f"by {allowed.id}"
    for refused in (await org.add(), agent):
        answer = await refused.api.patch(f"/conversations/{channel}", json={"description": "x"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_an_archived_conversation_is_read_only_until_restored(server, org):
    channel = await server.channel(org.owner)
    message = await post(org.owner, channel)
    base = f"/conversations/{channel}"
    assert (await org.owner.api.put(base + "/archive")).json()["status"] == "archived"
    assert (await org.owner.api.put(base + "/archive")).status_code == 200
    for method, path, body in (
        ("POST", "/messages", {"content": "x"}), ("PATCH", f"/messages/{message['id']}", {"content": "x"}),
        ("DELETE", f"/messages/{message['id']}", None), ("PUT", f"/messages/{message['id']}/pin", None),
        ("PUT", f"/messages/{message['id']}/reactions/👍", None), ("PATCH", "", {"description": "x"}),
    ):  # fmt: skip
        answer = await org.owner.api.request(method, base + path, json=body)
        assert answer.status_code == 409, (method, path, answer.text)
    assert (await org.owner.api.get(f"{base}/messages")).json()["items"][0]["id"] == message["id"]
    listed = (await org.owner.api.get("/conversations")).json()["items"]
    archived = (await org.owner.api.get("/conversations", params={"status": "archived"})).json()["items"]
    assert channel not in {item["id"] for item in listed}
    assert [item["id"] for item in archived] == [channel]
    assert (await org.owner.api.delete(base + "/archive")).json()["status"] == "active"
    assert (await post(org.owner, channel))["seq"] > message["seq"]


@pytest.mark.rule("A3")
async def test_a_conversation_is_deleted_with_its_topic_once_its_name_is_typed(server, org):
    channel = await server.channel(org.owner, name="doomed")
    path = f"/conversations/{channel}"
    assert (await org.owner.api.request("DELETE", path, json={"confirm": "domed"})).status_code == 422
    assert (await org.owner.api.request("DELETE", path, json={"confirm": "doomed"})).status_code == 204
    assert (await org.owner.api.get(path)).status_code == 404
    assert (await org.owner.api.post(f"{path}/messages", json={"content": "x"})).status_code == 404
    async with server.db.transaction(org.owner.actor) as tx:
        state = await tx.value("select topic_state from conversations where id = %(id)s", {"id": channel})
        is_open = await tx.value(
            "select is_open from conversation_heads where conversation_id = %(id)s", {"id": channel}
        )
    assert (state, is_open) == ("retiring", False)


async def test_a_conversation_is_deleted_without_a_body_too(server, org, other_org):
    channel = await server.channel(org.owner, name="bodiless")
    path = f"/conversations/{channel}"
    for stranger in (other_org.owner, await server.hire(other_org)):
        assert (await stranger.api.delete(path)).status_code == 404, "access comes before the body"
    for params in ({}, {"confirm": ""}, {"confirm": "bodyless"}):
        refused = await org.owner.api.delete(path, params=params)
        assert (refused.status_code, refused.json()["field"]) == (422, "confirm"), refused.text
    assert (await org.owner.api.delete(path, params={"confirm": "bodiless"})).status_code == 204
    nameless = f"/conversations/{await group(org.owner, title='Both')}"
    both = await org.owner.api.request("DELETE", nameless, params={"confirm": "x"}, json={"confirm": "Both"})
    assert both.status_code == 204, "the body wins"


async def test_system_channels_cannot_be_changed(org):
    listed = (await org.owner.api.get("/conversations", params={"q": "audit"})).json()["items"]
    path = f"/conversations/{listed[0]['id']}"
    assert (await org.owner.api.patch(path, json={"name": "other"})).status_code == 403
    assert (await org.owner.api.put(path + "/archive")).status_code == 403
    assert (await org.owner.api.request("DELETE", path, json={"confirm": "audit"})).status_code == 403
    assert (await org.owner.api.post(path + "/join")).status_code == 409


@pytest.mark.rule("C10")
async def test_administrative_acts_are_in_the_audit_log(server, org):
    member = await org.add()
    circle = await group(org.owner)
    path = f"/conversations/{circle}"
    body = {"member_type": "user", "member_id": str(member.id)}
    (await org.owner.api.post(f"{path}/members", json=body)).raise_for_status()
    (await org.owner.api.delete(f"{path}/members/user/{member.id}")).raise_for_status()
    (await org.owner.api.patch(path, json={"title": "Other"})).raise_for_status()
    (await org.owner.api.put(f"{path}/archive")).raise_for_status()
    (await org.owner.api.delete(f"{path}/archive")).raise_for_status()
    (await org.owner.api.request("DELETE", path, json={"confirm": "Other"})).raise_for_status()
    entries = (await org.owner.api.get("/audit", params={"limit": 50})).json()["items"]
    acts = [entry["action"] for entry in reversed(entries) if entry["resource_id"] == circle]
    assert acts == [
        "conversation.created", "conversation.member_added", "conversation.member_removed", "conversation.changed",
        "conversation.archived", "conversation.restored", "conversation.deleted",
    ]  # fmt: skip
    assert {entry["actor_id"] for entry in entries if entry["resource_id"] == circle} == {str(org.owner.id)}


@pytest.mark.rule("A2")
async def test_an_agents_topic_lives_as_long_as_the_agent(server, org):
    agent = await server.hire(org)
    inbox = await show(agent, agent.inbox_id)
    shown = (await org.owner.api.get(f"/agents/{agent.id}")).json()
    assert (inbox["kind"], inbox["type"], inbox["owner"]) == ("agent", "private", {"type": "agent", "id": agent.id})
    assert shown["topic"] == inbox["topic"]
    assert (await org.owner.api.get(f"/conversations/{agent.inbox_id}")).status_code == 404
    assert (await agent.api.post(f"/conversations/{agent.inbox_id}/messages", json={"content": "x"})).status_code == 403
    assert (await agent.api.patch(f"/conversations/{agent.inbox_id}", json={"title": "x"})).status_code == 403
    general = await server.general(org)
    (await org.owner.api.delete(f"/agents/{agent.id}")).raise_for_status()
    async with server.db.transaction(org.owner.actor) as tx:
        state = await tx.value("select topic_state from conversations where id = %(id)s", {"id": agent.inbox_id})
        is_open = await tx.value(
            "select is_open from conversation_heads where conversation_id = %(id)s", {"id": agent.inbox_id}
        )
    assert (state, is_open) == ("retiring", False)
    members = (await org.owner.api.get(f"/conversations/{general}/members")).json()["items"]
    assert agent.id not in {member["member_id"] for member in members}


@pytest.mark.rule("A2")
async def test_a_terminated_agents_topic_retires(server, org):
    agent = await server.hire(org)
    (await org.owner.api.patch(f"/agents/{agent.id}", json={"status": "terminated"})).raise_for_status()
    async with server.db.transaction(org.owner.actor) as tx:
        status = await tx.value("select status from conversations where id = %(id)s", {"id": agent.inbox_id})
    assert status == "archived"
    member = await org.add()
    body = {"kind": "direct", "members": [{"member_type": "agent", "member_id": agent.id}]}
    assert (await member.api.post("/conversations", json=body)).status_code == 422


@pytest.mark.rule("B2")
async def test_hidden_agents_join_nothing_by_themselves(server, org):
    hidden, public = await server.hire(org, visibility="hidden"), await server.hire(org)
    general = await server.general(org)
    members = (await org.owner.api.get(f"/conversations/{general}/members")).json()["items"]
    ids = {member["member_id"] for member in members}
    assert public.id in ids
    assert hidden.id not in ids


async def test_opening_an_archived_direct_conversation_restores_it(server, org):
    friend = await org.add()
    talk = await direct(org.owner, friend)
    (await org.owner.api.put(f"/conversations/{talk}/archive")).raise_for_status()
    assert (await friend.api.post(f"/conversations/{talk}/messages", json={"content": "x"})).status_code == 409
    assert await direct(friend, org.owner) == talk
    await post(friend, talk)


async def test_a_deleted_direct_conversation_is_opened_anew(server, org):
    agent = await server.hire(org)
    first = await direct(org.owner, agent)
    (await org.owner.api.request("DELETE", f"/conversations/{first}", json={"confirm": ""})).raise_for_status()
    assert await direct(org.owner, agent) != first
