"""An organization is handed over by an offer that the other side accepts, and is never without an owner."""

import asyncio
from uuid import uuid4

import psycopg
import pytest

from tests.identity.hall import Hall, Member, Org

pytestmark = pytest.mark.rule("E1")


def path(org: Org, rest: str = "") -> str:
    return f"/organizations/{org.id}/ownership-offer{rest}"


async def offer(org: Org, to: Member, by: Member | None = None) -> int:
    return (await (by or org.owner).api.put(path(org), json={"person_id": str(to.id)})).status_code


async def accept(org: Org, person: Member) -> int:
    return (await person.api.post(path(org, "/accept"))).status_code


async def roles(org: Org) -> dict[str, str]:
    async with org.hall.db.transaction(org.owner.actor) as tx:
        found = await tx.values("select user_id || ' ' || role from memberships where org_id = %(id)s", {"id": org.id})
    return dict(one.split() for one in found)


async def test_who_accepts_owns_it_and_who_did_is_an_admin(hall: Hall):
    org = await hall.make_org()
    heir, other = await org.add(), await org.add("admin")
    assert await offer(org, heir) == 200
    assert (await roles(org))[str(org.owner.id)] == "owner", "nothing has changed yet"
    assert await accept(org, other) == 404
    assert await accept(org, heir) == 200
    expected = {str(org.owner.id): "admin", str(heir.id): "owner", str(other.id): "admin"}
    assert await roles(org) == expected
    assert await accept(org, heir) == 404, "once"
    acts = (await heir.api.get("/audit", params={"action": "ownership.transferred"})).json()["items"]
    assert acts[0]["details"] == {"member_id": str(org.owner.id)}
    assert "became the owner of the organization" in acts[0]["summary"]
    assert await offer(org, other) == 403, "who owned it does not any more"
    assert (await heir.api.delete(f"/people/{org.owner.id}")).status_code == 204


async def test_only_its_owner_offers_it_and_only_to_its_people(hall: Hall):
    org, elsewhere = await hall.make_org(), await hall.make_org()
    admin = await org.add("admin")
    assert await offer(org, admin, by=admin) == 403
    assert await offer(org, org.owner) == 409
    assert await offer(org, elsewhere.owner) == 404
    assert await offer(org, Member(uuid4(), "", admin.actor, admin.api)) == 404
    assert await offer(org, admin, by=elsewhere.owner) == 404
    made = (await org.owner.api.post("/me/tokens", json={"name": "program"})).json()
    program = hall.client(made["token"])
    assert (await program.put(path(org), json={"person_id": str(admin.id)})).status_code == 403
    assert (await org.owner.api.patch(f"/people/{admin.id}", json={"role": "owner"})).status_code == 409
    assert (await org.owner.api.patch(f"/people/{org.owner.id}", json={"role": "member"})).status_code == 409
    assert (await org.owner.api.get(path(org))).status_code == 404


async def test_an_offer_is_taken_back_declined_too_old_or_ends_with_its_person(hall: Hall):
    org = await hall.make_org()
    heir, admin, member = await org.add(), await org.add("admin"), await org.add()
    assert await offer(org, heir) == 200
    assert [(await one.api.get(path(org))).status_code for one in (heir, admin, member)] == [200, 200, 404]
    assert (await admin.api.delete(path(org))).status_code == 403
    assert (await member.api.delete(path(org))).status_code == 404
    assert (await org.owner.api.delete(path(org))).status_code == 204
    assert await accept(org, heir) == 404
    assert await offer(org, heir) == 200
    assert (await heir.api.delete(path(org))).status_code == 204
    assert await offer(org, heir) == 200
    assert await offer(org, admin) == 200, "another offer takes the place of the one before"
    assert await accept(org, heir) == 404
    async with hall.db.transaction(org.owner.actor) as tx:
        await tx.run("update ownership_offers set expires_at = now() where org_id = %(id)s", {"id": org.id})
    assert await accept(org, admin) == 404
    assert await offer(org, heir) == 200
    assert (await org.owner.api.put(f"/people/{heir.id}/deactivation")).status_code == 200
    assert (await org.owner.api.delete(f"/people/{heir.id}/deactivation")).status_code == 200
    assert await accept(org, await hall.sign_in(heir, org.id)) == 404


async def test_there_is_one_owner_whatever_happens_at_once(hall: Hall):
    org = await hall.make_org()
    heir, other = await org.add(), await org.add("admin")
    assert await offer(org, heir) == 200
    await asyncio.gather(accept(org, heir), accept(org, heir), offer(org, other), accept(org, other))
    assert sorted((await roles(org)).values()).count("owner") == 1
    async with hall.db.transaction(org.owner.actor) as tx:
        with pytest.raises(psycopg.errors.UniqueViolation):
            await tx.run("update memberships set role = 'owner' where org_id = %(id)s", {"id": org.id})
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        async with hall.db.transaction(org.owner.actor) as tx:
            await tx.run("update memberships set role = 'member' where org_id = %(id)s", {"id": org.id})
