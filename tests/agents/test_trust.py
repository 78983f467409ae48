"""An agent's trust set by hand: by whom, within what, and that it is told with old and new."""

import pytest

from tests.agents.hall import AgentOrg


@pytest.mark.rule("D2", "X5", "C10")
async def test_who_manages_agents_sets_trust_and_it_is_audited_with_old_and_new(org: AgentOrg):
    agent, admin = await org.create(name="Scout"), await org.add("admin")
    url = f"/agents/{agent['id']}"
    changed = (await admin.api.patch(url, json={"trust_score": 12.345})).json()
    assert (changed["trust_score"], changed["version"]) == (12.35, agent["version"])
    again = (await admin.api.patch(url, json={"trust_score": 12.35})).json()
    assert again["updated_at"] == changed["updated_at"]
    await admin.api.patch(url, json={"trust_score": 0, "description": "Watched."})
    told = [entry for entry in await org.audited() if entry["resource_id"] == agent["id"]]
    assert [entry["action"] for entry in told] == [
        "agent.updated", "agent.trust_set", "agent.trust_set", "agent.created",
    ]  # fmt: skip
    assert told[2]["details"] == {"code": "scout", "before": "50", "after": "12.35"}
    assert told[2]["summary"].endswith("set the trust of agent Scout from 50 to 12.35")
    for wrong in (-0.1, 100.1, "many", None):
        assert (await admin.api.patch(url, json={"trust_score": wrong})).status_code in {400, 422}
    assert (await admin.api.get(url)).json()["trust_score"] == 0


@pytest.mark.rule("X5", "E1")
async def test_who_merely_owns_an_agent_does_not_lift_what_holds_it_back(org: AgentOrg, other_org: AgentOrg):
    member = await org.add()
    agent = await org.hire(name="Mine", owner_user_id=str(member.id))
    url = f"/agents/{agent.id}"
    refused = await member.api.patch(url, json={"trust_score": 100, "name": "Free"})
    assert (refused.status_code, refused.json()["permission"]) == (403, "agents.update")
    assert (await agent.api.patch(url, json={"trust_score": 100})).status_code == 403
    assert (await other_org.owner.api.patch(url, json={"trust_score": 100})).status_code == 404
    shown = (await member.api.get(url)).json()
    assert (shown["trust_score"], shown["name"]) == (50.0, "Mine")
    forked = (await org.owner.api.post(f"{url}/fork", json={"name": "Copy"})).json()
    assert forked["trust_score"] == 50.0
