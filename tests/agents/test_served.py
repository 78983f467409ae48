"""Agents in the whole product: their inbox, their socket, their presence as others hear of it."""

import pytest

from tests.support.server import Server, frames_until, token_of, until_closed


@pytest.mark.rule("A2")
async def test_an_agent_has_the_inbox_that_it_serves_until_it_is_deleted(server: Server):
    org = await server.make_org()
    agent = await server.hire(org)
    shown = (await agent.api.get("/me")).json()
    assert shown["inbox_id"] == agent.inbox_id
    inbox = f"/conversations/{agent.inbox_id}"
    assert (await agent.api.get(inbox)).status_code == 200
    assert (await org.owner.api.delete(f"/agents/{agent.id}")).status_code == 204
    assert (await agent.api.get(inbox)).status_code == 401


@pytest.mark.rule("A2")
async def test_nobody_takes_the_inbox_from_an_agent_that_serves_it(server: Server):
    org = await server.make_org()
    agent = await server.hire(org)
    inbox = f"/conversations/{agent.inbox_id}"
    for someone in (agent.api, org.owner.api):
        for method, path in (("DELETE", inbox), ("PUT", f"{inbox}/archive"), ("POST", f"{inbox}/leave")):
            assert (await someone.request(method, path)).status_code in {403, 404, 409}, (method, path)
    assert (await agent.api.get(inbox)).json()["status"] == "active"


@pytest.mark.rule("E2")
async def test_an_agent_is_present_while_its_socket_is_open_and_listeners_hear_of_it(server: Server):
    org = await server.make_org()
    agent = await server.hire(org)
    async with server.live(token_of(org.owner.api)) as listener:
        await listener.send('{"type":"ping"}')
        await frames_until(listener, "pong")
        async with server.live(agent.key) as socket:
            heard = (await frames_until(listener, "presence"))[-1]
            assert (heard["event"], heard["presence"], heard["actor"]["id"]) == ("presence", "online", agent.id)
            assert (await org.owner.api.get(f"/agents/{agent.id}")).json()["presence"] == "online"
            await socket.send('{"type":"heartbeat","presence":"busy"}')
            assert (await frames_until(listener, "presence"))[-1]["presence"] == "busy"
            await socket.send('{"type":"heartbeat","presence":"offline"}')
            assert (await frames_until(socket, "error"))[-1]["code"] == "invalid"


@pytest.mark.rule("D10")
async def test_a_revoked_key_closes_its_socket(server: Server):
    org = await server.make_org()
    agent = await server.hire(org)
    credential = (await org.owner.api.get(f"/agents/{agent.id}/credentials")).json()["items"][0]
    async with server.live(agent.key) as socket:
        await socket.send('{"type":"ping"}')
        await frames_until(socket, "pong")
        await org.owner.api.delete(f"/agents/{agent.id}/credentials/{credential['id']}")
        assert (await until_closed(socket)).code == 4401
    assert (await agent.api.get("/me")).status_code == 401
