"""One organization's people are nobody else's business (B1); what answers before the tenant is known says little."""

from uuid import uuid4

import psycopg
import pytest

from crewhall.identity.accounts import person_actor
from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.db import Tx
from crewhall.kernel.ids import new_id
from tests.identity.hall import PASSWORD_HASH, Hall


@pytest.mark.rule("B1")
async def test_no_route_shows_or_changes_another_organization(hall: Hall):
    own, foreign = await hall.make_org(), await hall.make_org()
    stranger = await foreign.add("member")
    invitation = (await foreign.owner.api.post("/invitations", json={})).json()["invitation"]["id"]
    login = (await stranger.api.get("/me/logins")).json()["items"][0]["id"]
    tries: list[tuple[str, str, object]] = [
        ("GET", f"/organizations/{foreign.id}", None),
        ("PATCH", f"/organizations/{foreign.id}", {"name": "Taken over"}),
        ("DELETE", f"/organizations/{foreign.id}?confirm={foreign.slug}", None),
        ("POST", f"/organizations/{foreign.id}/switch", None),
        ("GET", f"/people/{stranger.id}", None),
        ("PATCH", f"/people/{stranger.id}", {"role": "admin"}),
        ("DELETE", f"/people/{stranger.id}", None),
        ("DELETE", f"/invitations/{invitation}", None),
        ("DELETE", f"/me/logins/{login}", None),
    ]
    for asking in (own.owner, await own.add("admin"), await own.add("member")):
        for method, path, body in tries:
            answer = await asking.api.request(method, path, json=body)
            assert answer.status_code in {403, 404}, (method, path, answer.text)
            assert stranger.email not in answer.text
    for path in ("/people", "/organizations", "/invitations", "/audit", "/me"):
        text = (await own.owner.api.get(path)).text
        for secret in (str(foreign.id), foreign.slug, str(stranger.id), stranger.email):
            assert secret not in text, path
    assert (await stranger.api.get("/people")).status_code == 200


@pytest.mark.rule("B1", "X11")
async def test_an_agent_sees_its_people_and_administers_nothing(hall: Hall):
    org, foreign = await hall.make_org(), await hall.make_org()
    agent = hall.client(hall.agent_token(await hall.make_agent(org)))
    assert [one["id"] for one in (await agent.get("/people")).json()["items"]] == [str(org.owner.id)]
    assert (await agent.get(f"/organizations/{org.id}")).status_code == 200
    assert [one["id"] for one in (await agent.get("/organizations")).json()["items"]] == [str(org.id)]
    assert (await agent.get(f"/organizations/{foreign.id}")).status_code == 404
    me = (await agent.get("/me")).json()
    assert (me["actor"]["type"], me["user"], me["role"]) == ("agent", None, None)
    for method, path, body in [
        ("PATCH", "/me", {"name": "x"}),
        ("GET", "/me/logins", None),
        ("POST", "/auth/logout-everywhere", None),
        ("POST", "/auth/password", {"current_password": "x", "new_password": "y"}),
        ("POST", "/organizations", {"name": "x"}),
        ("PATCH", f"/organizations/{org.id}", {"name": "x"}),
        ("DELETE", f"/organizations/{org.id}?confirm={org.slug}", None),
        ("POST", f"/organizations/{org.id}/switch", None),
        ("PATCH", f"/people/{org.owner.id}", {"role": "member"}),
        ("DELETE", f"/people/{org.owner.id}", None),
        ("GET", "/invitations", None),
        ("POST", "/invitations", {}),
        ("GET", "/audit", None),
    ]:
        assert (await agent.request(method, path, json=body)).status_code == 403, (method, path)


async def count(tx: Tx, table: str) -> int:
    found: int = await tx.value({
        "users": "select count(*) from users",
        "memberships": "select count(*) from memberships",
        "organizations": "select count(*) from organizations",
        "invitations": "select count(*) from invitations",
        "logins": "select count(*) from logins",
        "login_tokens": "select count(*) from login_tokens",
        "password_resets": "select count(*) from password_resets",
        "audit_log": "select count(*) from audit_log",
    }[table])  # fmt: skip
    return found


AUTHENTICATED = (
    "TABLE(login_id uuid, user_id uuid, name text, org_id uuid, role text, expires_at timestamp with time zone)"
)
TABLES = (
    "users", "memberships", "organizations", "invitations", "logins", "login_tokens", "password_resets", "audit_log",
)  # fmt: skip


