"""Administrative acts are in the audit log (C10), which only grows and which only admins read."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.identity.hall import Hall, Org


async def acts(org: Org) -> list[dict[str, object]]:
    items: list[dict[str, object]] = (await org.owner.api.get("/audit", params={"limit": 200})).json()["items"]
    return items


@pytest.mark.rule("C10")
async def test_every_administrative_act_is_in_the_audit_log(hall: Hall):
    org = await hall.make_org()
    api = org.owner.api
    before = len(await acts(org))
    sent = (await api.post("/invitations", json={"role": "admin"})).json()
    person = await hall.make_person()
    await person.api.post("/invitations/accept", json={"token": sent["token"]})
    other = (await api.post("/invitations", json={})).json()["invitation"]["id"]
    await api.delete(f"/invitations/{other}")
    await api.patch(f"/people/{person.id}", json={"role": "member"})
    await api.patch(f"/organizations/{org.id}", json={"name": "Renamed", "slug": org.slug, "description": "x"})
    await api.delete(f"/people/{person.id}")
    items = await acts(org)
    done = list(reversed(items[: len(items) - before]))
    assert [(act["action"], act["actor_id"], act["resource_id"]) for act in done] == [
        ("member.invited", str(org.owner.id), sent["invitation"]["id"]),
        ("member.joined", str(person.id), str(person.id)),
        ("member.invited", str(org.owner.id), other),
        ("invitation.revoked", str(org.owner.id), other),
        ("member.role_changed", str(org.owner.id), str(person.id)),
        ("organization.updated", str(org.owner.id), str(org.id)),
        ("member.removed", str(org.owner.id), str(person.id)),
    ]
    assert done[4]["details"] == {"old": "admin", "new": "member"}
    assert done[5]["details"] == {"changed": ["description", "name"]}
    for act in done:
        assert str(act["ip_address"]).startswith(("10.", "127."))
        assert datetime.now(UTC) - datetime.fromisoformat(str(act["created_at"])) < timedelta(minutes=1)
        assert sent["token"] not in str(act)
    refused = await (await org.add("member")).api.get("/audit")
    assert refused.status_code == 403


@pytest.mark.rule("C10")
async def test_what_is_refused_leaves_no_trace_of_having_been_done(hall: Hall):
    org = await hall.make_org()
    member = await org.add("member")
    before = len(await acts(org))
    await member.api.delete(f"/people/{org.owner.id}")
    await org.owner.api.delete(f"/people/{org.owner.id}")
    await org.owner.api.patch(f"/organizations/{org.id}", json={"search_language": "klingon"})
    assert len(await acts(org)) == before


@pytest.mark.rule("C10")
async def test_signing_in_and_out_is_in_the_audit_log(hall: Hall):
    org = await hall.make_org()
    member = await org.add("member")
    await member.api.post("/auth/logout")
    first, second = (await acts(org))[:2]
    assert (first["action"], first["actor_id"]) == ("login.ended", str(member.id))
    assert (second["action"], second["actor_id"]) == ("login.created", str(member.id))
    only = (await org.owner.api.get("/audit", params={"action": "login.ended"})).json()["items"]
    assert [act["action"] for act in only] == ["login.ended"]


@pytest.mark.rule("C10", "E5")
async def test_the_audit_log_is_append_only_and_its_readers_are_admins(hall: Hall):
    org = await hall.make_org()
    member = await org.add("member")
    for sql in ("update audit_log set action = 'x'", "delete from audit_log", "truncate audit_log"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with hall.db.transaction(org.owner.actor) as tx:
                await tx.run(sql)
    count = "select count(*) from audit_log"
    async with hall.db.transaction(member.actor) as tx:
        assert await tx.value(count) == 0
    async with hall.db.transaction(org.owner.actor) as tx:
        assert await tx.value(count) > 0
