"""Keys through HTTP: shown once, rotated with an overlap, revoked; and who may not."""

from datetime import timedelta

import bcrypt
import httpx
import pytest

from crewhall.agents.keys import KEY_PREFIX, make_key
from crewhall.kernel.clock import utc_now
from tests.agents.conftest import SuperuserRows
from tests.agents.hall import AgentHall, AgentMember, AgentOrg


async def signed_in(agent_or_key: AgentMember | str, hall: AgentHall) -> bool:
    key = agent_or_key if isinstance(agent_or_key, str) else agent_or_key.key
    answer = await hall.client(key).get("/agents")
    assert answer.status_code in {200, 401}, answer.text
    return answer.status_code == 200


async def age(hall: AgentHall, org: AgentOrg, credential_id: str, seconds: int) -> None:
    """Let time pass for one credential, and let no process remember it."""
    async with hall.db.transaction(org.owner.actor) as tx:
        await tx.run(
            """
            update agent_credentials set expires_at = expires_at - make_interval(secs => %(s)s),
                created_at = created_at - make_interval(secs => %(s)s) where id = %(id)s
            """,
            {"id": credential_id, "s": seconds},
        )
    hall.verified.forget_all()


@pytest.mark.rule("E2")
@pytest.mark.rule("D1")
@pytest.mark.usefixtures("whole_cost")
async def test_a_key_is_shown_once_and_only_its_bcrypt_hash_is_kept(
    hall: AgentHall, org: AgentOrg, superuser_rows: SuperuserRows
):
    agent = await org.create()
    made = (await org.owner.api.post(f"/agents/{agent['id']}/credentials", json={"label": "laptop"})).json()
    key = made["key"]
    assert key.startswith(KEY_PREFIX)
    assert (key[:12], len(key)) == (made["prefix"], 55)
    assert (await org.owner.api.post(f"/agents/{agent['id']}/credentials")).json()["label"] == "", "without a body"
    listed = (await org.owner.api.get(f"/agents/{agent['id']}/credentials")).json()["items"]
    assert [item["label"] for item in listed] == ["laptop", ""]
    assert key not in str(listed)
    assert "hash" not in str(listed)
    ((kept,),) = await superuser_rows("select hash from agent_credentials where id = %s", made["id"])
    assert kept.startswith("$2b$08$")
    assert bcrypt.checkpw(key.encode(), kept.encode())


async def test_keys_differ_and_fit_into_what_bcrypt_reads():
    keys = [await make_key(cost=4) for _ in range(20)]
    assert len({key.key for key in keys}) == len({key.prefix for key in keys}) == 20
    assert all(len(key.key) <= 72 for key in keys)


@pytest.mark.rule("E2")
async def test_an_agent_signs_in_with_its_key(hall: AgentHall, org: AgentOrg):
    agent = await org.hire(name="Scout")
    verified = await hall.verified.resolve(agent.key)
    actor = verified.actor
    assert (str(actor.id), str(actor.org_id), actor.type, actor.name) == (agent.id, str(org.base.id), "agent", "Scout")
    assert (str(actor.credential_id), actor.role, actor.is_admin) == (agent.credential_id, None, False)
    assert (await agent.api.get(f"/agents/{agent.id}")).status_code == 200


async def test_the_organization_header_must_name_the_agents_own(org: AgentOrg, other_org: AgentOrg):
    agent = await org.hire()
    for name, status in ((str(org.base.id), 200), (org.base.slug, 200), (other_org.base.slug, 403), ("none", 403)):
        answer = await agent.api.get("/agents", headers={"x-crewhall-org": name})
        assert answer.status_code == status, name


@pytest.mark.rule("D10")
async def test_several_keys_work_side_by_side_and_a_revoked_one_does_not(hall: AgentHall, org: AgentOrg):
    agent = await org.hire()
    other = await org.make_key(agent.id)
    assert await signed_in(agent, hall)
    assert await signed_in(other["key"], hall)
    url = f"/agents/{agent.id}/credentials/{agent.credential_id}"
    assert (await org.owner.api.delete(url)).status_code == 204
    assert (await org.owner.api.delete(url)).status_code == 204
    await hall.hear_revocations()
    assert not await signed_in(agent, hall)
    assert await signed_in(other["key"], hall)
    listed = (await org.owner.api.get(f"/agents/{agent.id}/credentials")).json()["items"]
    assert [item["is_active"] for item in listed] == [False, True]


@pytest.mark.rule("D10")
async def test_rotation_without_overlap_ends_the_old_key_at_once(hall: AgentHall, org: AgentOrg):
    agent = await org.hire()
    url = f"/agents/{agent.id}/credentials/{agent.credential_id}/rotate"
    new = (await org.owner.api.post(url, json={})).json()
    await hall.hear_revocations()
    assert new["rotated_from"] == agent.credential_id
    assert not await signed_in(agent, hall)
    assert await signed_in(new["key"], hall)
    assert (await org.owner.api.post(url, json={})).status_code == 409


