"""Each administrative act is told once in #audit, to owners and admins alone."""

import pytest

from crewhall.kernel import audit
from crewhall.kernel.actor import SYSTEM_ID
from tests.conversations.acts import acts_of, audit_of, client_ids, told
from tests.conversations.ways import caught_up, join
from tests.identity.hall import Org
from tests.live.test_socket import say
from tests.support.server import Server, frames_until, token_of

INVITED = "zebedee@example.org"


@pytest.mark.rule("E3", "C10")
async def test_every_act_is_told_once_in_words(server: Server, org: Org):
    agent = await server.hire(org, "scout")
    messages = await told(server, org)
    assert client_ids(messages) == await acts_of(org)
    last = messages[-1]
    assert last["content"] == "Ada Lovelace created a key for agent scout."
    assert last["html"] == "<p>Ada Lovelace created a key for agent scout.</p>"
    assert (last["kind"], last["role"], last["status"], last["mentions"]) == ("update", "system", "sent", [])
    assert last["author"] == {"type": "system", "id": str(SYSTEM_ID), "name": "Crewhall"}
    owner = {"type": "user", "id": str(org.owner.id), "name": "Ada Lovelace"}
    assert last["metadata"]["action"] == "agent.credential_created"
    assert last["metadata"]["actor"] == owner
    texts = [message["content"] for message in messages]
    assert "Ada Lovelace created #general." in texts
    assert "Ada Lovelace created agent scout." in texts
    assert "Ada Lovelace created the inbox of agent scout." in texts
    assert agent.key not in str(messages)


@pytest.mark.rule("E3", "C10", "B1")
async def test_only_owners_and_admins_read_it_by_any_way(server: Server, org: Org, other_org: Org):
    admin, member, agent = await org.add("admin"), await join(server, org), await server.hire(org)
    channel = await audit_of(org)
    invited = (await org.owner.api.post("/invitations", json={"email": INVITED})).json()
    path = f"/conversations/{channel}"
    for reader in (org.owner, admin):
        assert "Ada Lovelace invited zebedee@example.org as member." in [
            m["content"] for m in await told(server, org, reader)
        ]
        assert (await reader.api.get("/search", params={"q": INVITED, "conversation": channel})).status_code == 200
    await caught_up(server.db, "search")
    hits = (await admin.api.get("/search", params={"q": INVITED})).json()["items"]
    assert [hit["conversation"]["name"] for hit in hits] == ["audit"]
    for stranger in (member, agent, other_org.owner):
        for ask in (path, f"{path}/messages", f"{path}/members", f"{path}/pins", f"{path}/stream"):
            assert (await stranger.api.get(ask)).status_code == 404, ask
        assert (await stranger.api.get("/search", params={"q": INVITED})).json()["items"] == []
        listed = (await stranger.api.get("/conversations")).json()["items"]
        assert channel not in [item["id"] for item in listed]
        async with server.live(token_of(stranger.api)) as socket:
            await socket.send(say("subscribe", conversation=channel, after=0))
            (refused,) = await frames_until(socket, "error")
            assert refused["code"] == "not_found"
    assert invited["token"] not in str(await told(server, org))


@pytest.mark.rule("E3", "E5")
async def test_what_was_told_stays_as_it_is(server: Server, org: Org):
    """Not even the owner changes, removes, pins, answers or marks what stands there."""
    admin, channel = await org.add("admin"), await audit_of(org)
    before = await told(server, org)
    path = f"/conversations/{channel}/messages"
    for someone in (org.owner, admin):
        api, message = someone.api, f"{path}/{before[0]['id']}"
        refused = [
            await api.patch(message, json={"content": "nothing happened"}),
            await api.delete(message),
            await api.put(f"{message}/pin"),
            await api.put(f"{message}/reactions/👍"),
            await api.post(path, json={"content": "no", "parent_id": before[0]["id"]}),
        ]
        assert [answer.status_code for answer in refused] == [403] * 5
        assert {answer.json()["code"] for answer in refused} == {"forbidden"}
    assert await told(server, org) == before


@pytest.mark.rule("E3")
async def test_who_is_admin_no_more_reads_it_no_more(server: Server, org: Org):
    admin, channel = await org.add("admin"), await audit_of(org)
    assert (await admin.api.get(f"/conversations/{channel}/messages")).status_code == 200
    (await org.owner.api.patch(f"/people/{admin.id}", json={"role": "member"})).raise_for_status()
    assert (await admin.api.get(f"/conversations/{channel}/messages")).status_code == 404


@pytest.mark.rule("E3")
async def test_an_act_arrives_live(server: Server, org: Org):
    channel = await audit_of(org)
    async with server.live(token_of(org.owner.api)) as socket:
        await socket.send(say("subscribe", conversation=channel))
        await frames_until(socket, "resumed")
        (await org.owner.api.patch(f"/organizations/{org.id}", json={"description": "We count."})).raise_for_status()
        while (frame := (await frames_until(socket, "record"))[-1])["record"]["metadata"][
            "action"
        ] != "organization.updated":
            pass
        assert frame["record"]["content"] == "Ada Lovelace changed the organization: description."


async def test_acts_with_any_words_in_them_are_told(server: Server, org: Org):
    odd = {
        "name": "**x** <script>alert(1)</script> [a](http://evil.example) @ada\n# big",
        "changed": [1, None, {"a": []}],
    }
    async with server.db.transaction(org.owner.actor) as tx:
        for action in ("organization.created", "organization.updated", "nobody.knows", ""):
            await audit.record(tx, org.owner.actor, action, "thing", "not-a-uuid", odd)
        await audit.record(tx, org.owner.actor, "login.ended", details={"reason": ["x"], "agent_id": 7})
    first, second, third, fourth, fifth = (await told(server, org))[-5:]
    assert first["html"] == (
        "<p>Ada Lovelace created the organization **x** &lt;script&gt;alert(1)&lt;/script&gt; "
        "[a](http://evil.example) @ada # big.</p>"
    )
    assert "None" in second["content"]
    assert third["content"] == "Ada Lovelace did nobody.knows."
    assert fifth["content"] == "Ada Lovelace ended a login: x."
    assert fourth["metadata"]["action"] == ""
