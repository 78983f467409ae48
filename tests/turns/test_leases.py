"""One process decides for a conversation at a time; who was taken over from is refused by the database itself."""

import asyncio

import psycopg
import pytest

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.runtime.leases import LEASE_LOST, Lease, Leases
from crewhall.runtime.places import Place, shard_of
from tests.turns.hall import Decider

INSERT = """
insert into turn_decisions (
    id, org_id, conversation_id, agent_id, outcome, reason, cause, author_type, author_id, epoch)
values (%(id)s, %(org)s, %(conversation)s, %(agent)s, 'silent', 'rounds', 'mention', 'user', %(agent)s, %(epoch)s)
"""


async def held(hall, shard):
    async with hall.db.transaction(None) as tx:
        return await tx.value("select epoch from controller_shards where shard = %(shard)s", {"shard": shard})


async def taken(process, shard):
    lease = await process.take(shard)
    assert isinstance(lease, Lease)
    return lease


async def refused(process, shard):
    """The seconds until a lease that another process holds may lapse."""
    answer = await process.take(shard)
    assert isinstance(answer, float)
    return answer


@pytest.fixture
async def place(hall, org):
    agent = await hall.hire(org)
    circle = await hall.group(org, agent)
    await hall.pass_time(3600)
    return Place(org.id, circle, agent.id)


@pytest.mark.rule("C5")
async def test_a_lease_is_held_by_one_and_taken_over_with_a_higher_epoch_when_it_lapses(hall, place):
    shard = shard_of(place.conversation_id)
    one, other = Decider(hall), Decider(hall)
    first = await taken(one, shard)
    assert 10 < await refused(other, shard) <= 15
    assert await taken(one, shard) == first
    await hall.pass_time(15.1)
    second = await taken(other, shard)
    assert second.epoch == first.epoch + 1 == await held(hall, shard)
    assert await refused(Leases(hall.db, one.leases.controller_id), shard) > 10


@pytest.mark.rule("C5")
async def test_the_lease_of_a_killed_process_need_not_lapse(hall, place):
    shard = shard_of(place.conversation_id)
    one, other = Decider(hall), Decider(hall)
    first = await taken(one, shard)
    assert await refused(other, shard) > 10
    await hall.end_life(one.leases.controller_id)
    assert (await taken(other, shard)).epoch == first.epoch + 1
    assert await refused(Leases(hall.db, one.leases.controller_id), shard) > 10


@pytest.mark.rule("C5")
async def test_who_comes_back_to_a_lease_that_nobody_took_goes_on(hall, place):
    shard = shard_of(place.conversation_id)
    me = new_id()
    first = await taken(Leases(hall.db, me), shard)
    await hall.pass_time(60)
    assert await taken(Leases(hall.db, me), shard) == first


@pytest.mark.rule("C5")
async def test_a_stale_decider_is_refused_whatever_it_wants_to_write(hall, org, place):
    shard = shard_of(place.conversation_id)
    stale, heir = Decider(hall), Decider(hall)
    old = await taken(stale, shard)
    await hall.pass_time(16)
    new = await taken(heir, shard)
    await hall.say(org.owner.actor, place.conversation_id, "x")
    with pytest.raises(CrewhallError) as stopped:
        await stale.decide_place(old, place)
    assert stopped.value.kind is LEASE_LOST
    assert await heir.decide_place(new, place) is None
    values = {"id": new_id(), "org": org.id, "conversation": place.conversation_id, "agent": place.agent_id}
    async with hall.db.transaction(org.owner.actor) as tx:
        with pytest.raises(psycopg.Error, match="another process decides") as by_database:
            await tx.run(INSERT, values | {"epoch": old.epoch})
    assert by_database.value.sqlstate == "CW005"
    async with hall.db.transaction(org.owner.actor) as tx:
        await tx.run(INSERT, values | {"epoch": new.epoch})


@pytest.mark.rule("C5")
async def test_a_takeover_waits_for_the_decision_under_way(hall, org, place):
    shard = shard_of(place.conversation_id)
    one, other = Decider(hall), Decider(hall)
    lease = await taken(one, shard)
    async with hall.db.transaction(org.owner.actor) as tx:
        await one.leases.check(tx, lease)
        async with hall.everything() as connection:
            await connection.execute("set lock_timeout = '200ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                await connection.execute("update controller_shards set epoch = epoch + 1 where shard = %s", [shard])
    assert await taken(one, shard) == lease
    assert await refused(other, shard) > 0


@pytest.mark.rule("C5")
async def test_of_many_that_want_a_lapsed_lease_one_gets_it(hall, place):
    shard = shard_of(place.conversation_id)
    answers = await asyncio.gather(*(process.take(shard) for process in [Decider(hall) for _ in range(5)]))
    assert len([answer for answer in answers if isinstance(answer, Lease)]) == 1


async def test_who_stops_gives_its_leases_back(hall, place):
    shard = shard_of(place.conversation_id)
    one, other = Decider(hall), Decider(hall)
    first = await taken(one, shard)
    assert await one.leases.release() == [shard]
    assert (await taken(other, shard)).epoch == first.epoch + 1


@pytest.mark.rule("C5")
async def test_people_post_while_somebody_decides(hall, org, place):
    """A decision under way holds the shard, never the conversation."""
    leases = Leases(hall.db, new_id())
    lease = await taken(leases, shard_of(place.conversation_id))
    async with hall.db.transaction(org.owner.actor) as tx:
        await leases.check(tx, lease)
        async with asyncio.timeout(9):  # less than the database waits for a lock
            await hall.say(org.owner.actor, place.conversation_id, "meanwhile")


async def test_the_conversation_shows_who_decides_for_it(hall, org, place):
    leases = Leases(hall.db, new_id(), region="eu-1")
    lease = await taken(leases, shard_of(place.conversation_id))
    async with hall.db.transaction(org.owner.actor) as tx:
        shown = await tx.connection.execute(
            "select controller_id, region, epoch, status from conversation_runtimes where conversation_id = %(id)s",
            {"id": place.conversation_id},
        )
        assert await shown.fetchone() == (leases.controller_id, "eu-1", lease.epoch, "active")
