"""Personal tokens: made, shown once, listed, expired, revoked; good for one person in one organization."""

from datetime import datetime, timedelta

import pytest

from crewhall.kernel.clock import utc_now
from tests.identity.hall import PASSWORD, Hall, Member


async def make(person: Member, **fields) -> dict[str, str]:
    answer = await person.api.post("/me/tokens", json={"name": "editor", **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


async def status_of(hall: Hall, token: str, **headers: str) -> int:
    return (await hall.client(token).get("/me", headers=headers)).status_code


@pytest.mark.rule("D1", "E1")
async def test_a_token_acts_as_its_person_and_is_shown_once(hall: Hall):
    org = await hall.make_org()
    made = await make(org.owner, expires_in_days=30)
    assert made["token"].startswith("cwp_")
    assert datetime.fromisoformat(made["expires_at"]) - utc_now() > timedelta(days=29)
    me = (await hall.client(made["token"]).get("/me")).json()
    assert (me["actor"]["id"], me["organization"]["id"], me["role"]) == (str(org.owner.id), str(org.id), "owner")
    listed = (await org.owner.api.get("/me/tokens")).json()["items"]
    assert [(one["id"], one["name"], "token" in one) for one in listed] == [(made["id"], "editor", False)]
    assert made["token"] not in (await org.owner.api.get("/audit")).text
    logins = (await org.owner.api.get("/me/logins")).json()["items"]
    assert made["id"] not in {login["id"] for login in logins}, "it is no place where one is signed in"


@pytest.mark.rule("C10")
async def test_a_revoked_token_opens_nothing_more_and_both_acts_are_audited(hall: Hall):
    org, stranger = await hall.make_org(), await hall.make_person()
    made = await make(org.owner)
    assert await status_of(hall, made["token"]) == 200
    assert (await stranger.api.delete(f"/me/tokens/{made['id']}")).status_code == 404
    assert await status_of(hall, made["token"]) == 200
    assert (await org.owner.api.delete(f"/me/tokens/{made['id']}")).status_code == 204
    assert await status_of(hall, made["token"]) == 401
    assert (await org.owner.api.delete(f"/me/tokens/{made['id']}")).status_code == 404
    acts = [act["action"] for act in (await org.owner.api.get("/audit")).json()["items"]]
    assert acts[:2] == ["personal_token.revoked", "personal_token.created"]


@pytest.mark.rule("B1")
async def test_a_token_is_good_in_its_own_organization_alone(hall: Hall):
    first, second = await hall.make_org("First"), await hall.make_org("Second")
    in_second = await second.add("admin", first.owner)
    made = await make(await hall.sign_in(first.owner, first.id))
    assert await status_of(hall, made["token"], **{"x-crewhall-org": first.slug}) == 200
    assert await status_of(hall, made["token"], **{"x-crewhall-org": second.slug}) == 403
    assert (await in_second.api.get("/me", headers={"x-crewhall-org": first.slug})).status_code == 200


@pytest.mark.rule("B1", "E1")
async def test_a_token_stays_in_its_organization_and_off_the_account(hall: Hall):
    first, second = await hall.make_org("First"), await hall.make_org("Second")
    await second.add("admin", first.owner)
    third = await hall.make_org("Third")
    invitation = (await third.owner.api.post("/invitations", json={})).json()["token"]
    person = await hall.sign_in(first.owner, first.id)
    made = await make(person)
    bound = hall.client(made["token"])
    login = (await person.api.get("/me/logins")).json()["items"][0]["id"]
    password = {"current_password": PASSWORD, "new_password": "another horse battery"}
    for method, path, body, status in (
        ("POST", f"/organizations/{second.id}/switch", None, 403),
        ("POST", f"/organizations/{first.id}/switch", None, 403),
        ("GET", f"/organizations/{second.id}", None, 404),
        ("PATCH", f"/organizations/{second.id}", {"name": "Mine"}, 404),
        ("DELETE", f"/organizations/{second.id}?confirm={second.slug}", None, 403),
        ("DELETE", f"/organizations/{first.id}?confirm={first.slug}", None, 403),
        ("POST", "/organizations", {"name": "New"}, 403),
        ("POST", "/invitations/accept", {"token": invitation}, 403),
        ("POST", "/auth/password", password, 403),
        ("POST", "/auth/logout-everywhere", None, 403),
        ("DELETE", f"/me/logins/{login}", None, 403),
        ("PATCH", "/me", {"name": "Somebody"}, 403),
        ("GET", "/me/tokens", None, 403),
    ):
        answer = await bound.request(method, path, json=body)
        assert answer.status_code == status, (method, path, answer.text)
    listed = (await bound.get("/organizations")).json()["items"]
    assert [one["id"] for one in listed] == [str(first.id)] == [(await bound.get("/me")).json()["organization"]["id"]]
    assert (await bound.patch(f"/organizations/{first.id}", json={"description": "Ours"})).status_code == 200
    assert (await person.api.get("/me")).json()["user"]["name"] != "Somebody"
    assert (await bound.post("/auth/logout")).status_code == 204
    assert await status_of(hall, made["token"]) == 401


async def test_a_token_makes_no_further_tokens(hall: Hall):
    org = await hall.make_org()
    made = await make(org.owner)
    refused = await hall.client(made["token"]).post("/me/tokens", json={"name": "more"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    agent = hall.client(hall.agent_token(await hall.make_agent(org)))
    assert (await agent.post("/me/tokens", json={"name": "more"})).status_code == 403
    assert (await hall.client().post("/me/tokens", json={"name": "more"})).status_code == 401


async def test_an_expired_token_opens_nothing(hall: Hall):
    org = await hall.make_org()
    made = await make(org.owner)
    async with hall.db.transaction(org.owner.actor) as tx:
        await tx.run("update logins set expires_at = now() where id = %(id)s", {"id": made["id"]})
    assert await status_of(hall, made["token"]) == 401
    assert (await org.owner.api.get("/me/tokens")).json()["items"] == []


async def test_leaving_and_a_new_password_end_tokens(hall: Hall):
    org = await hall.make_org()
    member = await org.add("member")
    made = await make(member)
    change = {"current_password": PASSWORD, "new_password": "another horse battery"}
    assert (await member.api.post("/auth/password", json=change)).is_success
    assert await status_of(hall, made["token"]) == 401
    other = await make(member)
    assert (await org.owner.api.delete(f"/people/{member.id}")).is_success
    assert await status_of(hall, other["token"]) == 401


@pytest.mark.parametrize(
    "fields", [{"name": ""}, {"name": " "}, {"expires_in_days": 0}, {"expires_in_days": 731}, {"name": "x" * 101}]
)
async def test_what_a_token_cannot_be_is_refused(hall: Hall, fields):
    org = await hall.make_org()
    answer = await org.owner.api.post("/me/tokens", json={"name": "editor", **fields})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
