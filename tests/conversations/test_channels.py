import pytest
from psycopg.errors import CheckViolation, UniqueViolation

from crewhall.ports.message_log import topic_of
from tests.conversations.ways import join


async def names(member, **params):
    found = (await member.api.get("/conversations", params=params)).raise_for_status().json()
    return {item["name"]: item for item in found["items"]}


async def changed(server, org, conversation, assignment, value):
    """Change a conversation past every face, as the application does; how many rows that were."""
    async with server.db.transaction(org.owner.actor) as tx:
        sql = f"update conversations set {assignment} where id = %(id)s"
        return (await tx.connection.execute(sql.encode(), {"id": conversation, "value": value})).rowcount


@pytest.mark.rule("E3")
async def test_an_organization_starts_with_its_channels(org):
    channels = await names(org.owner, kind="channel")
    assert set(channels) == {"general", "updates", "learnings", "alerts", "audit"}
    assert {name for name, channel in channels.items() if channel["is_default"]} == set(channels) - {"audit"}
    assert channels["audit"]["type"] == "system"
    assert all(channel["is_member"] for name, channel in channels.items() if name != "audit")


@pytest.mark.rule("E3")
async def test_who_joins_is_in_the_default_channels_and_sees_no_system_channel(server, org):
    member = await join(server, org)
    channels = await names(member)
    assert set(channels) == {"general", "updates", "learnings", "alerts"}
    assert all(channel["is_member"] for channel in channels.values())
    audit = (await names(org.owner))["audit"]["id"]
    assert (await member.api.get(f"/conversations/{audit}")).status_code == 404
    assert (await org.owner.api.post(f"/conversations/{audit}/messages", json={"content": "x"})).status_code == 403


@pytest.mark.rule("E3")
@pytest.mark.parametrize("name", ["General", "a b", "-a", "_a", "", "ä", "a" * 81, "a\n", "a.b"])
async def test_a_channel_name_that_breaks_the_rules_is_refused(org, name):
    refused = await org.owner.api.post("/conversations", json={"kind": "channel", "name": name})
    assert refused.status_code in {400, 422}, refused.text


@pytest.mark.rule("E3")
async def test_channel_names_are_unique_in_an_organization(org, other_org):
    body = {"kind": "channel", "name": "plans_2-x"}
    first = (await org.owner.api.post("/conversations", json=body)).raise_for_status().json()
    refused = await org.owner.api.post("/conversations", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert (await other_org.owner.api.post("/conversations", json=body)).status_code == 201
    renamed = await org.owner.api.post("/conversations", json={"kind": "channel", "name": "others"})
    renaming = f"/conversations/{renamed.json()['id']}"
    assert (await org.owner.api.patch(renaming, json={"name": "plans_2-x"})).status_code == 409
    deleting = f"/conversations/{first['id']}"
    (await org.owner.api.request("DELETE", deleting, json={"confirm": "plans_2-x"})).raise_for_status()
    assert (await org.owner.api.post("/conversations", json=body)).status_code == 201


@pytest.mark.rule("A3")
async def test_a_conversation_owns_its_topic(org):
    opened = (await org.owner.api.post("/conversations", json={"kind": "channel", "name": "topical"})).json()
    assert opened["topic"] == topic_of(opened["id"])
    assert len(opened["topic"]) <= 249


@pytest.mark.rule("A3")
async def test_a_topic_is_never_shared_chosen_or_too_long(server, org):
    first, second = await server.channel(org.owner), await server.channel(org.owner)
    for refused in (
        await org.owner.api.post("/conversations", json={"kind": "channel", "name": "chosen", "topic": "mine"}),
        await org.owner.api.patch(f"/conversations/{second}", json={"topic": topic_of(first)}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert await changed(server, org, second, "topic = %(value)s", "x" * 249) == 1
    for topic, error in (("x" * 250, CheckViolation), ("", CheckViolation), (topic_of(first), UniqueViolation)):
        with pytest.raises(error):
            await changed(server, org, second, "topic = %(value)s", topic)


@pytest.mark.rule("A6")
async def test_a_conversation_is_owned_by_a_person_or_an_agent(server, org):
    agent = await server.hire(org)
    by_person = (await org.owner.api.post("/conversations", json={"kind": "group", "title": "Ours"})).json()
    by_agent = (await agent.api.post("/conversations", json={"kind": "group", "title": "Mine"})).json()
    assert by_person["owner"] == {"type": "user", "id": str(org.owner.id)}
    assert by_agent["owner"] == {"type": "agent", "id": agent.id}


@pytest.mark.rule("A6")
async def test_a_conversation_has_one_owner_of_the_two_kinds(server, org):
    agent, channel = await server.hire(org), await server.channel(org.owner)
    to_agent = "owner_type = 'agent', owner_agent_id = %(value)s"
    assert await changed(server, org, channel, f"{to_agent}, owner_user_id = null", agent.id) == 1
    for assignment in (to_agent.replace("'agent'", "'user'"), "owner_agent_id = null", "owner_type = 'system'"):
        with pytest.raises(CheckViolation):
            await changed(server, org, channel, assignment, agent.id)
    body = {"kind": "group", "title": "Theirs", "owner": {"type": "system", "id": str(org.id)}}
    assert (await org.owner.api.post("/conversations", json=body)).status_code == 422


@pytest.mark.rule("E1")
async def test_who_may_open_channels(server, org):
    member, agent = await org.add(), await server.hire(org)
    assert (await member.api.post("/conversations", json={"kind": "channel", "name": "members"})).status_code == 201
    refused = await agent.api.post("/conversations", json={"kind": "channel", "name": "agents"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await server.client().post("/conversations", json={"kind": "channel", "name": "guest"})).status_code == 401


@pytest.mark.rule("B1")
async def test_people_and_agents_post_to_public_channels_without_joining(server, org, other_org):
    channel = await server.channel(org.owner)
    member, agent = await org.add(), await server.hire(org)
    for someone in (member, agent):
        assert (await someone.api.post(f"/conversations/{channel}/messages", json={"content": "hi"})).status_code == 201
        assert (await someone.api.get(f"/conversations/{channel}")).json()["is_member"] is False
    stranger = other_org.owner.api
    assert (await stranger.post(f"/conversations/{channel}/messages", json={"content": "hi"})).status_code == 404
    assert (await stranger.get(f"/conversations/{channel}")).status_code == 404


@pytest.mark.rule("C2")
async def test_the_agent_policy_is_stored_and_checked(server, org):
    channel = f"/conversations/{await server.channel(org.owner)}"
    default = {"auto_trigger": False, "multi_agent_enabled": True, "max_agent_rounds": 2, "agent_cooldown_seconds": 15}
    assert (await org.owner.api.get(channel)).json()["agent_policy"] == default
    changed = await org.owner.api.patch(channel, json={"agent_policy": {"max_agent_rounds": 0, "auto_trigger": True}})
    assert changed.json()["agent_policy"] == {**default, "max_agent_rounds": 0, "auto_trigger": True}
    for wrong in ({"max_agent_rounds": 21}, {"agent_cooldown_seconds": -1}, {"auto_trigger": "yes"}, {"other": 1}):
        assert (await org.owner.api.patch(channel, json={"agent_policy": wrong})).status_code in {400, 422}
    member = await org.add()
    assert (await member.api.patch(channel, json={"agent_policy": {"max_agent_rounds": 9}})).status_code == 403
