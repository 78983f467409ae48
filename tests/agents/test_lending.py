"""An agent lent to another organization: by a grant that both see, with what it overrides; nothing else crosses."""

import asyncio
from typing import Any

import pytest
from psycopg.errors import InsufficientPrivilege

from tests.agents.hall import AgentHall, AgentOrg
from tests.agents.test_colleagues import got

PERSONA: dict[str, Any] = {
    "name": "Mira",
    "instructions": "Look.",
    "tools": ["search"],
    "capabilities": ["maps"],
    "model_config": {"provider": "local", "model": "large", "temperature": 0.5},
    "visibility": "private",
}


async def lend(org: AgentOrg, borrower: AgentOrg, agent_id: str, **grant: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The grant as the lender sees it, and the agent that stands in."""
    offered = await org.owner.api.post(f"/agents/{agent_id}/grants", json=grant)
    assert offered.status_code == 201, offered.text
    accepted = await borrower.owner.api.post("/grants/accept", json={"code": offered.json()["code"]})
    assert accepted.status_code == 201, accepted.text
    return await got(org.owner, f"/grants/{offered.json()['grant']['id']}"), accepted.json()


async def acts(org: AgentOrg, *names: str) -> list[str]:
    return [entry["summary"] for entry in reversed(await org.audited()) if entry["action"] in names]


@pytest.mark.rule("B5", "B1")
async def test_a_grant_lends_an_agent_and_overrides_it_there(org: AgentOrg, other_org: AgentOrg):
    agent = await org.create(**PERSONA)
    await org.owner.api.post(f"/agents/{agent['id']}/quick-tasks", json={"title": "Look", "prompt": "Look around."})
    config = {"model": "small", "max_tokens": 100}
    grant, stand_in = await lend(org, other_org, agent["id"], visibility="public", config=config)
    assert (grant["direction"], grant["state"], grant["agent_id"]) == ("lent", "accepted", agent["id"])
    theirs = (await got(other_org.owner, "/grants"))["items"][0]
    assert (theirs["direction"], theirs["agent_id"], theirs["id"]) == ("borrowed", stand_in["id"], grant["id"])
    assert stand_in["id"] != agent["id"]
    assert stand_in["model_config"] == {**PERSONA["model_config"], **config}
    assert (stand_in["visibility"], stand_in["instructions"], stand_in["trust_score"]) == ("public", "Look.", 50.0)
    tasks = (await got(other_org.owner, f"/agents/{stand_in['id']}/quick-tasks"))["items"]
    assert [task["title"] for task in tasks] == ["Look"]
    assert agent["id"] not in str(theirs)
    assert stand_in["id"] not in str(grant)
    member = await other_org.add()
    assert [one["name"] for one in (await got(member, "/agents"))["items"]] == ["Mira"]
    for who, where in ((other_org.owner, agent["id"]), (org.owner, stand_in["id"])):
        assert (await who.api.get(f"/agents/{where}")).status_code == 404
    named = (await got(other_org.owner, f"/organizations/{other_org.base.id}"))["name"]
    assert await acts(org, "agent.lent") == [f"Crewhall lent agent Mira to {named}"]
    assert len(await acts(other_org, "agent.borrowed")) == 1


@pytest.mark.rule("B5")
async def test_neither_side_of_a_grant_fills_what_the_other_may_write(org: AgentOrg, other_org: AgentOrg):
    agent = await org.create(**PERSONA)
    grant, stand_in = await lend(org, other_org, agent["id"], config={"more": "z" * 4000})
    for side in (org, other_org):
        refused = await side.owner.api.patch(f"/grants/{grant['id']}", json={"config": {"more": "z" * 4100}})
        assert (refused.status_code, refused.json()["field"], "4 KiB" in refused.text) == (422, "config", True)
    offered = await org.owner.api.post(f"/agents/{agent['id']}/grants", json={"config": {"more": "z" * 4100}})
    assert (offered.status_code, offered.json()["field"]) == (422, "config")
    for size, status in ((65_500, 200), (65_600, 422)):
        change = {"model_config": {"provider": "local", "notes": "x" * size}}
        assert (await org.owner.api.patch(f"/agents/{agent['id']}", json=change)).status_code == status
    found = (await got(other_org.owner, f"/agents/{stand_in['id']}"))["model_config"]
    assert (len(found["notes"]), len(found["more"])) == (65_500, 4000)


@pytest.mark.rule("B5")
async def test_what_the_lender_changes_is_followed_but_for_what_is_overridden(org: AgentOrg, other_org: AgentOrg):
    agent = await org.create(**PERSONA)
    grant, stand_in = await lend(org, other_org, agent["id"], config={"model": "small"})
    home, there = f"/agents/{agent['id']}", f"/agents/{stand_in['id']}"
    change = {"instructions": "Look twice.", "model_config": {"provider": "local", "model": "huge"}, "name": "Mirabel"}
    (await org.owner.api.patch(home, json=change)).raise_for_status()
    found = await got(other_org.owner, there)
    assert (found["instructions"], found["version"], found["name"]) == ("Look twice.", "1.1.0", "Mira")
    assert found["model_config"] == {"provider": "local", "model": "small"}
    versions = (await got(other_org.owner, f"{there}/versions"))["items"]
    assert [one["version"] for one in versions] == ["1.1.0", "1.0.0"]
    own = {"name": "Our Mira", "trust_score": 20, "status": "probation"}
    assert (await other_org.owner.api.patch(there, json=own)).json()["name"] == "Our Mira"
    refused = await other_org.owner.api.patch(there, json={"instructions": "Be ours.", "name": "Ours"})
    assert (refused.status_code, refused.json()["code"], refused.json()["fields"]) == (
        409, "borrowed_agent", ["instructions"],
    )  # fmt: skip
    for path, body in ((f"{there}/fork", {"name": "Copy"}), (f"{there}/grants", {})):
        assert (await other_org.owner.api.post(path, json=body)).json()["code"] == "borrowed_agent"
    (
        await other_org.owner.api.patch(f"/grants/{grant['id']}", json={"visibility": "hidden", "config": {}})
    ).raise_for_status()
    found = await got(other_org.owner, there)
    assert (found["visibility"], found["model_config"]["model"]) == ("hidden", "huge")
    assert (await got(org.owner, home))["visibility"] == "private", "at home it is as it was"
    (await org.owner.api.patch(home, json={"status": "inactive"})).raise_for_status()
    assert (await got(other_org.owner, there))["status"] == "probation", "its standing there was another already"
    (await other_org.owner.api.patch(there, json={"status": "active"})).raise_for_status()
    (await org.owner.api.patch(home, json={"status": "active"})).raise_for_status()
    (await org.owner.api.patch(home, json={"status": "maintenance"})).raise_for_status()
    assert (await got(other_org.owner, there))["status"] == "maintenance"
    for side in (org, other_org):
        assert len(await acts(side, "agent.grant_changed")) == 1


@pytest.mark.rule("B5", "A5")
@pytest.mark.parametrize("by", ["lender", "borrower", "lender deletes", "borrower deletes"])
async def test_a_grant_ends_from_either_side_and_the_agent_leaves(org: AgentOrg, other_org: AgentOrg, by: str):
    agent = await org.create(**PERSONA)
    grant, stand_in = await lend(org, other_org, agent["id"])
    key = await other_org.make_key(stand_in["id"])
    works = other_org.hall.client(key["key"])
    assert (await works.get("/me")).status_code == 200
    api = (org if by.startswith("lender") else other_org).owner.api
    path = {"lender deletes": f"/agents/{agent['id']}", "borrower deletes": f"/agents/{stand_in['id']}"}.get(
        by, f"/grants/{grant['id']}"
    )
    assert (await api.delete(path)).status_code == 204
    await other_org.hall.hear_revocations()
    assert (await works.get("/me")).status_code == 401
    assert (await other_org.owner.api.get(f"/agents/{stand_in['id']}")).status_code == 404
    at_home = (await org.owner.api.get(f"/agents/{agent['id']}")).status_code
    assert at_home == (404 if by == "lender deletes" else 200)
    for side in (org, other_org):
        assert [one["state"] for one in (await got(side.owner, "/grants"))["items"]] == ["ended"]
        assert len(await acts(side, "agent.grant_ended")) == 1
    assert (await api.patch(f"/grants/{grant['id']}", json={"visibility": "public"})).status_code == 409
    if at_home == 200:
        (await org.owner.api.patch(f"/agents/{agent['id']}", json={"instructions": "Alone."})).raise_for_status()


@pytest.mark.rule("B5", "E1", "B1")
async def test_who_does_not_manage_agents_neither_lends_nor_borrows(
    hall: AgentHall, org: AgentOrg, other_org: AgentOrg
):
    member = await org.add()
    agent = await org.create(**{**PERSONA, "owner_user_id": str(member.id)})
    assert (await member.api.post(f"/agents/{agent['id']}/grants", json={})).status_code == 403, "it merely owns it"
    assert (await other_org.owner.api.post(f"/agents/{agent['id']}/grants", json={})).status_code == 404
    wrong = {"config": {"temperature": 9}}
    assert (await org.owner.api.post(f"/agents/{agent['id']}/grants", json=wrong)).status_code == 422
    offered = (await org.owner.api.post(f"/agents/{agent['id']}/grants", json={})).json()
    code, grant = offered["code"], offered["grant"]["id"]
    outsider, third = await other_org.add(), await hall.make_agent_org()
    assert (await outsider.api.post("/grants/accept", json={"code": code})).status_code == 403
    assert (await org.owner.api.post("/grants/accept", json={"code": code})).status_code == 409, "one's own"
    assert (await other_org.owner.api.post("/grants/accept", json={"code": "cwg_wrong"})).status_code == 404
    both = await asyncio.gather(
        *(one.owner.api.post("/grants/accept", json={"code": code}) for one in (other_org, third))
    )
    assert sorted(answer.status_code for answer in both) == [201, 404], "a code is good once"
    left = third if both[0].status_code == 201 else other_org
    for who in (left.owner, member):
        for method in ("GET", "PATCH", "DELETE"):
            answer = await who.api.request(method, f"/grants/{grant}", json={} if method == "PATCH" else None)
            assert answer.status_code == (404 if who is left.owner else 403)
    assert (await got(left.owner, "/grants"))["items"] == []
    assert (await member.api.get("/grants")).status_code == 403
    again = (await org.owner.api.post(f"/agents/{agent['id']}/grants", json={})).json()
    (await org.owner.api.delete(f"/grants/{again['grant']['id']}")).raise_for_status()
    assert (await left.owner.api.post("/grants/accept", json={"code": again["code"]})).status_code == 404, "withdrawn"


@pytest.mark.rule("B5", "D13")
async def test_the_database_shows_a_grant_to_its_two_sides_and_lets_only_the_lender_write_it(
    hall: AgentHall, org: AgentOrg, other_org: AgentOrg
):
    agent = await org.create(**PERSONA)
    grant, _ = await lend(org, other_org, agent["id"])
    third, which = await hall.make_agent_org(), {"id": grant["id"]}
    for side, rows in ((org, 1), (other_org, 1), (third, 0)):
        async with hall.db.transaction(side.owner.actor) as tx:
            assert await tx.value("select count(*) from agent_grants where id = %(id)s", which) == rows
    for side, sql in (
        (other_org, "update agent_grants set config = '{}' where id = %(id)s"),
        (org, "delete from agent_grants where id = %(id)s"),
    ):
        with pytest.raises(InsufficientPrivilege):
            async with hall.db.transaction(side.owner.actor) as tx:
                await tx.run(sql, which)


@pytest.mark.rule("B5")
async def test_changes_of_both_sides_at_once_lose_nothing(org: AgentOrg, other_org: AgentOrg):
    agent = await org.create(**PERSONA)
    grant, stand_in = await lend(org, other_org, agent["id"])
    home, there, terms = f"/agents/{agent['id']}", f"/agents/{stand_in['id']}", f"/grants/{grant['id']}"
    for number in range(5):
        answers = await asyncio.gather(
            org.owner.api.patch(home, json={"instructions": f"Look {number}."}),
            org.owner.api.patch(terms, json={"visibility": "public" if number % 2 else "hidden"}),
            other_org.owner.api.patch(terms, json={"config": {"model": f"m{number}"}}),
            other_org.owner.api.patch(there, json={"name": f"Mira {number}"}),
        )
        assert [answer.status_code for answer in answers] == [200] * 4, [answer.text for answer in answers]
        found = await got(other_org.owner, there)
        assert (found["instructions"], found["name"]) == (f"Look {number}.", f"Mira {number}")
        assert (found["model_config"]["model"], found["visibility"]) == (
            f"m{number}", "public" if number % 2 else "hidden",
        )  # fmt: skip
    ended = await asyncio.gather(
        org.owner.api.delete(home),
        org.owner.api.delete(terms),
        other_org.owner.api.delete(there),
        other_org.owner.api.patch(terms, json={"visibility": "public"}),
    )
    assert all(answer.status_code in {200, 204, 404, 409} for answer in ended), [answer.text for answer in ended]
    assert (await other_org.owner.api.get(there)).status_code == 404
    assert [one["state"] for one in (await got(org.owner, "/grants"))["items"]] == ["ended"]


async def test_accepting_a_grant_while_its_agent_changes_is_no_deadlock(hall, org, other_org):
    for number in range(3):
        agent = await org.create(**{**PERSONA, "name": f"M{number}"})
        code = (await org.owner.api.post(f"/agents/{agent['id']}/grants", json={})).json()["code"]
        accepted, changed = await asyncio.gather(
            other_org.owner.api.post("/grants/accept", json={"code": code, "name": f"B{number}"}),
            org.owner.api.patch(f"/agents/{agent['id']}", json={"instructions": "new"}),
        )
        assert (accepted.status_code, changed.status_code) == (201, 200)


@pytest.mark.rule("A5", "B5")
async def test_a_lent_agent_rests_with_its_deactivated_owner(hall, org, other_org):
    member = await org.add()
    agent = await org.create(**PERSONA, owner_user_id=str(member.id))
    _, stand_in = await lend(org, other_org, agent["id"])
    (await org.owner.api.put(f"/people/{member.id}/deactivation")).raise_for_status()
    assert (await got(other_org.owner, f"/agents/{stand_in['id']}"))["status"] == "inactive"


async def test_tools_of_the_lenders_own_servers_stay_at_home(hall, org, other_org):
    agent = await org.create(**{**PERSONA, "tools": ["read_messages"]})
    _, stand_in = await lend(org, other_org, agent["id"])
    patched = await org.owner.api.patch(
        f"/agents/{agent['id']}", json={"tools": ["read_messages", "mcp-tracker-list", "fetch"]}
    )
    assert patched.status_code == 200, patched.text
    assert (await got(other_org.owner, f"/agents/{stand_in['id']}"))["tools"] == ["read_messages", "fetch"]


@pytest.mark.rule("B5", "B12")
async def test_a_borrower_gives_it_tools_of_its_own_servers_and_takes_no_others_away(org, other_org):
    agent = await org.create(**{**PERSONA, "tools": ["read_messages", "fetch"]})
    _, stand_in = await lend(org, other_org, agent["id"], visibility="public")
    there = f"/agents/{stand_in['id']}"
    own = ["read_messages", "fetch", "mcp-tracker-list"]
    given = (await other_org.owner.api.patch(there, json={"tools": own})).json()
    assert (given["tools"], given["version"]) == (own, stand_in["version"])
    refused = await other_org.owner.api.patch(there, json={"tools": own[:2], "version": "2.0.0"})
    assert (refused.status_code, refused.json()["fields"]) == (409, ["version"])
    for tools in ([], ["mcp-tracker-list"], [*own, "post_message"]):
        refused = await other_org.owner.api.patch(there, json={"tools": tools})
        assert (refused.status_code, refused.json()["fields"]) == (409, ["tools"])
        assert "read_messages, fetch" in refused.json()["detail"]
    changed = {"tools": ["fetch", "mcp-tracker-delete"], "instructions": "Look twice."}
    (await org.owner.api.patch(f"/agents/{agent['id']}", json=changed)).raise_for_status()
    now = await got(other_org.owner, there)  # the lender reaches no server of the borrower's
    assert (now["tools"], now["instructions"]) == (["fetch", "mcp-tracker-list"], "Look twice.")
    member = await other_org.add()
    assert (await member.api.patch(there, json={"tools": ["fetch"]})).status_code == 403
    masked = (await other_org.owner.api.patch(there, json={"tools": ["fetch"]})).json()
    assert masked["tools"] == ["fetch"]
