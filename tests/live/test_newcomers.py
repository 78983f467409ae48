"""Who is made a member hears of it at once, on whatever it has open."""

import pytest
from websockets.asyncio.client import ClientConnection

from tests.conversations.ways import direct, group, join
from tests.identity.hall import Org
from tests.live.test_socket import say
from tests.support.server import Server, frames_until, token_of


async def test_a_first_direct_message_makes_itself_known(server: Server, org: Org) -> None:
    member = await join(server, org)
    async with server.live(token_of(member.api)) as socket:
        await _heard(socket)
        conversation = await direct(org.owner, member)
        frame = (await frames_until(socket, "joined", conversation=conversation))[-1]
        assert (frame["event"], frame["actor"]["id"]) == ("joined", str(member.id))
        await direct(org.owner, member)
        assert conversation not in await _heard(socket)


@pytest.mark.rule("B1")
async def test_only_who_joined_is_told_and_agents_are_too(server: Server, org: Org, other_org: Org) -> None:
    member, bystander, agent = await join(server, org), await join(server, org), await server.hire(org)
    async with (
        server.live(token_of(bystander.api)) as aside,
        server.live(token_of(other_org.owner.api)) as stranger,
        server.live(agent.key) as robot,
    ):
        for socket in (aside, stranger, robot):
            await _heard(socket)  # it is open
        circle = await group(org.owner, member)
        body = {"member_type": "agent", "member_id": agent.id}
        (await org.owner.api.post(f"/conversations/{circle}/members", json=body)).raise_for_status()
        await frames_until(robot, "joined", conversation=circle)
        for socket in (aside, stranger):
            assert circle not in await _heard(socket)


async def _heard(socket: ClientConnection) -> list[str]:
    """The conversations that a socket was told it joined, by now."""
    await socket.send(say("ping"))
    frames = await frames_until(socket, "pong", whole=True)
    return [frame["conversation"] for frame in frames if frame.get("event") == "joined"]
