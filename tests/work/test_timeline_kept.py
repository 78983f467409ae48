"""The timeline in the database itself: never changed, in partitions made ahead of time, nobody's but its own."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import SET_SCOPE, scope_of
from crewhall.kernel.ids import new_id
from crewhall.work import record_event
from crewhall.work.timeline_content import Content, SessionLogged
from crewhall.work.timeline_kinds import EXTENSION, EventKind, event_kinds, register_event_kind
from crewhall.work.timeline_vocabulary import EventType
from tests.identity.hall import Org
from tests.support.server import Server
from tests.work.timeline_ground import listed, posted

EVENT: LiteralString = """
insert into events (id, org_id, type, author_type, author_id, author_name, content)
values (gen_random_uuid(), %(org)s, %(type)s, %(author_type)s, %(author)s, %(name)s, '{}')
"""


@pytest.mark.rule("D5")
@pytest.mark.parametrize(
    "sql",
    [
        "update events set content = '{}' where id = %(id)s",
        "delete from events where id = %(id)s",
        "truncate events",
        "drop table events",
        "alter table events disable trigger append_only",
        "alter table events add column forged text",
    ],
)
async def test_the_application_cannot_change_what_happened(server: Server, org: Org, sql: LiteralString):
    one = await posted(org.owner)
    with pytest.raises(errors.InsufficientPrivilege):
        async with server.db.transaction(org.owner.actor) as tx:
            await tx.run(sql, {"id": one["id"]})
    assert [found["id"] for found in await listed(org.owner.api)] == [one["id"]]


@pytest.mark.rule("D5")
async def test_not_even_the_administrator_changes_it(server: Server, org: Org):
    one = await posted(org.owner)
    async with await psycopg.AsyncConnection.connect(server._urls.admin) as connection:
        for sql in ("update events set type = 'session_log' where id = %(id)s", "delete from events where id = %(id)s"):
            with pytest.raises(errors.InsufficientPrivilege):
                await connection.execute(sql, {"id": one["id"]})
            await connection.rollback()


@pytest.mark.rule("D5", "D16")
async def test_no_partition_is_read_or_written_by_itself(server: Server, org: Org):
    await posted(org.owner)
    name = f"events_{utc_now():%Y_%m}"
    for sql in (f"select * from {name}", f"delete from {name}", f"truncate {name}", f"drop table {name}"):
        with pytest.raises(errors.InsufficientPrivilege):
            async with server.db.transaction(org.owner.actor) as tx:
                await tx.run(sql)


@pytest.mark.rule("B1", "D5")
async def test_the_database_refuses_what_is_no_event(server: Server, org: Org, other_org: Org):
    own = {"org": org.id, "type": "session_log", "author_type": "user", "author": org.owner.id, "name": "Ada"}
    wrong: list[tuple[dict[str, object], type[Exception]]] = [
        ({"type": "gossip"}, errors.CheckViolation),
        ({"type": "x.Gossip"}, errors.CheckViolation),
        ({"type": "kpi_updated"}, errors.CheckViolation),
        ({"type": "trust_score_changed"}, errors.CheckViolation),
        ({"author_type": "system"}, errors.CheckViolation),
        ({"author": None}, errors.CheckViolation),
        ({"org": other_org.id}, errors.InsufficientPrivilege),
    ]
    for changed, refusal in wrong:
        with pytest.raises(refusal):
            async with server.db.transaction(org.owner.actor) as tx:
                await tx.run(EVENT, own | changed)
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(EVENT, own | {"type": "x.crm.deal_won"})
        assert await tx.value("select count(*) from events") == 1


async def test_the_closed_set_is_the_same_in_python_and_in_the_database(server: Server):
    async with server.db.transaction(None) as tx:
        known = await tx.values(
            """
            select unnest(string_to_array((regexp_match(pg_get_constraintdef(oid), '{([a-z_,]+)}'))[1], ','))
            from pg_constraint where conname = 'events_type' and conrelid = 'events'::regclass
            """
        )
    assert set(known) == set(EventType)
    assert {kind.name for kind in event_kinds() if not EXTENSION.match(kind.name)} == set(EventType)


@pytest.mark.rule("D16")
async def test_partitions_are_there_ahead_of_time_and_for_what_is_told_late(server: Server, org: Org):
    month = utc_now().replace(day=1)
    names = [f"events_{month:%Y_%m}"]
    for _ in range(3):
        month = (month + timedelta(days=32)).replace(day=1)
        names.append(f"events_{month:%Y_%m}")
    async with server.db.transaction(None) as tx:
        made = set(
            await tx.values("select inhrelid::regclass::text from pg_inherits where inhparent = 'events'::regclass")
        )
        assert made >= set(names)
        assert await tx.value("select ensure_partitions()") == 0
    moment = datetime(2021, 5, 31, 23, 30, tzinfo=UTC)
    for at in (moment, moment + timedelta(hours=1)):
        async with server.db.transaction(org.owner.actor) as tx:
            await record_event(tx, org.id, SessionLogged(message="Long ago."), author=org.owner.actor, at=at)
    assert [one["timestamp"] for one in await listed(org.owner.api, until="2022-01-01T00:00:00Z")] == [
        "2021-06-01T00:30:00Z", "2021-05-31T23:30:00Z",
    ]  # fmt: skip
    for wrong in (utc_now() - timedelta(days=4000), utc_now() + timedelta(days=2)):
        with pytest.raises(errors.InvalidParameterValue):
            async with server.db.transaction(org.owner.actor) as tx:
                await record_event(tx, org.id, SessionLogged(message="When?"), at=wrong)


@pytest.mark.rule("D16")
async def test_processes_that_make_the_same_partition_do_not_collide(server: Server, org: Org):
    async def record() -> UUID:
        async with server.db.transaction(org.owner.actor) as tx:
            at = datetime(2020, 2, 2, tzinfo=UTC)
            return await record_event(tx, org.id, SessionLogged(message="Once."), author=org.owner.actor, at=at)

    made = await asyncio.gather(*(record() for _ in range(4)))
    assert len(await listed(org.owner.api, until="2020-03-01T00:00:00Z")) == len(set(made)) == 4


async def test_an_extension_registers_its_own_type(server: Server, org: Org):
    class DealWon(Content):
        """A deal was won."""

        deal: str

    def kind(name: str) -> EventKind:
        return EventKind(name=name, holds=DealWon, label="Deal", did="won", group="crm", icon="star", title="deal",
                         is_posted=True)  # fmt: skip

    for name in ("deal_won", "x", "x.Deal", "problem_report", "x." + "a" * 100):
        with pytest.raises(ValueError, match=r"extension|already"):
            register_event_kind(kind(name))
    register_event_kind(kind("x.crm.deal_won"))
    register_event_kind(kind("x.crm.deal_won"))
    one = await posted(org.owner, type="x.crm.deal_won", content={"deal": "Ten sacks"})
    assert one["summary"].endswith("won: Ten sacks")
    wrong = await org.owner.api.post("/timeline", json={"type": "x.crm.deal_won", "content": {}})
    assert wrong.status_code == 422
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(EVENT, {"org": org.id, "type": "x.gone.by", "author_type": None, "author": None, "name": None})
    (left,) = await listed(org.owner.api, type="x.gone.by")
    assert (left["author"], left["text"]) == (None, "")


def test_a_row_of_one_tenant_is_nobody_elses(server: Server, org: Org, other_org: Org):
    """By SQL as the application: the policy, and the functions that pass it by."""
    actor = Actor(ActorType.USER, new_id(), other_org.id)
    with psycopg.connect(server._urls.app) as connection:
        connection.execute(SET_SCOPE, scope_of(org.owner.actor))
        connection.execute(
            EVENT, {"org": org.id, "type": "session_log", "author_type": None, "author": None, "name": None}
        )
        count = (
            "select count(*) from timeline_events(null,null,null,null,null,null,null,'[]',null,null,null,null,false,50)"
        )
        assert connection.execute(count).fetchone() == (1,)
        connection.execute(SET_SCOPE, scope_of(actor))
        assert connection.execute(count).fetchone() == (0,)
        assert connection.execute("select count(*) from events").fetchone() == (0,)
        connection.rollback()
