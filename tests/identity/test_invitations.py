"""Sign-up by invitation: with a new account or one's own, once, by whom it is meant for."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from crewhall.identity.events import MemberJoined
from crewhall.kernel import events
from crewhall.kernel.actor import Actor, Role
from crewhall.kernel.db import Tx
from tests.identity.hall import PASSWORD, Hall, Org


def new_email() -> str:
    return f"n{uuid4().hex}@example.org"


async def invite(org: Org, **body: Any) -> dict[str, Any]:
    answer = await org.owner.api.post("/invitations", json=body)
    assert answer.status_code == 201
    sent: dict[str, Any] = answer.json()
    return sent


async def test_a_newcomer_signs_up_by_invitation(hall: Hall, monkeypatch: pytest.MonkeyPatch):
    told: list[MemberJoined] = []

    async def listen(_tx: Tx, _actor: Actor, event: MemberJoined) -> None:
        told.append(event)

    monkeypatch.setitem(events._handlers, MemberJoined, [listen])
    org, email = await hall.make_org(), new_email()
    sent = await invite(org, email=email.upper(), role="admin")
    await hall.errands.close()
    assert sent["link"].endswith(f"/invitation?token={sent['token']}")
    assert sent["link"] in hall.mails_to(email)[0].mail.body

    body = {"token": sent["token"], "name": "New Comer", "password": "newcomer's password"}
    accepted = await hall.client().post("/invitations/accept", json=body)
    assert accepted.status_code == 201
    joined = accepted.json()
    assert (joined["organization"]["id"], joined["role"]) == (str(org.id), "admin")
    assert joined["login"]["user"]["email"] == email
    api = hall.client(joined["login"]["access_token"])
    assert (await api.get("/me")).json()["role"] == "admin"
    again = await hall.client().post("/auth/login", json={"email": email, "password": "newcomer's password"})
    assert again.status_code == 200
    assert [(event.org_id, event.role) for event in told] == [(org.id, Role.ADMIN)]


async def test_an_existing_person_joins_with_their_own_account(hall: Hall):
    org = await hall.make_org()
    person = await hall.make_person()
    sent = await invite(org, email=person.email)
    accepted = await person.api.post("/invitations/accept", json={"token": sent["token"]})
    assert accepted.status_code == 201
    assert accepted.json()["login"] is None
    assert (await person.api.get("/me")).json()["organization"]["id"] == str(org.id)
    assert len((await org.owner.api.get("/people")).json()["items"]) == 2


async def test_an_invitation_serves_once(hall: Hall):
    org = await hall.make_org()
    sent = await invite(org)
    people = [await hall.make_person() for _ in range(3)]
    answers = await asyncio.gather(
        *(person.api.post("/invitations/accept", json={"token": sent["token"]}) for person in people)
    )
    assert sorted(answer.status_code for answer in answers) == [201, 410, 410]
    assert len((await org.owner.api.get("/people")).json()["items"]) == 2


async def test_only_whom_it_is_meant_for_may_accept(hall: Hall):
    org = await hall.make_org()
    email = new_email()
    sent = await invite(org, email=email)
    other = await hall.make_person()
    refused = await other.api.post("/invitations/accept", json={"token": sent["token"]})
    assert refused.status_code == 403
    body = {"token": sent["token"], "name": "Other", "password": "some long password"}
    refused = await hall.client().post("/invitations/accept", json={**body, "email": new_email()})
    assert (refused.status_code, refused.json()["field"]) == (422, "email")
    accepted = await hall.client().post("/invitations/accept", json={**body, "email": email})
    assert accepted.status_code == 201, "refused tries do not use it up"


async def test_what_else_invites_an_email_closes_when_it_has_joined(hall: Hall):
    org, other = await hall.make_org(), await hall.make_org()
    person = await hall.make_person()
    named, open_to_all = await invite(org, email=person.email), await invite(org)
    elsewhere, stranger = await invite(other, email=person.email), await invite(org, email=new_email())
    joined = await person.api.post("/invitations/accept", json={"token": open_to_all["token"]})
    assert joined.status_code == 201
    left = [one["id"] for one in (await org.owner.api.get("/invitations")).json()["items"]]
    assert left == [stranger["invitation"]["id"]]
    dead = await person.api.post("/invitations/accept", json={"token": named["token"]})
    assert (dead.status_code, dead.json()["code"]) == (410, "link_dead")
    assert (await person.api.post("/invitations/accept", json={"token": elsewhere["token"]})).status_code == 201


async def test_an_agent_accepts_nothing(hall: Hall):
    org = await hall.make_org()
    sent = await invite(org)
    refused = await hall.client(hall.agent_token(await hall.make_agent(org))).post(
        "/invitations/accept", json={"token": sent["token"]}
    )
    assert refused.status_code == 403


async def test_an_email_with_an_account_signs_in_instead(hall: Hall):
    org = await hall.make_org()
    person = await hall.make_person()
    sent = await invite(org, email=person.email)
    body = {"token": sent["token"], "name": "Twin", "password": "some long password"}
    refused = await hall.client().post("/invitations/accept", json=body)
    assert (refused.status_code, refused.json()["field"]) == (409, "email")
    login = await hall.client().post("/auth/login", json={"email": person.email, "password": PASSWORD})
    assert login.status_code == 200


async def test_a_member_does_not_join_twice(hall: Hall):
    org = await hall.make_org()
    sent = await invite(org)
    refused = await org.owner.api.post("/invitations/accept", json={"token": sent["token"]})
    assert refused.status_code == 409
    outsider = await hall.make_person()
    assert (await outsider.api.post("/invitations/accept", json={"token": sent["token"]})).status_code == 201


async def test_withdrawn_and_expired_invitations_are_dead(hall: Hall):
    org = await hall.make_org()
    person = await hall.make_person()
    withdrawn, expired = await invite(org), await invite(org)
    url = f"/invitations/{withdrawn['invitation']['id']}"
    assert (await org.owner.api.delete(url)).status_code == 204
    assert (await org.owner.api.delete(url)).status_code == 404
    async with hall.db.transaction(org.owner.actor) as tx:
        await tx.run("update invitations set expires_at = now() where id = %(id)s", {"id": expired["invitation"]["id"]})
    for token in (withdrawn["token"], expired["token"], "cwi_" + "x" * 43, "nonsense"):
        refused = await person.api.post("/invitations/accept", json={"token": token})
        assert (refused.status_code, refused.json()["code"]) == (410, "link_dead")
        assert (await hall.client().post("/invitations/accept", json={"token": token})).status_code == 410


async def test_open_invitations_are_listed_without_their_secrets(hall: Hall):
    org, other = await hall.make_org(), await hall.make_org()
    sent = [await invite(org, email=new_email()) for _ in range(3)]
    foreign = await invite(other)
    first = (await org.owner.api.get("/invitations", params={"limit": 2})).json()
    rest = (await org.owner.api.get("/invitations", params={"limit": 2, "after": first["next"]})).json()
    listed = first["items"] + rest["items"]
    assert [one["id"] for one in listed] == [one["invitation"]["id"] for one in reversed(sent)]
    assert all(one["token"] not in f"{first}{rest}" for one in [*sent, foreign])


async def test_nobody_withdraws_invitations_of_others(hall: Hall):
    org, other = await hall.make_org(), await hall.make_org()
    sent = await invite(org)
    assert (await other.owner.api.delete(f"/invitations/{sent['invitation']['id']}")).status_code == 404
    person = await hall.make_person()
    assert (await person.api.post("/invitations/accept", json={"token": sent["token"]})).status_code == 201


async def test_who_is_a_member_is_not_invited_again(hall: Hall):
    org, other = await hall.make_org(), await hall.make_org()
    member = await org.add()
    (await org.owner.api.patch("/me", json={"name": "Olga"})).raise_for_status()
    email = org.owner.email.upper()
    refused = await org.owner.api.post("/invitations", json={"email": email})
    assert (refused.status_code, refused.json()["field"]) == (409, "email")
    assert refused.json()["detail"] == "Olga is a member here already."
    assert (await other.owner.api.post("/invitations", json={"email": email})).status_code == 201
    assert (await member.api.post("/invitations", json={"email": email})).status_code == 403


@pytest.mark.parametrize(
    "body",
    [{"role": "owner"}, {"email": "not an email"}, {"email": "a b@c"}, {"expires_in_days": 0}, {"expires_in_days": 91}],
)
async def test_what_an_invitation_cannot_be_is_refused(hall: Hall, body: dict[str, object]):
    org = await hall.make_org()
    assert (await org.owner.api.post("/invitations", json=body)).status_code in {400, 422}


@pytest.mark.parametrize(("missing", "field"), [("name", "password"), ("password", "password"), ("email", "email")])
async def test_a_new_account_needs_all_its_parts(hall: Hall, missing: str, field: str):
    org = await hall.make_org()
    sent = await invite(org)
    body = {"token": sent["token"], "name": "New", "password": "some long password", "email": new_email()}
    del body[missing]
    refused = await hall.client().post("/invitations/accept", json=body)
    assert (refused.status_code, refused.json()["field"]) == (422, field)


async def test_a_link_serves_as_many_as_it_says(hall: Hall):
    org = await hall.make_org()
    sent = await invite(org, max_uses=2)
    people = [await hall.make_person() for _ in range(4)]
    answers = await asyncio.gather(
        *(person.api.post("/invitations/accept", json={"token": sent["token"]}) for person in people)
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 410, 410]
    assert (await org.owner.api.get("/invitations")).json()["items"] == []
    for wrong in ({"max_uses": 2, "email": new_email()}, {"max_uses": 2, "role": "admin"}, {"max_uses": 0}):
        assert (await org.owner.api.post("/invitations", json=wrong)).status_code == 422, wrong


async def test_an_invitation_is_sent_again_with_another_link(hall: Hall):
    org, other = await hall.make_org(), await hall.make_org()
    admin, email = await org.add("admin"), new_email()
    sent = await invite(org, email=email)
    path = f"/invitations/{sent['invitation']['id']}/resend"
    async with hall.db.transaction(org.owner.actor) as tx:
        await tx.run("update invitations set expires_at = now() where org_id = %(id)s", {"id": org.id})
    assert (await other.owner.api.post(path)).status_code == 404
    assert (await (await org.add()).api.post(path)).status_code == 403
    again = (await admin.api.post(path)).raise_for_status().json()
    assert again["invitation"]["id"] == sent["invitation"]["id"]
    body = {"name": "New", "password": "some long password"}
    first, second = [
        await hall.client().post("/invitations/accept", json={**body, "token": one["token"]}) for one in (sent, again)
    ]
    assert (first.status_code, second.status_code) == (410, 201)
    assert (await admin.api.post(path)).status_code == 404, "it was used"
    chief = await invite(org, role="admin")
    assert (await admin.api.post(f"/invitations/{chief['invitation']['id']}/resend")).status_code == 403


async def test_a_newcomer_is_in_the_timezone_that_they_say_else_in_the_organizations(hall: Hall):
    org = await hall.make_org()
    await org.owner.api.patch(f"/organizations/{org.id}", json={"timezone": "Asia/Tokyo"})

    async def join(**more: str) -> tuple[int, str]:
        body = {"token": (await invite(org))["token"], "name": "New", "email": new_email(), "password": PASSWORD}
        answer = await hall.client().post("/invitations/accept", json=body | more)
        said = answer.json()
        return answer.status_code, said["login"]["user"]["timezone"] if answer.is_success else said["field"]

    assert await join() == (201, "Asia/Tokyo")
    assert await join(timezone="Europe/Berlin") == (201, "Europe/Berlin")
    assert await join(timezone="Europe/Atlantis") == (422, "timezone")


async def test_an_organization_begins_in_the_timezone_of_who_makes_it(hall: Hall):
    person = await hall.make_person()
    assert (await person.api.patch("/me", json={"timezone": "Europe/Berlin"})).is_success
    made = await hall.make_org("Elsewhere", person)
    answer = await made.owner.api.get(f"/organizations/{made.id}")
    assert answer.json()["timezone"] == "Europe/Berlin"
