"""Who finds which agents: visibilities, filters, text, pages; the index that answers."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from crewhall.agents import find_agents, find_agents_by_codes
from crewhall.kernel.actor import system_actor
from crewhall.kernel.ids import new_id
from tests.agents.hall import AgentHall, AgentOrg
from tests.identity.hall import Member
from tests.support.database import SharedCluster


async def names(member: Member | Any, **params: Any) -> list[str]:
    answer = await member.api.get("/agents", params=params)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


@pytest.mark.rule("B2")
async def test_hidden_agents_are_in_no_listing_and_private_ones_in_their_owners_and_admins(org: AgentOrg):
    owner_of_agents, member, admin = await org.add(), await org.add(), await org.add("admin")
    mine: dict[str, Any] = {"owner_user_id": str(owner_of_agents.id)}
    shown = {kind: await org.create(name=kind, visibility=kind, **mine) for kind in ("public", "private", "hidden")}
    watcher = await org.hire(name="watcher")

    assert await names(member) == ["public", "watcher"]
    assert await names(watcher) == ["public", "watcher"]
    assert await names(owner_of_agents) == await names(admin) == ["public", "private", "watcher"]
    for who, seen in ((member, []), (watcher, []), (owner_of_agents, ["hidden"]), (admin, ["hidden"])):
        assert await names(who, visibility="hidden") == seen
        assert await names(who, q="hidden") == []
        assert await names(who, q="hidden", visibility="hidden") == seen

    def codes(who: Any) -> Any:
        return [who.api.get(f"/agents/{agent['id']}") for agent in shown.values()]

    for who, expected in ((member, [200, 404, 404]), (watcher, [200, 404, 404]), (owner_of_agents, [200, 200, 200])):
        assert [(await answer).status_code for answer in codes(who)] == expected


@pytest.mark.rule("B2")
async def test_instructions_are_for_the_agent_its_owner_and_who_manages_agents(org: AgentOrg):
    owner, member, admin = await org.add(), await org.add(), await org.add("admin")
    agent, other = await org.hire(name="Told", instructions="Keep quiet.", tools=["search_messages"]), await org.hire()
    await org.owner.api.patch(f"/agents/{agent.id}", json={"owner_user_id": str(owner.id)})

    async def shown(who: Any) -> dict[str, Any]:
        found: dict[str, Any] = (await who.api.get(f"/agents/{agent.id}")).json()
        return found

    assert [(await shown(who))["instructions"] for who in (owner, admin, agent, member, other)] == [
        "Keep quiet.", "Keep quiet.", "Keep quiet.", None, None
    ]  # fmt: skip
    assert (await shown(member))["tools"] == ["search_messages"]


@pytest.mark.rule("B2")
async def test_an_agent_sees_itself_whatever_its_visibility(org: AgentOrg):
    agent = await org.hire(name="Shy", visibility="hidden")
    assert (await agent.api.get(f"/agents/{agent.id}")).json()["name"] == "Shy"
    assert await names(agent) == []
    assert await names(agent, visibility="hidden") == ["Shy"]


@pytest.mark.rule("D2")
async def test_an_agent_of_a_project_sees_the_agents_of_its_project(org: AgentOrg):
    one, two = await org.project("one"), await org.project("two")
    first = await org.hire(name="first", level="project", project_id=one)
    await org.create(name="second", level="project", project_id=one)
    await org.create(name="elsewhere", level="project", project_id=two)
    general = await org.hire(name="general")
    assert await names(first) == ["first", "second"]
    assert await names(general) == ["first", "second", "elsewhere", "general"]


@pytest.mark.rule("B1")
async def test_no_listing_or_search_crosses_the_organization(org: AgentOrg, other_org: AgentOrg):
    await other_org.create(name="Scout", capabilities=["maps"])
    assert await names(org.owner) == []
    assert await names(org.owner, q="scout") == []
    assert await names(org.owner, capability="maps") == []
    assert await names(other_org.owner, q="scout", capability="maps") == ["Scout"]


@pytest.mark.rule("E2")
async def test_agents_are_found_by_text_and_capability(org: AgentOrg):
    await org.create(name="Scout", role_title="Market researcher", description="Reads filings.", capabilities=["maps"])
    await org.create(name="Übersetzer", code="translator", description="50% faster_than others", capabilities=["text"])
    await org.create(name="案内ロボット", code="guide", capabilities=["maps", "text"])
    for q, found in {
        "scout": ["Scout"],
        "SCO": ["Scout"],
        "market res": ["Scout"],
        "filings": ["Scout"],
        "market nothing": [],
        "translat": ["Übersetzer"],
        "setz": ["Übersetzer"],
        "ロボ": ["案内ロボット"],
        "%": [],
        "_": [],
        "a' | 'b & !(:*": [],
        "\\": [],
        "the": [],
    }.items():
        assert await names(org.owner, q=q) == found, q
    assert await names(org.owner, q="   ") == ["Scout", "Übersetzer", "案内ロボット"]
    assert await names(org.owner, capability="maps") == ["Scout", "案内ロボット"]
    assert await names(org.owner, capability="text", q="guide") == ["案内ロボット"]
    assert (await org.owner.api.get("/agents", params={"q": "x" * 201})).status_code == 422


async def test_filters_by_status_kind_and_presence(org: AgentOrg):
    busy = await org.hire(name="busy", kind="sales")
    await org.create(name="trainee", status="probation")
    await busy.api.post(f"/agents/{busy.id}/heartbeat", json={"presence": "busy"})
    assert await names(org.owner, kind="sales") == ["busy"]
    assert await names(org.owner, status="probation") == ["trainee"]
    assert await names(org.owner, presence="busy") == ["busy"]
    assert await names(org.owner, presence="offline") == ["trainee"]
    assert (await org.owner.api.get("/agents", params={"status": "asleep"})).status_code in {400, 422}


async def test_pages_follow_each_other_without_gap_or_repetition(org: AgentOrg):
    made = [(await org.create(name=f"agent {number}"))["name"] for number in range(5)]
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = (await org.owner.api.get("/agents", params={"limit": 2, **after})).json()
        seen += [item["name"] for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == made
    for wrong in ({"after": "rubbish"}, {"limit": 0}, {"limit": 201}):
        assert (await org.owner.api.get("/agents", params=wrong)).status_code == 422


async def test_other_domains_find_agents_within_the_actors_reach(hall: AgentHall, org: AgentOrg):
    public = await org.create(name="public", code="public")
    private = await org.create(name="private", code="private", visibility="private")
    member = await org.add()
    async with hall.db.transaction(member.actor) as tx:
        assert set(await find_agents_by_codes(tx, ["public", "private", "nobody"])) == {"public"}
    async with hall.db.transaction(system_actor(org.base.id)) as tx:
        assert set(await find_agents_by_codes(tx, ["public", "private"])) == {"public", "private"}
        assert len(await find_agents(tx, [UUID(public["id"]), UUID(private["id"]), new_id()])) == 2


async def test_search_uses_its_indexes_under_row_level_security(hall: AgentHall, cluster: SharedCluster, database: str):
    org = await hall.make_agent_org()
    rare = await org.create(name="Zanzibar", capabilities=["navigation"])
    plans: list[str] = []
    found: list[str] = []
    async with await psycopg.AsyncConnection.connect(cluster.superuser(database), autocommit=True) as connection:
        await connection.execute(
            """
            insert into agents (id, org_id, code, name)
            select gen_random_uuid(), %s, 'filler-' || n, 'Filler ' || n from generate_series(1, 5000) as n
            """,
            [org.base.id],
        )
        await connection.execute("analyze agents")
        await connection.execute("load 'auto_explain'")
        for setting in ("log_min_duration = 0", "log_nested_statements = on"):
            await connection.execute(f"set auto_explain.{setting}".encode())
        await connection.execute("set client_min_messages = log")
        connection.add_notice_handler(lambda notice: plans.append(notice.message_primary or ""))
        await connection.execute("set role crewhall_app")
        await connection.execute("select set_config('crewhall.orgs', %s, false)", [f"{{{org.base.id}}}"])
        await connection.execute("select set_config('crewhall.role', 'owner', false)")
        for search in ("search_agents('zanzibar', null)", "search_agents(null, '{navigation}')"):
            cursor = await connection.execute(f"select {search}".encode())
            found += [str(row[0]) for row in await cursor.fetchall()]
        await connection.execute("reset role")
        await connection.execute("delete from agents where code like 'filler-%'")
    assert found == [rare["id"], rare["id"]]
    used = " ".join(plans)
    assert "Bitmap Index Scan on agents_search" in used
    assert "Bitmap Index Scan on agents_capabilities" in used
    assert "Seq Scan on agents a" not in used
