"""Presence: heartbeats, open sockets, silence; what is written, what is told, and that idleness costs nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from crewhall.agents import Presence
from crewhall.agents.presence import _Written
from crewhall.kernel.actor import Actor
from crewhall.kernel.signals import Signals
from tests.agents.hall import AgentHall, AgentMember, AgentOrg
from tests.agents.watch import Watch
from tests.support.waiting import bounded


@pytest.fixture
async def agent(org: AgentOrg) -> AgentMember:
    return await org.hire(name="Scout")


@pytest.fixture
async def actor(hall: AgentHall, agent: AgentMember) -> Actor:
    return (await hall.verified.resolve(agent.key)).actor


@pytest.fixture
async def watch(hall: AgentHall) -> AsyncIterator[Watch]:
    watching = Watch(hall, timeout_s=600)
    yield watching
    await watching.close()


async def shown(org: AgentOrg, agent: AgentMember) -> str:
    presence: str = (await org.owner.api.get(f"/agents/{agent.id}")).json()["presence"]
    return presence


async def left_s(hall: AgentHall, actor: Actor) -> float:
    """The seconds for which the agent counts as there, as every process reads it."""
    async with hall.db.transaction(actor) as tx:
        return float(
            await tx.value(
                "select extract(epoch from presence_until - now()) from agents where id = %(id)s", {"id": actor.id}
            )
        )


async def written_at(org: AgentOrg, agent: AgentMember) -> str:
    moment: str = (await org.owner.api.get(f"/agents/{agent.id}")).json()["updated_at"]
    return moment


@pytest.mark.rule("E2")
async def test_a_heartbeat_makes_an_agent_present(org: AgentOrg, agent: AgentMember):
    assert await shown(org, agent) == "offline"
    beat = await agent.api.post(f"/agents/{agent.id}/heartbeat")
    assert (beat.status_code, beat.json()) == (200, {"presence": "online", "good_for_s": 90.0})
    assert await shown(org, agent) == "online"
    await agent.api.post(f"/agents/{agent.id}/heartbeat", json={"presence": "busy"})
    assert await shown(org, agent) == "busy"
    detail = (await org.owner.api.get(f"/agents/{agent.id}")).json()
    assert detail["last_heartbeat_at"] is not None


@pytest.mark.rule("E2")
async def test_only_the_agent_itself_beats_and_never_offline(org: AgentOrg, agent: AgentMember, other_org: AgentOrg):
    peer, stranger = await org.hire(name="Peer"), await other_org.hire()
    url = f"/agents/{agent.id}/heartbeat"
    for api in (org.owner.api, peer.api, stranger.api):
        assert (await api.post(url, json={})).status_code == 403
    assert (await org.hall.client().post(url, json={})).status_code == 401
    assert (await agent.api.post(url, json={"presence": "offline"})).status_code in {400, 422}
    assert (await agent.api.post(url, json={"presence": "asleep"})).status_code in {400, 422}
    assert await shown(org, agent) == "offline"


@pytest.mark.rule("E2")
async def test_a_silent_agent_falls_offline_by_itself_and_its_change_is_told(
    hall: AgentHall, org: AgentOrg, agent: AgentMember, actor: Actor
):
    watch = Watch(hall, timeout_s=1)
    await watch.touch(actor, Presence.ONLINE)
    assert await watch.next() is Presence.ONLINE
    assert await watch.next() is Presence.OFFLINE
    assert await shown(org, agent) == "offline"
    assert watch.sleeping
    await watch.close()


async def test_every_process_reads_the_same_silence_even_if_the_watching_one_died(
    hall: AgentHall, org: AgentOrg, agent: AgentMember, actor: Actor
):
    watch = Watch(hall, timeout_s=600)
    await watch.touch(actor, Presence.BUSY)
    await watch.close()
    assert await shown(org, agent) == "busy"
    async with hall.db.transaction(actor) as tx:
        await tx.run("update agents set presence_until = now() where id = %(id)s", {"id": actor.id})
    assert await shown(org, agent) == "offline"
    assert [item["name"] for item in (await org.owner.api.get("/agents?presence=offline")).json()["items"]] == ["Scout"]


async def test_unchanged_heartbeats_are_not_written_but_changed_ones_are(
    org: AgentOrg, agent: AgentMember, actor: Actor, watch: Watch
):
    await watch.touch(actor, Presence.ONLINE)
    first = await written_at(org, agent)
    for _ in range(5):
        await watch.touch(actor, Presence.ONLINE)
    assert await written_at(org, agent) == first
    await watch.touch(actor, Presence.BUSY)
    assert await written_at(org, agent) > first
    assert [(await watch.next()) for _ in range(2)] == [Presence.ONLINE, Presence.BUSY]
    assert watch.changes.empty()


async def test_heartbeats_at_another_process_keep_an_agent_from_falling_offline(
    hall: AgentHall, org: AgentOrg, agent: AgentMember, actor: Actor
):
    here, there = Watch(hall, timeout_s=2), Watch(hall, timeout_s=600)
    await here.touch(actor, Presence.ONLINE)
    assert await here.next() is Presence.ONLINE
    await there.touch(actor, Presence.ONLINE)
    assert there.changes.empty(), "it was online already"
    checked = asyncio.Event()
    real = here._check_org

    async def checking(*due: object) -> None:
        await real(*due)  # type: ignore[arg-type]
        checked.set()

    here._check_org = checking  # type: ignore[method-assign,assignment]
    async with bounded(5):
        await checked.wait()
    assert here.changes.empty()
    assert await shown(org, agent) == "online"
    await here.close()
    await there.close()


@pytest.mark.rule("E2")
async def test_an_open_socket_keeps_an_agent_present_without_heartbeats(
    hall: AgentHall, org: AgentOrg, agent: AgentMember, actor: Actor
):
    watch = Watch(hall, timeout_s=2)
    async with watch.held(actor):
        assert await watch.next() is Presence.ONLINE
        assert await watch.next_write() is Presence.ONLINE
        opened = await written_at(org, agent)
        assert await watch.next_write() is Presence.ONLINE, "the socket alone keeps it"
        assert await written_at(org, agent) > opened
        assert await shown(org, agent) == "online"
        async with watch.held(actor):
            pass
        assert watch.changes.empty()
        assert await shown(org, agent) == "online"
    assert await watch.next() is Presence.OFFLINE
    assert watch.sleeping
    await watch.close()


@pytest.mark.rule("E2")
async def test_an_agent_whose_last_socket_closed_is_offline_after_a_short_grace(
    hall: AgentHall, org: AgentOrg, agent: AgentMember, actor: Actor
):
    watch = Watch(hall, timeout_s=600, grace_s=0.2)
    async with watch.held(actor):
        assert await watch.next() is Presence.ONLINE
        await watch.say(actor, Presence.BUSY)
        assert await watch.next() is Presence.BUSY
    closed = await written_at(org, agent)
    assert await watch.next() is Presence.OFFLINE
    assert await shown(org, agent) == "offline"
    assert await written_at(org, agent) == closed, "what ends by itself is not written again"
    assert (watch.sleeping, watch.changes.empty()) == (True, True)
    await watch.close()


async def test_an_agent_that_reconnects_within_the_grace_was_never_away(
    hall: AgentHall, org: AgentOrg, agent: AgentMember, actor: Actor
):
    watch = Watch(hall, timeout_s=600)
    async with watch.held(actor):
        assert await watch.next() is Presence.ONLINE
    async with watch.held(actor):
        assert watch.changes.empty()
        assert await left_s(hall, actor) > 500, "the new socket holds it for as long as any"
        assert await shown(org, agent) == "online"
    await watch.close()


async def test_a_heartbeat_outlives_the_socket(hall: AgentHall, org: AgentOrg, agent: AgentMember, actor: Actor):
    watch = Watch(hall, timeout_s=600, grace_s=0)
    async with watch.held(actor):
        await watch.touch(actor, Presence.ONLINE)
    assert await left_s(hall, actor) > 500
    assert await watch.next() is Presence.ONLINE
    assert watch.changes.empty()
    assert await shown(org, agent) == "online"
    await watch.close()


async def test_what_is_said_as_the_socket_closes_keeps_nobody(hall: AgentHall, actor: Actor):
    watch = Watch(hall, timeout_s=600, grace_s=0.2)
    async with watch.held(actor):
        assert await watch.next() is Presence.ONLINE
        hanging, go_on, real = asyncio.Event(), asyncio.Event(), watch._write

        async def slowly(*saying: object) -> _Written | None:
            hanging.set()
            await go_on.wait()
            return await real(*saying)  # type: ignore[arg-type]

        watch._write = slowly  # type: ignore[method-assign,assignment]
        saying = asyncio.create_task(watch.say(actor, Presence.BUSY))
        await hanging.wait()
    go_on.set()
    await saying
    assert await left_s(hall, actor) <= 0.2
    assert [(await watch.next()) for _ in range(2)] == [Presence.BUSY, Presence.OFFLINE]
    await watch.say(actor, Presence.BUSY)
    assert watch.changes.empty()
    await watch.close()


@pytest.mark.rule("E2")
@pytest.mark.parametrize("kept_by", ["socket", "heartbeat"])
async def test_what_another_process_knows_of_keeps_an_agent_online(
    hall: AgentHall, org: AgentOrg, agent: AgentMember, actor: Actor, kept_by: str
):
    signals = Signals(hall.url)
    here, there = (Watch(hall, timeout_s=600, grace_s=60, signals=signals) for _ in range(2))
    await signals.start()
    async with contextlib.AsyncExitStack() as stack:
        if kept_by == "socket":
            await stack.enter_async_context(there.held(actor))
        else:
            await there.touch(actor, Presence.ONLINE)
        assert await there.next_write() is Presence.ONLINE
        async with here.held(actor):
            pass
        assert await there.next_write() is Presence.ONLINE, "told of the release, it renews"
        assert await left_s(hall, actor) > 500
        assert await shown(org, agent) == "online"
        assert here.writes.qsize() == 1, "whoever released it does not answer itself"
    await signals.stop()
    for watch in (here, there):
        await watch.close()


async def test_a_watch_that_hears_nobody_has_no_timer(watch: Watch, actor: Actor):
    before = watch.sleeping
    await watch.touch(actor, Presence.ONLINE)
    assert (before, watch.sleeping) == (True, False)
    await watch.touch(actor, Presence.OFFLINE)
    assert [(await watch.next()) for _ in range(2)] == [Presence.ONLINE, Presence.OFFLINE]


async def test_a_deleted_agent_leaves_no_trace_in_the_watch(
    org: AgentOrg, agent: AgentMember, actor: Actor, watch: Watch
):
    await org.owner.api.delete(f"/agents/{agent.id}")
    await watch.touch(actor, Presence.ONLINE)
    assert watch.sleeping
    assert watch.changes.empty()


@pytest.mark.rule("B2")
@pytest.mark.parametrize(("visibility", "told"), [("public", 1), ("private", 0), ("hidden", 0)])
async def test_listeners_hear_of_public_agents_only(hall: AgentHall, org: AgentOrg, visibility: str, told: int):
    agent = await org.hire(name="Scout", visibility=visibility)
    await agent.api.post(f"/agents/{agent.id}/heartbeat", json={"presence": "busy"})
    heard = [(actor, frame) for actor, frame in hall.live.emitted if str(actor.id) == agent.id]
    assert len(heard) == told
    for actor, frame in heard:
        assert (actor.name, frame.event, frame.conversation_id) == ("Scout", "presence", None)
        assert (frame.org_id, frame.fields) == (org.base.id, {"presence": "busy"})
