"""What the database itself holds about agents, whatever the application does."""

import re
from enum import StrEnum
from typing import Any

import psycopg
import pytest

from crewhall.agents import AgentKind, AgentLevel, AgentStatus, Presence, Visibility
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.ids import new_id
from tests.agents.conftest import SuperuserRows
from tests.agents.hall import AgentHall, AgentOrg

SET = "update agents set {} where id = %(id)s"


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        ("agents_level", AgentLevel),
        ("agents_kind", AgentKind),
        ("agents_status", AgentStatus),
        ("agents_presence", Presence),
        ("agents_visibility", Visibility),
    ],
)
async def test_each_closed_set_is_the_same_in_code_and_check(
    superuser_rows: SuperuserRows, constraint: str, words: type[StrEnum]
):
    ((definition,),) = await superuser_rows(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = %s", constraint
    )
    assert set(re.findall(r"'([^']*)'::text", definition)) == {str(word) for word in words}


@pytest.mark.rule("D2")
@pytest.mark.parametrize(
    ("assignment", "constraint"),
    [
        ("level = 'project'", "agents_level_project"),
        ("project_id = gen_random_uuid()", "agents_level_project"),
        ("trust_score = 100.01", "agents_trust_score"),
        ("trust_score = -0.01", "agents_trust_score"),
        ("status = 'asleep'", "agents_status"),
        ("code = 'No Slug'", "agents_code"),
        ("name = ''", "agents_name"),
    ],
)
async def test_the_database_refuses_what_no_agent_may_be(
    hall: AgentHall, org: AgentOrg, assignment: str, constraint: str
):
    agent = await org.create()
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        async with hall.db.transaction(org.owner.actor) as tx:
            await tx.connection.execute(SET.format(assignment).encode(), {"id": agent["id"]})
    assert refused.value.diag.constraint_name == constraint


@pytest.mark.rule("D2")
@pytest.mark.parametrize(
    "assignment",
    ["level = 'project', project_id = %(project)s", "trust_score = 0", "trust_score = 100"],
)
async def test_the_database_takes_what_an_agent_may_be(hall: AgentHall, org: AgentOrg, assignment: str):
    agent, project = await org.create(), await org.project("shop")
    async with hall.db.transaction(org.owner.actor) as tx:
        values = {"id": agent["id"], "project": project}
        assert (await tx.connection.execute(SET.format(assignment).encode(), values)).rowcount == 1


@pytest.mark.rule("B1")
@pytest.mark.parametrize("table", ["agents", "agent_credentials", "credential_usage"])
async def test_no_row_of_another_organization_is_seen_changed_or_written(
    hall: AgentHall, org: AgentOrg, other_org: AgentOrg, table: str
):
    theirs = await other_org.hire()
    await theirs.api.get("/agents")
    count = f"select count(*) from {table} where org_id = %(org)s".encode()
    async with hall.db.transaction(other_org.owner.actor) as tx:
        row = await (await tx.connection.execute(count, {"org": other_org.base.id})).fetchone()
        assert row
        assert row[0] > 0
    async with hall.db.transaction(org.owner.actor) as tx:
        row = await (await tx.connection.execute(count, {"org": other_org.base.id})).fetchone()
        assert row == (0,)
        if table != "credential_usage":
            changed = await tx.connection.execute(
                f"update {table} set updated_at = now() where org_id = %(org)s".encode(), {"org": other_org.base.id}
            )
            assert changed.rowcount == 0
    async with hall.db.transaction(None) as tx:
        row = await (await tx.connection.execute(f"select count(*) from {table}".encode())).fetchone()
        assert row == (0,)


@pytest.mark.rule("B1")
async def test_an_agent_cannot_be_written_into_another_organization(
    hall: AgentHall, org: AgentOrg, other_org: AgentOrg
):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with hall.db.transaction(org.owner.actor) as tx:
            await tx.run(
                "insert into agents (id, org_id, code, name) values (%(id)s, %(org)s, 'spy', 'Spy')",
                {"id": new_id(), "org": other_org.base.id},
            )


async def test_a_fork_cannot_descend_from_another_organizations_agent(
    hall: AgentHall, org: AgentOrg, other_org: AgentOrg
):
    mine, theirs = await org.create(), await other_org.create()
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        async with hall.db.transaction(org.owner.actor) as tx:
            await tx.run(
                "update agents set parent_agent_id = %(parent)s where id = %(id)s",
                {"parent": theirs["id"], "id": mine["id"]},
            )


@pytest.mark.rule("E2")
async def test_an_agent_reads_no_credentials_but_its_own(hall: AgentHall, org: AgentOrg):
    one, two = await org.hire(name="one"), await org.hire(name="two")
    for agent in (one, two):
        await agent.api.get("/agents")
    actor = (await hall.verified.resolve(one.key)).actor
    async with hall.db.transaction(actor) as tx:
        for sql in (
            "select distinct agent_id from agent_credentials",
            "select distinct agent_id from credential_usage",
        ):
            rows = await (await tx.connection.execute(sql.encode())).fetchall()
            assert [str(row[0]) for row in rows] == [one.id]


@pytest.mark.rule("D1")
@pytest.mark.parametrize("column", ["hash", "ciphertext", "*"])
async def test_nobody_who_serves_requests_can_read_a_hash(hall: AgentHall, org: AgentOrg, column: str):
    await org.hire()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with hall.db.transaction(org.owner.actor) as tx:
            await tx.connection.execute(f"select {column} from agent_credentials".encode())


@pytest.mark.rule("B1")
async def test_the_lookup_of_a_key_gives_ids_and_hash_only(hall: AgentHall, org: AgentOrg):
    agent = await org.hire()
    async with hall.db.transaction(None) as tx:
        cursor = await tx.connection.execute("select * from find_agent_key(%s)", [agent.key[:12]])
        assert [column.name for column in cursor.description or ()] == ["credential_id", "agent_id", "org_id", "hash"]
        rows: list[Any] = await cursor.fetchall()
    assert [str(value) for value in rows[0][:3]] == [agent.credential_id, agent.id, str(org.base.id)]


@pytest.mark.rule("B1")
async def test_search_takes_its_tenant_from_the_transaction(hall: AgentHall, org: AgentOrg, other_org: AgentOrg):
    await org.create(name="Scout")
    nobody = Actor(type=ActorType.USER, id=new_id(), org_id=None)
    for actor in (None, nobody, other_org.owner.actor):
        async with hall.db.transaction(actor) as tx:
            assert await tx.values("select search_agents('scout', null)") == []


@pytest.mark.rule("D12")
async def test_updated_at_is_moved_by_the_database(hall: AgentHall, org: AgentOrg):
    agent = await org.hire()
    for table, id in (("agents", agent.id), ("agent_credentials", agent.credential_id)):
        async with hall.db.transaction(org.owner.actor) as tx:
            sql = f"update {table} set updated_at = '2000-01-01', created_by = created_by where id = %(id)s returning "
            row = await (await tx.connection.execute((sql + "updated_at > now()").encode(), {"id": id})).fetchone()
            assert row == (True,)