@pytest.mark.rule("B1", "D13")
async def test_sql_without_an_actor_sees_nothing_and_a_stranger_only_their_own(hall: Hall):
    org = await hall.make_org()
    await hall.sign_in(org.owner)
    await org.owner.api.post("/invitations", json={})
    async with hall.db.transaction(None) as tx:
        assert {table: await count(tx, table) for table in TABLES} == dict.fromkeys(TABLES, 0)
    stranger = Actor(type=ActorType.USER, id=new_id(), org_id=new_id(), role=Role.OWNER)
    async with hall.db.transaction(stranger) as tx:
        assert {table: await count(tx, table) for table in TABLES} == dict.fromkeys(TABLES, 0)
    async with hall.db.transaction(org.owner.actor) as tx:
        seen = {table: await count(tx, table) for table in TABLES}
    assert seen["users"] == seen["memberships"] == seen["organizations"] == seen["invitations"] == 1
    assert seen["logins"] == 2


@pytest.mark.rule("B1", "D13")
async def test_sql_as_the_application_changes_no_other_tenants_rows(hall: Hall):
    own, foreign = await hall.make_org(), await hall.make_org()
    victim = foreign.owner.id
    async with hall.db.transaction(own.owner.actor) as tx:
        changed = [
            await tx.run("update organizations set name = 'x' where id = %(id)s", {"id": foreign.id}),
            await tx.run("update users set name = 'x' where id = %(id)s", {"id": victim}),
            await tx.run("update memberships set role = 'member' where org_id = %(id)s", {"id": foreign.id}),
            await tx.run("delete from memberships where org_id = %(id)s", {"id": foreign.id}),
            await tx.run("update logins set revoked_at = now() where user_id = %(id)s", {"id": victim}),
            await tx.run("delete from login_tokens where user_id = %(id)s", {"id": victim}),
            await tx.value("select end_logins_of(%(id)s)", {"id": victim}),
        ]
    assert changed == [0] * len(changed)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with hall.db.transaction(own.owner.actor) as tx:
            await tx.run(
                "insert into memberships (org_id, user_id, role) values (%(org)s, %(user)s, 'admin')",
                {"org": foreign.id, "user": own.owner.id},
            )


async def test_a_member_cannot_end_logins_of_others_by_sql(hall: Hall):
    org = await hall.make_org()
    member = await org.add("member")
    async with hall.db.transaction(member.actor) as tx:
        assert await tx.value("select end_logins_of(%(id)s)", {"id": org.owner.id}) == 0
        assert await tx.value("select end_logins_of(%(id)s)", {"id": member.id}) == 1


@pytest.mark.rule("D1", "D13")
async def test_hashes_are_read_by_nobody_but_the_functions(hall: Hall):
    person = await hall.make_person()
    for column in ("password_hash", "*"):
        sql = {"password_hash": "select password_hash from users", "*": "select * from users"}[column]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with hall.db.transaction(person.actor) as tx:
                await tx.run(sql)
    async with hall.db.transaction(person.actor) as tx:
        assert await tx.value("select own_password()") == PASSWORD_HASH
    async with hall.db.transaction(person_actor(uuid4())) as tx:
        assert await tx.value("select own_password()") is None


async def test_functions_that_answer_before_the_tenant_is_known_say_only_ids_hashes_role_and_name(hall: Hall):
    """The fixed list: whoever adds one decides here what it may say."""
    async with hall.db.transaction(None) as tx:
        found = await tx.values(
            """
            select p.proname || ': ' || pg_get_function_result(p.oid) from pg_proc p
            where p.proowner = 'crewhall_definer'::regrole and p.prosecdef and p.proname ~ '^(authenticate_login|find_'
              'password|own_password|find_refresh_owner|find_reset_owner|find_invitation|end_logins_of)$'
            order by p.proname
            """
        )
        open_to_all = await tx.values(
            """
            select p.proname from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
            where p.proowner = 'crewhall_definer'::regrole and p.prosecdef and acl.grantee = 0
              and pg_get_function_result(p.oid) <> 'trigger'
            """
        )
    assert found == [
        "authenticate_login: " + AUTHENTICATED,
        "end_logins_of: bigint",
        "find_invitation: TABLE(invitation_id uuid, org_id uuid)",
        "find_password: TABLE(user_id uuid, password_hash text)",
        "find_refresh_owner: uuid",
        "find_reset_owner: uuid",
        "own_password: text",
    ]
    assert open_to_all == []
