"""Agents as colleagues: what they can do, their versions, their forks beside their parents."""

from typing import Any

import pytest

from crewhall.agents.forks import COMPARED
from crewhall.agents.persona import Persona
from crewhall.agents.schemas import AgentDetail
from tests.agents.hall import AgentOrg
from tests.agents.test_directory import names


async def got(who: Any, path: str, **params: Any) -> Any:
    answer = await who.api.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.rule("E2")
async def test_a_capability_is_found_by_typing_it_and_counted_where_it_may_be_seen(org: AgentOrg, other_org: AgentOrg):
    await org.create(name="Scout", capabilities=["maps", "text"])
    await org.create(name="Guide", capabilities=["maps"], visibility="private")
    await org.create(name="Shade", capabilities=["maps"], visibility="hidden")
    await other_org.create(name="Stranger", capabilities=["maps", "secret"])
    member = await org.add()
    assert await names(org.owner, q="Maps ") == ["Scout", "Guide"]
    assert await names(member, q="maps") == ["Scout"]
    for who, maps in ((org.owner, 2), (member, 1)):
        found = (await got(who, "/agents/capabilities"))["items"]
        assert found == [{"capability": "maps", "agents": maps}, {"capability": "text", "agents": 1}]
    assert (await got(org.owner, "/agents/capabilities", limit=1))["items"][0]["capability"] == "maps"


@pytest.mark.rule("B2")
async def test_each_version_is_kept_and_its_instructions_are_for_who_may_read_them(org: AgentOrg, other_org: AgentOrg):
    agent = await org.hire(name="Scout", instructions="Look.")
    url, admin, member = f"/agents/{agent.id}", await org.add("admin"), await org.add()
    for change in (
        {"instructions": "Look twice."},
        {"description": "Not thought with."},
        {"tools": ["search"], "model_config": {"model": "m"}},
        {"version": "7.0.0"},
    ):
        (await admin.api.patch(url, json=change)).raise_for_status()
    found = (await got(org.owner, f"{url}/versions"))["items"]
    assert [(one["version"], one["changed"]) for one in found] == [
        ("7.0.0", []), ("1.2.0", ["model_config", "tools"]), ("1.1.0", ["instructions"]), ("1.0.0", []),
    ]  # fmt: skip
    assert [one["instructions"] for one in found] == ["Look twice.", "Look twice.", "Look twice.", "Look."]
    assert [one["created_by"] for one in found] == [str(admin.id)] * 3 + [str(org.owner.id)]
    assert [one["instructions"] for one in (await got(agent, f"{url}/versions"))["items"]][-1] == "Look."
    shown = (await got(member, f"{url}/versions"))["items"]
    assert {one["instructions"] for one in shown} == {None}
    assert [one["changed"] for one in shown] == [one["changed"] for one in found]
    first = await got(org.owner, f"{url}/versions", limit=2)
    rest = await got(org.owner, f"{url}/versions", limit=2, after=first["next"])
    assert [*first["items"], *rest["items"]] == found
    assert (await other_org.owner.api.get(f"{url}/versions")).status_code == 404


@pytest.mark.rule("C4")
async def test_a_fork_is_compared_with_its_parent_as_both_are_now(org: AgentOrg, other_org: AgentOrg):
    parent = await org.create(name="Scout", instructions="Look.", tools=["search"], capabilities=["maps"])
    origin = f"/agents/{parent['id']}"
    fork = (await org.owner.api.post(f"{origin}/fork", json={"name": "Ranger"})).json()
    url, member = f"/agents/{fork['id']}", await org.add()
    assert (await got(org.owner, f"{url}/differences"))["differences"] == []
    (await org.owner.api.patch(url, json={"instructions": "Look far.", "tools": []})).raise_for_status()
    (await org.owner.api.patch(origin, json={"capabilities": ["maps", "text"]})).raise_for_status()
    found = await got(org.owner, f"{url}/differences")
    assert found["parent"]["code"] == "scout"
    assert {one["field"]: (one["parent"], one["fork"]) for one in found["differences"]} == {
        "instructions": ("Look.", "Look far."),
        "tools": (["search"], []),
        "capabilities": (["maps", "text"], ["maps"]),
    }
    seen = (await got(member, f"{url}/differences"))["differences"]
    assert {"field": "instructions", "parent": None, "fork": None} in seen, "that they differ, not how"
    assert [one["field"] for one in seen] == ["instructions", "tools", "capabilities"]
    assert [one["code"] for one in (await got(member, f"{origin}/forks"))["items"]] == ["ranger"]
    (await org.owner.api.patch(url, json={"visibility": "private"})).raise_for_status()
    assert (await got(member, f"{origin}/forks"))["items"] == []
    assert [one["code"] for one in (await got(org.owner, f"{origin}/forks"))["items"]] == ["ranger"]
    for path in (f"{url}/differences", f"{origin}/forks"):
        assert (await other_org.owner.api.get(path)).status_code == 404
    nothing = {"parent": None, "differences": []}
    assert await got(org.owner, f"{origin}/differences") == nothing, "it is no fork"
    (await org.owner.api.delete(origin)).raise_for_status()
    assert await got(org.owner, f"{url}/differences") == nothing, "its parent is gone"


def test_what_is_compared_are_columns_that_people_set():
    left_out = set(Persona.__struct_fields__) - set(COMPARED)
    assert set(COMPARED) <= set(AgentDetail.__struct_fields__)
    assert left_out == {
        "code", "name", "icon_url", "level", "project_id", "status", "public_key", "github_login", "owner_user_id",
        "metadata", "version",
    }  # fmt: skip


@pytest.mark.rule("B9")
async def test_a_state_is_reset_from_the_version_that_was_seen(org: AgentOrg):
    agent, member = await org.create(name="Scout"), await org.add()
    url = f"/agents/{agent['id']}/state"
    (await member.api.put(url, json={"state": {"likes": "tea"}, "version": 0})).raise_for_status()
    (await member.api.put(url, json={"state": {"likes": "mate"}, "version": 1})).raise_for_status()
    stale = await member.api.put(url, json={"state": {}, "version": 1})
    assert (stale.status_code, stale.json()["code"], stale.json()["version"]) == (409, "stale_state", 2)
    assert (await member.api.put(url, json={"state": {}, "version": 2})).json()["state"] == {}
