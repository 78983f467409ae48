"""Who follows a conversation hears that it was renamed, archived, restored or deleted, or that they are out of it."""

from collections.abc import Awaitable

import pytest
from httpx import Response
from websockets.asyncio.client import ClientConnection

from tests.conversations.ways import as_member, group, join, post
from tests.identity.hall import Org
from tests.live.test_socket import say
from tests.support.server import Server, frames_until, token_of


async def test_each_change_is_told_once_to_who_follows_it(server: Server, org: Org) -> None:
    member, agent = await join(server, org), await server.hire(org)
    circle = await group(org.owner, member, agent)
    path, owner = f"/conversations/{circle}", org.owner.api
    async with server.live(token_of(member.api)) as socket, server.live(agent.key) as robot:
        for one in (socket, robot):
            await one.send(say("subscribe", conversation=circle))
            await frames_until(one, "resumed")

        async def told(doing: Awaitable[Response], change: str) -> None:
            (await doing).raise_for_status()
            for one in (socket, robot):
                assert await _next_change(one) == (circle, change)

        await told(owner.patch(path, json={"title": "Ring"}), "changed")
        (await owner.patch(path, json={"title": "Ring"})).raise_for_status()
        await told(owner.put(f"{path}/archive"), "archived")
        (await owner.put(f"{path}/archive")).raise_for_status()
        await told(owner.delete(f"{path}/archive"), "restored")
        await told(owner.delete(path, params={"confirm": "Ring"}), "deleted")


@pytest.mark.rule("B1")
async def test_who_is_taken_out_is_told_alone_and_a_stranger_never(server: Server, org: Org, other_org: Org) -> None:
    member, left, agent = await join(server, org), await join(server, org), await server.hire(org)
    circle = await group(org.owner, member, left, agent)
    members = f"/conversations/{circle}/members"
    async with (
        server.live(token_of(member.api)) as stays,
        server.live(token_of(left.api)) as leaves,
        server.live(token_of(other_org.owner.api)) as stranger,
        server.live(agent.key) as robot,
    ):
        await stays.send(say("subscribe", conversation=circle))
        await frames_until(stays, "resumed")
        await stranger.send(say("subscribe", conversation=circle))
        await frames_until(stranger, "error")
        for kind, one in (("user", left), ("agent", agent)):
            (await org.owner.api.delete(f"{members}/{kind}/{one.id}")).raise_for_status()
        for ear in (leaves, robot):
            assert await _next_change(ear) == (circle, "removed")
        (await org.owner.api.patch(f"/conversations/{circle}", json={"title": "Ring"})).raise_for_status()
        assert await _next_change(stays) == (circle, "changed")
        for ear in (leaves, robot, stranger):  # of the same process: whoever was told with the others has it by now
            assert await _events(ear) == []
        (await org.owner.api.post(members, json=as_member(left))).raise_for_status()
        await frames_until(leaves, "joined")


async def test_what_is_back_is_told_to_its_members_who_followed_it_no_more(server: Server, org: Org) -> None:
    member, agent, bystander = await join(server, org), await server.hire(org), await join(server, org)
    circle = await group(org.owner, member, agent)
    path = f"/conversations/{circle}/archive"
    (await org.owner.api.put(path)).raise_for_status()
    async with (
        server.live(token_of(member.api)) as socket,
        server.live(agent.key) as robot,
        server.live(token_of(bystander.api)) as aside,
    ):
        for one in (socket, robot, aside):
            await one.send(say("ping"))
            await frames_until(one, "pong")
        (await org.owner.api.delete(path)).raise_for_status()
        for one in (socket, robot):
            await frames_until(one, "conversation", conversation=circle, change="restored")
        await aside.send(say("ping"))
        frames = await frames_until(aside, "pong", whole=True)
        assert circle not in [frame.get("conversation") for frame in frames]


async def test_a_post_tells_of_no_change(server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    async with server.live(token_of(org.owner.api)) as socket:
        await socket.send(say("subscribe", conversation=channel))
        await frames_until(socket, "resumed")
        await post(org.owner, channel)
        (await org.owner.api.patch(f"/conversations/{channel}", json={"description": "New"})).raise_for_status()
        frames = await frames_until(socket, "conversation", whole=True, conversation=channel)
        told = [frame for frame in frames if frame.get("conversation") == channel]
        assert [frame["type"] for frame in told] == ["record", "ephemeral"]


async def _next_change(socket: ClientConnection) -> tuple[str, str]:
    """The next that a socket is told of a conversation."""
    frame = (await frames_until(socket, "conversation"))[-1]
    return frame["conversation"], frame["change"]


async def _events(socket: ClientConnection) -> list[str]:
    """The conversations of whose changes a socket was told, by now."""
    await socket.send(say("ping"))
    frames = await frames_until(socket, "pong", whole=True)
    return [frame["conversation"] for frame in frames if frame.get("event") == "conversation"]
