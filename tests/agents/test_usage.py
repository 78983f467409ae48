"""The log of key use: each validation, further uses in aggregate, append-only."""

from uuid import UUID

import psycopg
import pytest

from crewhall.agents.usage import KeyUses
from crewhall.kernel.actor import Actor, ActorType, system_actor
from crewhall.kernel.ids import new_id
from crewhall.kernel.verified import Verified
from tests.agents.hall import AgentHall, AgentMember, AgentOrg
from tests.support.database import SharedCluster


async def uses_of(org: AgentOrg, agent: AgentMember, **params: str | int) -> list[dict[str, object]]:
    url = f"/agents/{agent.id}/credentials/{agent.credential_id}/usage"
    items: list[dict[str, object]] = (await org.owner.api.get(url, params=params)).json()["items"]
    return items


@pytest.mark.rule("D10")
async def test_every_validation_is_logged_good_or_bad_with_its_address(hall: AgentHall, org: AgentOrg):
    agent = await org.hire()
    await hall.client(agent.key, address="10.7.0.1").get("/agents")
    await hall.client(agent.key[:12] + "x" * 43, address="10.7.0.2").get("/agents")
    await org.owner.api.patch(f"/agents/{agent.id}", json={"status": "inactive"})
    await hall.hear_revocations()
    await hall.client(agent.key, address="10.7.0.3").get("/agents")
    await hall.parts.keys.close()
    logged = {(use["ok"], use["reason"], use["uses"], use["address"]) for use in await uses_of(org, agent)}
    assert logged == {
        (True, None, 1, "10.7.0.1"),
        (False, "wrong_secret", 1, "10.7.0.2"),
        (False, "agent_inactive", 1, "10.7.0.3"),
    }


@pytest.mark.rule("D10")
async def test_further_uses_are_counted_and_written_in_aggregate(hall: AgentHall, org: AgentOrg):
    agent = await org.hire()
    one, two = hall.client(agent.key, address="10.6.0.1"), hall.client(agent.key, address="10.6.0.2")
    for _ in range(4):
        await one.get("/agents")
    for _ in range(3):
        await two.get("/agents")
    assert [use["uses"] for use in await uses_of(org, agent)] == [1]
    await hall.parts.uses.flush()
    logged = {(use["uses"], use["address"]) for use in await uses_of(org, agent)}
    assert logged == {(1, "10.6.0.1"), (3, "10.6.0.1"), (3, "10.6.0.2")}
    await hall.parts.uses.flush()
    assert len(await uses_of(org, agent)) == 3
    shown = (await org.owner.api.get(f"/agents/{agent.id}/credentials")).json()["items"][0]
    assert shown["last_used_at"] >= shown["created_at"]


async def test_uses_are_paged_newest_first(hall: AgentHall, org: AgentOrg):
    agent = await org.hire()
    for number in range(5):
        await hall.client(agent.key, address=f"10.5.0.{number}").get("/agents")
        await hall.parts.uses.flush()
    url = f"/agents/{agent.id}/credentials/{agent.credential_id}/usage"
    first = (await org.owner.api.get(url, params={"limit": 3})).json()
    second = (await org.owner.api.get(url, params={"limit": 3, "after": first["next"]})).json()
    addresses = [use["address"] for use in first["items"] + second["items"]]
    assert addresses == [f"10.5.0.{number}" for number in (4, 3, 2, 1, 0)]
    assert second["next"] is None


def verified_of(agent: AgentMember, org: AgentOrg) -> Verified:
    actor = Actor(type=ActorType.AGENT, id=UUID(agent.id), org_id=org.base.id, credential_id=UUID(agent.credential_id))
    return Verified(actor, ())


async def test_counts_are_written_by_themselves_and_nothing_is_pending_while_idle(hall: AgentHall, org: AgentOrg):
    agent = await org.hire()
    uses = KeyUses(hall.db, flush_after_s=0.01)
    assert not uses.pending
    uses.count(verified_of(agent, org), "10.4.0.1")
    uses.count(verified_of(agent, org), "10.4.0.1")
    flushing = uses._flushing
    assert flushing
    await flushing
    assert [use["uses"] for use in await uses_of(org, agent)] == [2]
    assert not uses.pending


async def test_what_was_counted_is_written_when_the_process_ends(hall: AgentHall, org: AgentOrg):
    agent = await org.hire()
    uses = KeyUses(hall.db, flush_after_s=600)
    uses.count(verified_of(agent, org), "10.4.0.2")
    await uses.close()
    assert [use["uses"] for use in await uses_of(org, agent)] == [1]


async def test_what_cannot_be_written_stays_counted(hall: AgentHall, org: AgentOrg, monkeypatch: pytest.MonkeyPatch):
    agent = await org.hire()
    uses = KeyUses(hall.db, flush_after_s=600)
    uses.count(verified_of(agent, org), "10.4.0.3")

    async def fail(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr("crewhall.agents.usage.record_use", fail)
        with pytest.raises(psycopg.OperationalError):
            await uses.flush()
    assert await uses_of(org, agent) == []
    uses.count(verified_of(agent, org), "10.4.0.3")
    await uses.close()
    assert [use["uses"] for use in await uses_of(org, agent)] == [2]


INSERT = """
insert into credential_usage (id, org_id, credential_id, agent_id, ok) values (%(id)s, %(org)s, %(id)s, %(id)s, true)
"""


@pytest.mark.rule("D10")
@pytest.mark.parametrize(
    "change",
    [
        "update credential_usage set ok = true",
        "delete from credential_usage",
        "truncate credential_usage",
        "drop table credential_usage",
        "alter table credential_usage disable trigger all",
    ],
)
async def test_the_application_can_add_to_the_log_but_change_nothing_in_it(hall: AgentHall, org: AgentOrg, change: str):
    async with hall.db.transaction(system_actor(org.base.id)) as tx:
        await tx.run(INSERT, {"id": new_id(), "org": org.base.id})
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with hall.db.transaction(system_actor(org.base.id)) as tx:
            await tx.connection.execute(change.encode())


async def test_even_the_administrator_cannot_change_the_log(
    hall: AgentHall, cluster: SharedCluster, database: str, org: AgentOrg
):
    async with hall.db.transaction(system_actor(org.base.id)) as tx:
        await tx.run(INSERT, {"id": new_id(), "org": org.base.id})
    admin = cluster.urls(database).admin
    for change in (
        "update credential_usage set ok = true",
        "delete from credential_usage",
        "truncate credential_usage",
    ):
        async with await psycopg.AsyncConnection.connect(admin) as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(change.encode())


@pytest.mark.rule("B1")
async def test_a_partition_cannot_be_read_past_the_policy_of_the_log(hall: AgentHall, org: AgentOrg):
    async with hall.db.transaction(system_actor(org.base.id)) as tx:
        partitions = await tx.values(
            "select inhrelid::regclass::text from pg_inherits where inhparent = 'credential_usage'::regclass order by 1"
        )
        assert len(partitions) >= 4, "this month and the next three"
    for partition in partitions:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with hall.db.transaction(system_actor(org.base.id)) as tx:
                await tx.connection.execute(f"select * from {partition}".encode())
