"""A direct session is shared with named people, who read along: nobody else does, and they write nothing."""

import asyncio

import pytest

from tests.conversations.ways import as_member, direct, group, join, post, show
from tests.support.waiting import until


async def share(someone, session, reader):
    return await someone.api.post(f"/conversations/{session}/members", json=as_member(reader))


async def unshare(someone, session, reader):
    return await someone.api.delete(f"/conversations/{session}/members/user/{reader.id}")


@pytest.mark.rule("B6")
async def test_named_people_read_a_session_along_until_it_is_taken_back(server, org):
    ada, bob, agent = await org.add(), await org.add(), await server.hire(org)
    session = await direct(ada, agent)
    said = await post(ada, session, "what does the contract say?")
    assert (await bob.api.get(f"/conversations/{session}")).status_code == 404
    assert (await share(ada, session, bob)).status_code == 201
    assert (await share(ada, session, bob)).status_code == 200
    seen = await show(bob, session)
    assert (seen["role"], seen["shared_by"]["id"], seen["partner"]["id"]) == ("reader", str(ada.id), agent.id)
    assert (seen["readers"], seen["unread"], seen["notification_level"]) == (1, 0, "mentions")
    mine = await show(ada, session)
    assert (mine["readers"], mine["partner"]["id"], mine["shared_by"]) == (1, agent.id, None)
    assert (await show(agent, session))["partner"]["id"] == str(ada.id)
    page = (await bob.api.get(f"/conversations/{session}/messages")).raise_for_status().json()
    assert [message["id"] for message in page["items"]] == [said["id"]]
    told = (await bob.api.get("/notifications", params={"kind": "invitation"})).json()["items"]
    assert told[0]["summary"].endswith("shares a session with you")
    assert session in {one["id"] for one in (await bob.api.get("/conversations")).json()["items"]}
    assert (await unshare(ada, session, bob)).status_code == 204
    assert (await bob.api.get(f"/conversations/{session}")).status_code == 404
    assert (await show(ada, session))["readers"] == 0

    async def is_shut():  # pages of messages are read by what the process knows, until it is told
        return (await bob.api.get(f"/conversations/{session}/messages")).status_code == 404

    await until(is_shut)


@pytest.mark.rule("B6")
async def test_who_reads_along_changes_nothing(server, org):
    ada, agent = await org.add(), await server.hire(org)
    boss = await org.add("admin")  # whose rights elsewhere are no rights here
    session = await direct(ada, agent)
    said = await post(ada, session)
    (await share(ada, session, boss)).raise_for_status()
    base = f"/conversations/{session}"
    for method, path, body in (
        ("POST", "/messages", {"content": "x"}), ("PATCH", "", {"title": "x"}), ("DELETE", "", {"confirm": ""}),
        ("PUT", "/archive", None), ("DELETE", "/archive", None), ("PUT", f"/messages/{said['id']}/pin", None),
        ("PUT", f"/messages/{said['id']}/reactions/👍", None), ("DELETE", f"/messages/{said['id']}", None),
        ("PATCH", f"/messages/{said['id']}", {"content": "x"}), ("POST", "/members", as_member(org.owner)),
        ("DELETE", f"/members/user/{ada.id}", None), ("POST", "/turns", {"agent_id": agent.id, "prompt": "x"}),
    ):  # fmt: skip
        answer = await boss.api.request(method, base + path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (method, path)
    assert (await boss.api.get(base + "/messages")).status_code == 200
    assert (await boss.api.post(base + "/leave")).status_code == 204
    assert (await boss.api.get(base)).status_code == 404


@pytest.mark.rule("B6", "B1")
async def test_only_whose_session_it_is_shares_it_and_only_with_people_of_the_organization(server, org, other_org):
    ada, bob = await org.add(), await org.add()
    agent, second = await server.hire(org), await server.hire(org)
    session = await direct(ada, agent)
    assert (await share(agent, session, bob)).status_code == 403
    assert (await share(org.owner, session, org.owner)).status_code == 404
    assert (await share(ada, session, second)).status_code == 422
    assert (await share(ada, session, other_org.owner)).status_code == 422
    assert (await share(other_org.owner, session, other_org.owner)).status_code == 404
    assert (await share(ada, await direct(ada, bob), org.owner)).status_code == 409
    assert (await ada.api.delete(f"/conversations/{session}/members/agent/{agent.id}")).status_code == 409
    assert (await unshare(ada, session, bob)).status_code == 404
    assert (await share(ada, session, ada)).status_code == 200
    assert (await show(ada, session))["role"] == "owner"


@pytest.mark.rule("B6", "A6")
async def test_who_reads_along_inherits_nothing_and_leaves_with_the_organization(server, org):
    ada, bob = await join(server, org), await join(server, org)
    agent = await server.hire(org)
    session = await direct(ada, agent)
    (await share(ada, session, bob)).raise_for_status()
    (await org.owner.api.delete(f"/people/{ada.id}")).raise_for_status()
    left = await show(bob, session)
    assert (left["owner"], left["role"], left["shared_by"]) == ({"type": "agent", "id": agent.id}, "reader", None)
    assert (await bob.api.post(f"/conversations/{session}/messages", json={"content": "x"})).status_code == 403
    (await org.owner.api.delete(f"/people/{bob.id}")).raise_for_status()
    members = (await agent.api.get(f"/conversations/{session}/members")).json()["items"]
    assert [member["member_id"] for member in members] == [agent.id]


async def test_a_shared_session_leads_nobody_astray(server, org):
    """The switcher takes a reader to the agent, not to somebody's session with it."""
    ada, bob, agent = await org.add(), await org.add(), await server.hire(org)
    session = await direct(ada, agent)
    (await share(ada, session, bob)).raise_for_status()
    for someone in (ada, bob):
        (await someone.api.post(f"/conversations/{session}/visit")).raise_for_status()
    for someone, leads in ((ada, session), (bob, None)):
        places = (await someone.api.get("/switcher", params={"q": agent.code})).json()["places"]
        assert [place["conversation_id"] for place in places if place["type"] == "agent"] == [leads]
    usual = (await bob.api.get("/switcher")).json()["places"]
    shown = next(place for place in usual if place["conversation_id"] == session)
    whose = (await show(bob, session))["shared_by"]["name"]
    assert (shown["type"], shown["name"]) == ("conversation", f"{agent.code} with {whose}")
    circle = await group(org.owner, ada)
    assert (await show(ada, circle))["readers"] == 0


async def test_who_comes_back_while_it_is_taken_back_waits_for_it(server, org):
    ada, bob, agent = await org.add(), await org.add(), await server.hire(org)
    session = await direct(ada, agent)
    (await share(ada, session, bob)).raise_for_status()
    (await org.owner.api.put(f"/people/{bob.id}/deactivation")).raise_for_status()

    async def waiting(number):
        query = """
            select count(*) from pg_locks join pg_stat_activity using (pid)
            where not granted and datname = current_database()
        """

        async def is_so():
            async with server.db.transaction(None) as tx:
                return await tx.value(query) >= number

        await until(is_so)

    async with asyncio.TaskGroup() as both, server.db.transaction(org.owner.actor) as tx:
        await tx.run("select from conversations where id = %(id)s for update", {"id": session})
        gone = both.create_task(unshare(ada, session, bob))
        await waiting(1)
        back = both.create_task(org.owner.api.delete(f"/people/{bob.id}/deactivation"))
        await waiting(2)
    assert [gone.result().status_code, back.result().status_code] == [204, 200]
    assert (await show(ada, session))["readers"] == 0
