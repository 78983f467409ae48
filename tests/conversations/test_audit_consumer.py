"""Nothing that happens to the consumer of the audit log loses an act or tells one twice."""

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest

from crewhall.conversations import ConversationParts
from crewhall.conversations.audit_channel import AuditTeller, AuditWatch
from crewhall.conversations.consumers import Consumer
from crewhall.kernel import audit
from crewhall.kernel.errors import UNAVAILABLE, CrewhallError
from tests.conversations.acts import acts_of, audit_of, client_ids, rewind, told, write_acts
from tests.conversations.ways import caught_up, post
from tests.identity.hall import Org
from tests.support.database import SharedCluster
from tests.support.server import Server, token_of
from tests.support.waiting import until


@pytest.mark.rule("E3", "X1")
async def test_acts_told_before_a_crash_are_not_told_again(server: Server, org: Org):
    await write_acts(server, org, 3)
    before = await told(server, org)
    (await org.owner.api.patch("/me", json={"name": "Ada Byron"})).raise_for_status()
    await rewind(server)
    await write_acts(server, org, 1, "late")
    after = await told(server, org)
    assert after[: len(before)] == before
    assert client_ids(after) == await acts_of(org)


class Dying:
    """A log that goes away in the middle of a batch."""

    def __init__(self, log: Any, after: int) -> None:
        self._log, self._left = log, after

    async def append(self, record: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise UNAVAILABLE("The database is away.")
        return await self._log.append(record)


@pytest.mark.rule("X1")
async def test_a_batch_that_breaks_off_is_told_in_full_later(server: Server, org: Org):
    consumer = next(c for c in server.services.part(ConversationParts).consumers if c.name == "audit")

    async def breaks_off() -> bool:
        """Which it does as soon as the acts can be read: transactions beside theirs may still run."""
        try:
            await AuditTeller(server.db, Dying(server.services.log, 7)).step()  # type: ignore[arg-type]
        except CrewhallError as error:
            return error.kind is UNAVAILABLE
        return False

    await consumer.stop()
    try:
        await write_acts(server, org, 20)
        await until(breaks_off)
    finally:
        consumer.start()
    assert sorted(client_ids(await told(server, org))) == await acts_of(org)


@pytest.mark.rule("E3")
async def test_many_acts_of_one_transaction_and_of_many_are_all_told_in_order(server: Server, org: Org):
    await write_acts(server, org, 1200, "bulk")
    await asyncio.gather(*[write_acts(server, org, 5, f"tx {number}") for number in range(30)])
    messages = await told(server, org)
    assert len(messages) == len(set(client_ids(messages)))
    assert sorted(client_ids(messages)) == await acts_of(org)
    bulk = [message["content"] for message in messages if "bulk" in message["content"]]
    assert bulk == [f"Ada Lovelace created the organization bulk {number}." for number in range(1200)]


@pytest.mark.rule("E3")
async def test_an_act_that_commits_late_is_not_skipped(server: Server, org: Org):
    """Ids are made before the commit: an act with a smaller one may be seen after greater ones were told."""
    async with server.db.transaction(org.owner.actor) as tx:
        await audit.record(tx, org.owner.actor, "organization.created", details={"name": "slow"})
        await write_acts(server, org, 2, "quick")
    assert sorted(client_ids(await told(server, org))) == await acts_of(org)


@pytest.mark.rule("E3")
@pytest.mark.parametrize("loss", ["deleted", "retired", "shadowed"])
async def test_a_lost_channel_stops_nothing(server: Server, org: Org, other_org: Org, loss: str):
    channel = await audit_of(org)
    await told(server, org)
    async with server.db.transaction(org.owner.actor) as tx:
        if loss == "retired":
            await server.services.log.retire(tx, org.id, UUID(channel))
        else:
            await tx.run("update conversations set deleted_at = now() where id = %(id)s", {"id": channel})
    if loss == "shadowed":  # a public channel of the name is not Crewhall's
        shadow = await server.channel(org.owner, name="audit")
    await write_acts(server, org, 3)
    await write_acts(server, other_org, 3)
    assert client_ids(await told(server, other_org)) == await acts_of(other_org)
    if loss == "shadowed":
        assert (await org.owner.api.get(f"/conversations/{shadow}/messages")).json()["items"] == []


async def test_acts_wake_the_consumer_and_posts_do_not(server: Server, org: Org):
    signals, notices, steps = server.services.signals, [], []
    signals.subscribe(audit.CHANNEL, notices.append)
    await write_acts(server, org, 1)
    await until(lambda: asyncio.sleep(0, notices))  # those of earlier acts came before it
    await told(server, org)

    async def step() -> int:
        steps.append(1)
        return 0

    consumer = Consumer("audit", server.db, AuditWatch(signals).watch, step)
    consumer.start()
    try:
        await until(lambda: asyncio.sleep(0, steps))
        before = len(notices)
        await post(org.owner, await server.general(org))
        await caught_up(server.db, "search")
        assert (len(steps), len(notices)) == (1, before)
        await write_acts(server, org, 1)
        await until(lambda: asyncio.sleep(0, len(steps) > 1))
    finally:
        await consumer.stop()


@pytest.mark.rule("E3", "X1")
async def test_two_processes_tell_each_act_once(cluster: SharedCluster, worker_id: str):
    urls = cluster.clone(f"audit_pair_{worker_id}")
    async with Server(urls) as first, Server(urls) as second:
        org = await first.make_org()
        await asyncio.gather(*[write_acts(side, org, 40, f"{n}") for n in range(4) for side in (first, second)])
        (await first.client(token_of(org.owner.api)).patch("/me", json={"timezone": "UTC"})).raise_for_status()
        messages = await told(second, org)
        assert len(messages) >= 320
        assert sorted(client_ids(messages)) == await acts_of(org)


def test_in_a_restored_database_later_acts_come_later(cluster: SharedCluster, worker_id: str):
    """Another cluster counts its transactions anew: positions go on from the greatest act."""
    greatest = 10**12
    with psycopg.connect(cluster.clone(f"restored_{worker_id}").admin, autocommit=True) as admin:
        admin.execute("insert into organizations (id, slug, name) values (uuidv7(), 'restored', 'Restored')")
        admin.execute(
            """
            insert into audit_log (id, org_id, actor_type, actor_id, action, position)
            select uuidv7(), id, 'system', id, 'organization.updated', %(position)s from organizations
            """,
            {"position": greatest},
        )
        admin.execute("update installation set cluster_id = 'the one before'")
        admin.execute("select align_log_clock()")
        found = admin.execute("select current_log_position(), log_offset from installation").fetchone()
    assert found is not None
    assert found[0] > greatest
