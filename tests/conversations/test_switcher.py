"""The switcher: conversations, people, agents and messages by the first letters of their words."""

from typing import Any

import httpx
import psycopg
import pytest

from tests.identity.hall import Org
from tests.support.database import SharedCluster
from tests.support.server import Server
from tests.support.waiting import until


async def _found(api: httpx.AsyncClient, q: str = "") -> list[tuple[str, str]]:
    answer: dict[str, Any] = (await api.get("/switcher", params={"q": q})).raise_for_status().json()
    return [(place["type"], place["name"]) for place in answer["places"]]


async def _member(server: Server, org: Org, name: str) -> Any:
    return await org.add(who=await server.make_person(name=name))


async def test_each_word_begins_a_word_of_the_name(server: Server, org: Org):
    api = org.owner.api
    await server.channel(org.owner, name="launch-plans")
    await server.hire(org, "planner", name="Plan Keeper")
    await _member(server, org, "Émile Planck")
    everywhere = {("conversation", "launch-plans"), ("agent", "Plan Keeper"), ("user", "Émile Planck")}
    assert set(await _found(api, "pla")) == everywhere
    assert await _found(api, "emile pl") == [("user", "Émile Planck")], "accents may be left out"
    assert await _found(api, "plan lau") == [("conversation", "launch-plans")]
    assert await _found(api, "#laun") == [("conversation", "launch-plans")]
    assert await _found(api, "lanck") == [], "the middle of a word is no beginning"
    assert await _found(api, "%") == await _found(api, "from:pla") == await _found(api, "before:2") == []
    assert (await api.get("/switcher", params={"q": "x" * 101})).status_code == 422


async def test_where_one_often_is_comes_first(server: Server, org: Org):
    api = org.owner.api
    often, rare = [await server.channel(org.owner, name=name) for name in ("team-alpha", "team-omega")]
    assert [name for _, name in await _found(api, "team")] == ["team-omega", "team-alpha"], "the last active"
    (await api.post(f"/conversations/{often}/visit")).raise_for_status()
    assert [name for _, name in await _found(api, "team")] == ["team-alpha", "team-omega"]
    assert (await _found(api))[0] == ("conversation", "team-alpha")
    assert ("conversation", "team-omega") in await _found(api)
    (await api.put(f"/conversations/{rare}/archive")).raise_for_status()
    assert ("conversation", "team-omega") not in await _found(api)
    assert (await _found(api, "team"))[-1] == ("conversation", "team-omega"), "an archived one is found, at the end"


async def test_a_direct_conversation_is_who_it_is_with(server: Server, org: Org):
    grace = await _member(server, org, "Grace Hopper")
    body = {"kind": "direct", "members": [{"member_type": "user", "member_id": str(grace.id)}]}
    direct = (await org.owner.api.post("/conversations", json=body)).raise_for_status().json()["id"]
    (await org.owner.api.post(f"/conversations/{direct}/visit")).raise_for_status()
    places = (await org.owner.api.get("/switcher", params={"q": "hop"})).json()["places"]
    assert [(place["type"], place["conversation_id"]) for place in places] == [("user", direct)]
    usual = (await org.owner.api.get("/switcher")).json()["places"]
    assert [place["name"] for place in usual if place["conversation_id"] == direct] == ["Grace Hopper"]


@pytest.mark.rule("B1", "X6")
async def test_only_what_is_within_reach_is_found(server: Server, org: Org, other_org: Org):
    member = await org.add()
    private = await server.channel(org.owner, name="secret-plan", type="private")
    (await org.owner.api.post(f"/conversations/{private}/messages", json={"content": "zebrafish"})).raise_for_status()
    await server.hire(org, "secret-agent", visibility="hidden")
    assert await _found(org.owner.api, "secret") == [("conversation", "secret-plan")], "hidden to who may see it, too"

    async def said(api: httpx.AsyncClient) -> list[str]:
        found = (await api.get("/switcher", params={"q": "zebrafish"})).raise_for_status().json()
        return [message["content"] for message in found["messages"]]

    assert await until(lambda: said(org.owner.api)) == ["zebrafish"], "searchable by now"
    for api in (member.api, other_org.owner.api):
        assert await _found(api, "secret") == []
        assert await said(api) == []


def test_names_are_found_by_trigrams(server: Server, cluster: SharedCluster, worker_id: str):
    """A name among thousands is looked up, not read through."""
    fill = """
        insert into users (id, handle, email, name)
        select uuidv7(), 'switch' || n, n || '@switch.example.org', 'Person ' || n from generate_series(1, 3000) n
    """
    asked = """
        explain select id from users u where u.deleted_at is null
          and typed_name(u.name || ' ' || u.handle) like '% switch2999%'
    """
    with psycopg.connect(cluster.superuser(f"server_{worker_id}")) as connection:
        connection.execute(fill)
        connection.execute("analyze users")
        plan = connection.execute(asked).fetchall()
        connection.rollback()
    assert "users_typed" in str(plan)
    assert server.address
