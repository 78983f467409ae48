"""Agents through HTTP: created, changed, forked, deleted; and who may not."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from crewhall.agents import AgentCreated, AgentDeleted, AgentStatusChanged
from crewhall.agents.vocabulary import AgentKind
from crewhall.identity.events import InstallationSeeded
from crewhall.kernel import events
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.ids import new_id
from tests.agents.hall import AgentHall, AgentOrg

PERSONA: dict[str, Any] = {
    "name": "Übersicht & Plan",
    "description": "Plans.",
    "role_title": "Planner",
    "instructions": "Plan well.",
    "icon_url": "https://icons.example/plan.png",
    "kind": "research",
    "level": "organization",
    "project_id": None,
    "status": "probation",
    "public_key": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "model_config": {"provider": "local", "model": "m", "temperature": 0.5, "top_p": 0.9},
    "tools": ["web.search"],
    "embedding_model": "small",
    "rag_enabled": True,
    "capabilities": ["planning"],
    "scheduling_config": {"enabled": True, "timezone": "Asia/Tokyo", "working_hours": "9-17"},
    "visibility": "private",
    "version": "2.3.4",
    "settings": {"a": [1]},
    "metadata": {"b": None},
}


@pytest.mark.rule("B2")
async def test_a_new_agent_keeps_every_column_and_gets_a_code_from_its_name(org: AgentOrg):
    made = await org.create(**PERSONA)
    assert {name: made[name] for name in PERSONA} == PERSONA
    assert made["code"] == "ubersicht-plan"
    assert (made["presence"], made["trust_score"], made["last_heartbeat_at"]) == ("online", 50.0, None)
    assert made["owner_user_id"] == made["created_by"] == str(org.owner.id)
    assert (await org.owner.api.get(f"/agents/{made['id']}")).json() == made


async def test_codes_are_numbered_when_names_give_the_same(org: AgentOrg):
    names = ["Data bot", "Data-bot", "data bot!"]
    assert [(await org.create(name=name))["code"] for name in names] == ["data-bot", "data-bot-2", "data-bot-3"]
    assert (await org.create(name="案内"))["code"].startswith("agent-")


async def test_a_code_and_a_name_are_unique_in_the_organization_only(org: AgentOrg, other_org: AgentOrg):
    await org.create(name="Scout", code="scout")
    same_code = await org.owner.api.post("/agents", json={"name": "Other", "code": "scout"})
    same_name = await org.owner.api.post("/agents", json={"name": "Scout", "code": "other"})
    assert (same_code.status_code, same_code.json()["field"]) == (409, "code")
    assert (same_name.status_code, same_name.json()["field"]) == (409, "name")
    assert (await other_org.create(name="Scout", code="scout"))["code"] == "scout"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 256},
        {"name": "nul\0"},
        {"metadata": {"nul": "\0"}},
        {"code": "Upper"},
        {"code": "a b"},
        {"kind": "unknown"},
        {"visibility": "secret"},
        {"status": "terminated"},
        {"status": "maintenance"},
        {"template": "no-such-template"},
        {"icon_url": "javascript:alert(1)"},
        {"public_key": "c2hvcnQ="},
        {"model_config": {"temperature": 2.5}},
        {"model_config": {"padding": "x" * 70_000}},
        {"capabilities": ["Not a slug"]},
        {"capabilities": ["x" * 51]},
        {"tools": "web"},
        {"scheduling_config": {"timezone": "Mars/Base"}},
        {"version": "latest"},
        {"trust_score": 99},
        {"level": "project"},
        {"owner_user_id": "00000000-0000-7000-8000-000000000000"},
    ],
)
async def test_wrong_values_are_refused(org: AgentOrg, wrong: dict[str, object]):
    refused = await org.owner.api.post("/agents", json={"name": "Scout", **wrong})
    assert refused.status_code in {400, 422}, refused.text
    assert (await org.owner.api.get("/agents")).json()["items"] == []


async def test_half_a_character_is_refused(org: AgentOrg):
    body = rb'{"name": "Scout", "metadata": {"half": "\ud800"}}'
    refused = await org.owner.api.post("/agents", content=body, headers={"content-type": "application/json"})
    assert refused.status_code in {400, 422}, refused.text


async def test_a_name_is_needed_unless_a_template_gives_one(hall: AgentHall, org: AgentOrg):
    assert (await org.owner.api.post("/agents", json={})).status_code == 422
    async with hall.db.transaction(org.owner.actor) as tx:
        await events.publish(tx, org.owner.actor, InstallationSeeded(org_id=org.base.id))
        await events.publish(tx, org.owner.actor, InstallationSeeded(org_id=org.base.id))
    listed = (await org.owner.api.get("/agents/templates", params={"limit": 3})).json()
    rest = (await org.owner.api.get("/agents/templates", params={"after": listed["next"]})).json()
    templates = listed["items"] + rest["items"]
    assert len({template["code"] for template in templates}) == len(templates)
    assert {template["kind"] for template in templates} == set(AgentKind), "every kind has one"
    made = (await org.owner.api.post("/agents", json={"template": "researcher", "capabilities": ["maps"]})).json()
    assert (made["name"], made["kind"], made["capabilities"], made["version"]) == (
        "Researcher", "research", ["maps"], "1.0.0",
    )  # fmt: skip
    assert made["instructions"]


async def test_the_version_rises_when_what_the_agent_thinks_with_changes(org: AgentOrg):
    url = f"/agents/{(await org.create())['id']}"
    changes = [
        {"instructions": "New."},
        {"instructions": "New."},
        {"description": "Not thought with."},
        {"tools": ["a"], "model_config": {"model": "m"}},
        {"tools": ["b"], "version": "7.0.1"},
        {"instructions": None},
    ]
    versions = [(await org.owner.api.patch(url, json=change)).json()["version"] for change in changes]
    assert versions == ["1.1.0", "1.1.0", "1.1.0", "1.2.0", "7.0.1", "7.1.0"]


async def test_a_change_made_upon_an_old_version_is_refused(org: AgentOrg):
    url = f"/agents/{(await org.create())['id']}"
    first = await org.owner.api.patch(url, json={"instructions": "A", "expected_version": "1.0.0"})
    late = await org.owner.api.patch(url, json={"instructions": "B", "expected_version": "1.0.0"})
    assert (first.status_code, late.status_code, late.json()["version"]) == (200, 409, "1.1.0")
    assert (await org.owner.api.get(url)).json()["instructions"] == "A"


@pytest.mark.rule("D12")
async def test_updated_at_moves_with_every_change(org: AgentOrg):
    made = await org.create()
    changed = (await org.owner.api.patch(f"/agents/{made['id']}", json={"description": "x"})).json()
    unchanged = (await org.owner.api.patch(f"/agents/{made['id']}", json={"description": "x"})).json()
    assert made["updated_at"] < changed["updated_at"] == unchanged["updated_at"]


@pytest.mark.rule("C4")
async def test_a_fork_remembers_its_origin_and_takes_neither_keys_nor_standing(org: AgentOrg):
    origin = await org.create(**PERSONA)
    await org.make_key(origin["id"])
    admin = await org.add("admin")
    fork = (await admin.api.post(f"/agents/{origin['id']}/fork", json={"name": "Second"})).json()
    assert (fork["parent_agent_id"], fork["code"], fork["status"]) == (origin["id"], "second", "active")
    assert (fork["instructions"], fork["version"]) == (origin["instructions"], origin["version"])
    assert (fork["public_key"], fork["owner_user_id"]) == (None, str(admin.id))
    assert (await org.owner.api.get(f"/agents/{fork['id']}/credentials")).json()["items"] == []


@pytest.mark.rule("A5")
async def test_deletion_is_soft_and_leaves_every_list(hall: AgentHall, org: AgentOrg):
    agent = await org.hire(name="Scout", code="scout")
    assert (await org.owner.api.delete(f"/agents/{agent.id}")).status_code == 204
    assert (await org.owner.api.get("/agents")).json()["items"] == []
    assert (await org.owner.api.get(f"/agents/{agent.id}")).status_code == 404
    assert (await org.owner.api.delete(f"/agents/{agent.id}")).status_code == 404
    async with hall.db.transaction(org.owner.actor) as tx:
        kept = "select deleted_at is not null from agents where id = %(id)s"
        active = "select bool_or(is_active) from agent_credentials where agent_id = %(id)s"
        assert await tx.value(kept, {"id": agent.id}) is True
        assert await tx.value(active, {"id": agent.id}) is False
    assert (await org.create(name="Scout", code="scout"))["id"] != agent.id


@pytest.mark.rule("A2")
async def test_events_are_told_in_the_transaction_of_the_change(org: AgentOrg):
    told: list[object] = []
    fails = False

    async def hear(_tx: Tx, _actor: Actor, event: object) -> None:
        told.append(event)
        if fails:
            raise RuntimeError("the topic cannot be made")

    for kind in (AgentCreated, AgentDeleted, AgentStatusChanged):
        events.subscribe(kind, hear)
    try:
        agent = await org.create(name="Scout")
        await org.owner.api.patch(f"/agents/{agent['id']}", json={"status": "maintenance"})
        fails = True
        refused = await org.owner.api.post("/agents", json={"name": "Topicless"})
        kept = await org.owner.api.delete(f"/agents/{agent['id']}")
    finally:
        for kind in (AgentCreated, AgentDeleted, AgentStatusChanged):
            events._handlers[kind].remove(hear)
    assert [type(event) for event in told] == [AgentCreated, AgentStatusChanged, AgentCreated, AgentDeleted]
    assert (refused.status_code, kept.status_code) == (500, 500)
    assert [item["name"] for item in (await org.owner.api.get("/agents")).json()["items"]] == ["Scout"]


@pytest.mark.rule("E1")
async def test_only_admins_and_the_owner_of_an_agent_change_it(org: AgentOrg, other_org: AgentOrg):
    admin, member, agent = await org.add("admin"), await org.add(), await org.hire(name="Peer")
    target = await org.create(name="Target")
    url = f"/agents/{target['id']}"
    for api in (member.api, agent.api):
        assert (await api.get(url)).status_code == 200
        assert (await api.patch(url, json={"name": "Mine"})).status_code == 403
        assert (await api.delete(url)).status_code == 403
        assert (await api.post("/agents", json={"name": "New"})).status_code == 403
        assert (await api.post(f"{url}/fork", json={"name": "New"})).status_code == 403
    stranger = other_org.owner.api
    assert (await stranger.get(url)).status_code == 404
    assert (await stranger.patch(url, json={"name": "Mine"})).status_code == 404
    assert (await stranger.delete(url)).status_code == 404
    assert (await stranger.post(f"{url}/fork", json={"name": "New"})).status_code == 404
    guest = org.hall.client()
    assert (await guest.get(url)).status_code == 401
    handed = await admin.api.patch(url, json={"owner_user_id": str(member.id)})
    assert handed.status_code == 200
    assert (await member.api.patch(url, json={"name": "Mine"})).json()["name"] == "Mine"
    assert (await member.api.delete(url)).status_code == 204


async def test_an_agent_does_not_change_itself(org: AgentOrg):
    agent = await org.hire()
    assert (await agent.api.patch(f"/agents/{agent.id}", json={"instructions": "Be free."})).status_code == 403
    assert (await agent.api.delete(f"/agents/{agent.id}")).status_code == 403


async def test_who_leaves_owns_no_agent_of_the_organization(org: AgentOrg):
    admin = await org.add("admin")
    agent = await org.create(by=admin, name="Left behind", visibility="private")
    assert (await org.owner.api.delete(f"/people/{admin.id}")).status_code == 204
    assert (await org.owner.api.get(f"/agents/{agent['id']}")).json()["owner_user_id"] is None


async def test_a_private_agent_can_be_given_away(org: AgentOrg):
    admin, member = await org.add("admin"), await org.add()
    agent = await org.create(by=admin, name="Private", visibility="private", owner_user_id=str(member.id))
    given = await member.api.patch(f"/agents/{agent['id']}", json={"owner_user_id": str(admin.id)})
    assert given.status_code == 200
    assert (await member.api.get(f"/agents/{agent['id']}")).status_code == 404


@pytest.mark.rule("C10")
async def test_every_administrative_act_is_audited_with_its_address(org: AgentOrg):
    agent = await org.create(name="Scout")
    url = f"/agents/{agent['id']}"
    await org.owner.api.patch(url, json={"status": "inactive"})
    await org.owner.api.patch(url, json={"status": "active", "role_title": "Scout"})
    first = (await org.owner.api.post(f"{url}/credentials", json={"label": "one"})).json()
    second = (await org.owner.api.post(f"{url}/credentials/{first['id']}/rotate", json={})).json()
    await org.owner.api.delete(f"{url}/credentials/{second['id']}")
    await org.owner.api.delete(url)
    entries = [entry for entry in await org.audited() if entry["action"].startswith("agent.")]
    assert [entry["action"] for entry in reversed(entries)] == [
        "agent.created",
        "agent.status_changed",
        "agent.updated",
        "agent.status_changed",
        "agent.credential_created",
        "agent.credential_rotated",
        "agent.credential_revoked",
        "agent.deleted",
    ]
    addresses = {entry["ip_address"] for entry in entries}
    assert len(addresses) == 1
    assert ip_address(addresses.pop()) in ip_network("10.0.0.0/8")
    assert {entry["actor_id"] for entry in entries} == {str(org.owner.id)}
    assert first["key"] not in str(entries)
    assert second["key"] not in str(entries)


@pytest.mark.rule("B1")
async def test_an_unknown_agent_and_one_of_another_organization_look_the_same(org: AgentOrg, other_org: AgentOrg):
    theirs = await other_org.create(name="Theirs")
    foreign = (await org.owner.api.get(f"/agents/{theirs['id']}")).json()
    unknown = (await org.owner.api.get(f"/agents/{new_id()}")).json()
    foreign.pop("request_id")
    unknown.pop("request_id")
    assert foreign == unknown
    assert foreign["status"] == 404