@pytest.mark.rule("D10")
async def test_rotation_with_overlap_ends_the_old_key_later(hall: AgentHall, org: AgentOrg):
    agent = await org.hire()
    url = f"/agents/{agent.id}/credentials/{agent.credential_id}/rotate"
    assert (await org.owner.api.post(url, json={"overlap_seconds": 7 * 86_400 + 1})).status_code in {400, 422}
    new = (await org.owner.api.post(url, json={"overlap_seconds": 3600})).json()
    await hall.hear_revocations()
    assert await signed_in(agent, hall)
    assert await signed_in(new["key"], hall)
    assert (await org.owner.api.post(url, json={})).status_code == 409, "it was rotated already"
    await age(hall, org, agent.credential_id, 3601)
    assert not await signed_in(agent, hall)
    assert await signed_in(new["key"], hall)
    listed = (await org.owner.api.get(f"/agents/{agent.id}/credentials")).json()["items"]
    assert [item["is_active"] for item in listed] == [False, True]


@pytest.mark.rule("D10")
async def test_a_key_expires_and_its_rotation_keeps_its_length_of_life(hall: AgentHall, org: AgentOrg):
    agent = await org.create()
    expires = utc_now() + timedelta(days=30)
    made = await org.make_key(agent["id"], expires_at=expires.isoformat())
    verified = await hall.verified.resolve(made["key"])
    assert verified.expires_at == pytest.approx(expires.timestamp(), abs=0.001)
    await age(hall, org, made["id"], 10 * 86_400)
    new = (await org.owner.api.post(f"/agents/{agent['id']}/credentials/{made['id']}/rotate", json={})).json()
    left = (await hall.verified.resolve(new["key"])).expires_at
    assert left == pytest.approx((utc_now() + timedelta(days=30)).timestamp(), abs=60)
    await age(hall, org, new["id"], 30 * 86_400)
    assert not await signed_in(new["key"], hall)


@pytest.mark.parametrize("wrong", ["2020-01-01T00:00:00Z", "2030-01-01T00:00:00", "9999-12-31T23:59:59Z", "soon"])
async def test_an_expiry_must_be_a_moment_to_come(org: AgentOrg, wrong: str):
    agent = await org.create()
    answer = await org.owner.api.post(f"/agents/{agent['id']}/credentials", json={"expires_at": wrong})
    assert answer.status_code in {400, 422}


@pytest.mark.rule("A5")
async def test_a_deleted_agent_does_not_authenticate(hall: AgentHall, org: AgentOrg):
    agent = await org.hire()
    assert await signed_in(agent, hall)
    await org.owner.api.delete(f"/agents/{agent.id}")
    await hall.hear_revocations()
    assert not await signed_in(agent, hall)


@pytest.mark.rule("E1")
async def test_credentials_are_for_admins_the_owner_and_partly_the_agent_itself(org: AgentOrg, other_org: AgentOrg):
    agent, peer = await org.hire(name="Scout"), await org.hire(name="Peer")
    member, admin = await org.add(), await org.add("admin")
    url = f"/agents/{agent.id}/credentials"
    one = f"{url}/{agent.credential_id}"

    async def tried(api: httpx.AsyncClient) -> list[int]:
        calls = [
            api.get(url),
            api.get(f"{one}/usage"),
            api.post(url, json={}),
            api.post(f"{one}/rotate", json={"overlap_seconds": 60}),
            api.delete(one),
        ]
        return [(await call).status_code for call in calls]

    assert await tried(org.hall.client()) == [401] * 5
    assert await tried(other_org.owner.api) == [404] * 5
    assert await tried(member.api) == [403] * 5
    assert await tried(peer.api) == [403] * 5
    assert await tried(agent.api) == [200, 200, 403, 201, 403]
    assert await tried(admin.api) == [200, 200, 201, 409, 204]


@pytest.mark.rule("E1")
async def test_the_owner_of_an_agent_who_is_no_admin_manages_its_keys(org: AgentOrg):
    member = await org.add()
    agent = await org.create(name="Mine", owner_user_id=str(member.id))
    url = f"/agents/{agent['id']}/credentials"
    made = (await member.api.post(url, json={})).json()
    assert (await member.api.post(f"{url}/{made['id']}/rotate", json={"overlap_seconds": 5})).status_code == 201
    assert (await member.api.delete(f"{url}/{made['id']}")).status_code == 204


async def test_an_agent_cannot_choose_when_its_key_expires(org: AgentOrg):
    agent = await org.hire()
    url = f"/agents/{agent.id}/credentials/{agent.credential_id}/rotate"
    refused = await agent.api.post(url, json={"expires_at": (utc_now() + timedelta(days=900)).isoformat()})
    assert refused.status_code == 403
    assert (await agent.api.post(url, json={})).status_code == 201


async def test_a_credential_of_another_agent_is_not_found_under_this_one(org: AgentOrg):
    one, two = await org.hire(name="one"), await org.hire(name="two")
    for call in (
        org.owner.api.delete(f"/agents/{one.id}/credentials/{two.credential_id}"),
        org.owner.api.post(f"/agents/{one.id}/credentials/{two.credential_id}/rotate", json={}),
        org.owner.api.get(f"/agents/{one.id}/credentials/{two.credential_id}/usage"),
    ):
        assert (await call).status_code == 404


async def test_an_agent_has_at_most_twenty_active_keys(hall: AgentHall, org: AgentOrg):
    agent = await org.hire()
    async with hall.db.transaction(org.owner.actor) as tx:
        await tx.run(
            """
            insert into agent_credentials (id, org_id, agent_id, prefix, hash)
            select gen_random_uuid(), %(org)s, %(agent)s, 'cwk_' || left(md5(random()::text), 8), 'x'
            from generate_series(1, 19) n
            """,
            {"org": org.base.id, "agent": agent.id},
        )
    assert (await org.owner.api.post(f"/agents/{agent.id}/credentials", json={})).status_code == 409
