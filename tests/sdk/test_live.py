"""The live connection over a bad network: no gaps, no doubles, and an end when the key is refused."""

import asyncio
from collections.abc import Callable

import pytest

from crewhall.sdk import Client, CrewhallApiError, Live, RecordEvent, Refused, Resumed, SignedOut
from tests.identity.hall import PASSWORD, Org
from tests.sdk.relay import Relay
from tests.support.server import Server, token_of
from tests.support.waiting import bounded, in_time, until

CLIENT_ID = "over-the-socket"


async def take(live: Live, done: Callable[[list[RecordEvent]], bool]) -> list[RecordEvent]:
    """Take events until enough records were seen."""
    seen: list[RecordEvent] = []
    async with bounded(20):
        async for event in live:
            if isinstance(event, RecordEvent):
                seen.append(event)
            if done(seen):
                break
    return seen


async def drain(live: Live) -> None:
    """Read until the connection ends."""
    async for _ in live:
        pass


@pytest.mark.rule("X2")
async def test_a_connection_that_is_cut_again_and_again_has_no_gap_and_no_double(
    server: Server, org: Org, ada: Client, relay: Relay
) -> None:
    channels = [await server.channel(org.owner) for _ in range(3)]
    each = 60

    async def cut() -> None:
        before = live.connections

        async def is_back() -> bool:
            return live.connections > before

        relay.cut()
        await until(is_back)

    async def write() -> None:
        for n in range(each):
            for channel in channels:
                await ada.messages.post(channel, str(n))
            if n % 12 == 7:
                await cut()

    async with Client(relay.address, token=token_of(org.owner.api)) as client, client.live() as live:
        for channel in channels:
            await live.subscribe(channel, after=0)
        writing = asyncio.create_task(write())
        seen = await take(live, lambda seen: len(seen) >= each * len(channels))
        await writing
        assert live.connections == 6, "it was cut five times, and came back"
    for channel in channels:
        assert [event.seq for event in seen if event.conversation == channel] == list(range(1, each + 1))


@pytest.mark.rule("X2")
async def test_what_was_said_while_the_server_was_away_comes_after(
    server: Server, org: Org, ada: Client, relay: Relay
) -> None:
    channel = await server.channel(org.owner)
    await ada.messages.post(channel, "before")
    async with Client(relay.address, token=token_of(org.owner.api)) as client, client.live() as live:
        await live.subscribe(channel)
        await live.caught_up(channel)
        relay.is_down = True
        relay.cut()
        await ada.messages.post(channel, "meanwhile")
        relay.is_down = False
        (event,) = await take(live, lambda seen: len(seen) == 1)
        assert event.record.content == "meanwhile"  # type: ignore[union-attr]


@pytest.mark.rule("X1")
async def test_posts_over_the_socket_are_sent_again_and_posted_once(server: Server, org: Org, relay: Relay) -> None:
    channel = await server.channel(org.owner)
    async with Client(relay.address, token=token_of(org.owner.api)) as client, client.live() as live:
        await live.subscribe(channel)
        await live.caught_up(channel)
        relay.swallow = b"\x81"  # the next frame that the client sends
        ack = await in_time(live.post(channel, "over the socket", client_id=CLIENT_ID), 20)
        assert relay.swallowed.is_set()
        assert [(message.id, message.seq) async for message in client.messages.history(channel)] == [(ack.id, ack.seq)]
        with pytest.raises(CrewhallApiError) as refused:
            await live.post(channel, "something else", client_id=CLIENT_ID)
        assert refused.value.code == "client_id_reused"
        with pytest.raises(CrewhallApiError) as blank:
            await live.post(channel, " ")
        assert blank.value.code == "invalid"
        with pytest.raises(CrewhallApiError) as too_large:
            await live.post(channel, "x" * 300_000)
        assert too_large.value.code == "too_large"


async def test_resumed_says_where_now_is(server: Server, org: Org, ada: Client) -> None:
    channel = await server.channel(org.owner)
    posted = await ada.messages.post(channel, "before")
    async with ada.live() as live:
        await live.subscribe(channel)
        async for event in live:
            assert event == Resumed(channel, posted.seq)
            break


async def test_a_conversation_that_is_closed_to_the_actor_is_reported(
    server: Server, org: Org, other_org: Org, ada: Client
) -> None:
    foreign = await server.channel(other_org.owner)
    async with ada.live() as live:
        await live.subscribe(foreign, after=0)
        async for event in live:
            assert isinstance(event, Refused)
            assert (event.conversation, event.code) == (foreign, "not_found")
            break


async def test_a_revoked_key_ends_the_connection(server: Server, org: Org, ada: Client) -> None:
    agent = await server.hire(org)
    async with Client(server.address, token=agent.key) as client, client.live() as live:
        await live.subscribe(agent.inbox_id, after=0)
        await live.caught_up(agent.inbox_id)
        (key,) = [key async for key in ada.agents.keys(agent.id)]
        await ada.agents.revoke_key(agent.id, key.id)
        with pytest.raises(SignedOut):
            await in_time(drain(live), 10)
        with pytest.raises(SignedOut):
            await live.post(agent.inbox_id, "too late")


async def test_an_expired_access_token_is_renewed_on_the_way(server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    async with Client(server.address) as first:
        await first.login(org.owner.email, PASSWORD)
        refresh_token = first.transport.refresh_token()
    stale = Client(server.address, token="cwt_" + "x" * 40, refresh_token=refresh_token)
    async with stale as client, client.live() as live:
        await live.subscribe(channel, after=0)
        await in_time(live.caught_up(channel), 10)
