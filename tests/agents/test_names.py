"""Handles and codes share the `@`: within an organization a name after it means one of them only (ADR 10)."""

import asyncio
from uuid import uuid4

import psycopg
import pytest

from crewhall.kernel.ids import new_id
from tests.agents.hall import AgentHall, AgentOrg
from tests.identity.hall import Member
from tests.support.waiting import bounded


def new_name() -> str:
    return f"n{uuid4().hex[:12]}"


async def named(member: Member) -> str:
    """Give the member a handle that fits a code too."""
    name = new_name()
    (await member.api.patch("/me", json={"handle": name})).raise_for_status()
    return name


async def test_a_person_does_not_take_an_agents_name(hall: AgentHall, org: AgentOrg):
    ada, stranger, name = await org.add(), await hall.make_person(), new_name()
    agent = await org.create(code=name, visibility="hidden")
    refused = await ada.api.patch("/me", json={"handle": name})
    assert (refused.status_code, refused.json()["field"]) == (409, "handle")
    assert refused.json()["suggestion"] == f"{name}-2"
    assert f"{name}-2 is free" in refused.json()["detail"]
    assert (await ada.api.patch("/me", json={"handle": f"{name}-2"})).status_code == 200
    assert (await stranger.api.patch("/me", json={"handle": name})).status_code == 200, "another organization's"
    (await org.owner.api.delete(f"/agents/{agent['id']}")).raise_for_status()
    (await stranger.api.patch("/me", json={"handle": new_name()})).raise_for_status()
    assert (await ada.api.patch("/me", json={"handle": name})).status_code == 200, "a deleted agent has no name"


async def test_an_agent_does_not_take_a_members_name(hall: AgentHall, org: AgentOrg):
    ada, api = await org.add(), org.owner.api
    handle, elsewhere = await named(ada), await hall.make_agent_org()
    agent = await org.create(code=new_name())
    for refused in (
        await api.post("/agents", json={"name": "Ada", "code": handle}),
        await api.patch(f"/agents/{agent['id']}", json={"code": handle}),
        await api.post(f"/agents/{agent['id']}/fork", json={"name": "Ada", "code": handle}),
    ):
        assert (refused.status_code, refused.json()["field"]) == (409, "code")
        assert refused.json()["suggestion"] == f"{handle}-2"
    assert (await org.create(name=handle))["code"] == f"{handle}-2", "a code that we choose avoids it"
    assert (await elsewhere.create(code=handle))["code"] == handle
    (await api.delete(f"/people/{ada.id}")).raise_for_status()
    assert (await org.create(name="Ada", code=handle))["code"] == handle


async def test_nobody_joins_under_an_agents_name(hall: AgentHall, org: AgentOrg):
    person = await hall.make_person()
    name = await named(person)
    await org.create(code=name)
    sent = (await org.owner.api.post("/invitations", json={})).json()
    refused = await person.api.post("/invitations/accept", json={"token": sent["token"]})
    assert (refused.status_code, refused.json()["field"]) == (409, "handle")
    suggestion = refused.json()["suggestion"]
    (await person.api.patch("/me", json={"handle": suggestion})).raise_for_status()
    accepted = await person.api.post("/invitations/accept", json={"token": sent["token"]})
    assert accepted.status_code == 201, "the invitation stays open"


async def test_a_newcomers_handle_avoids_agents(hall: AgentHall, org: AgentOrg):
    name = new_name()
    await org.create(code=name)
    sent = (await org.owner.api.post("/invitations", json={})).json()
    body = {"token": sent["token"], "email": f"{name}@example.org", "name": "New", "password": "a long password"}
    refused = await hall.client().post("/invitations/accept", json={**body, "handle": name})
    assert (refused.status_code, refused.json()["suggestion"]) == (409, f"{name}-2")
    accepted = await hall.client().post("/invitations/accept", json=body)
    assert accepted.json()["login"]["user"]["handle"] == f"{name}-2"


async def test_of_two_at_once_one_gets_the_name(hall: AgentHall, org: AgentOrg):
    ada = await org.add()
    for _ in range(5):
        name = new_name()
        changed, created = await asyncio.gather(
            ada.api.patch("/me", json={"handle": name}),
            org.owner.api.post("/agents", json={"name": name, "code": name}),
        )
        assert sorted((changed.is_success, created.is_success)) == [False, True]
        assert {changed.status_code, created.status_code} <= {200, 201, 409}


async def test_joining_and_naming_at_once_never_meet(hall: AgentHall, org: AgentOrg):
    for _ in range(5):
        person = await hall.make_person()
        name = await named(person)
        sent = (await org.owner.api.post("/invitations", json={})).json()
        joined, created = await asyncio.gather(
            person.api.post("/invitations/accept", json={"token": sent["token"]}),
            org.owner.api.post("/agents", json={"name": name, "code": name}),
        )
        assert sorted((joined.is_success, created.is_success)) == [False, True]


@pytest.mark.parametrize("first", ["agent", "person"])
async def test_the_database_makes_the_second_wait_and_refuses_it(hall: AgentHall, org: AgentOrg, first: str):
    """Without the API's own look: whoever comes second waits for the first to commit, and is refused then."""
    ada, name = await org.add(), new_name()
    acts = {
        "agent": ("insert into agents (id, org_id, code, name) values (%(new)s, %(org)s, %(name)s, %(name)s)"),
        "person": "update users set handle = %(name)s where id = %(ada)s",
    }
    values = {"new": new_id(), "org": org.base.id, "name": name, "ada": ada.id}
    second = next(kind for kind in acts if kind != first)

    async def come_second() -> None:
        async with hall.db.transaction(ada.actor) as tx:
            await tx.run(acts[second], values)

    async with hall.db.transaction(ada.actor) as tx:
        await tx.run(acts[first], values)
        late = asyncio.create_task(come_second())
        async with bounded(10):
            while not await tx.value(
                """
                select exists (
                    select from pg_locks join pg_stat_activity using (pid)
                    where locktype = 'advisory' and not granted and datname = current_database())
                """
            ):
                await asyncio.sleep(0.01)
    with pytest.raises(psycopg.errors.UniqueViolation):
        await late


async def test_a_founders_handle_is_no_concern_of_other_organizations(hall: AgentHall, org: AgentOrg):
    person = (await hall.make_org()).owner
    name = await named(person)
    await org.create(code=name)
    made = await person.api.post("/organizations", json={"name": "Own"})
    assert made.status_code == 201
