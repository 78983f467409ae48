"""Tokens and logins: rotation, reuse, revocation here and in other processes, cookies, switching."""

import asyncio
from datetime import datetime
from uuid import uuid4

import httpx
import pytest

from tests.identity.hall import PASSWORD, Hall, Member


async def log_in(hall: Hall, member: Member) -> dict[str, str]:
    answer = await hall.client().post("/auth/login", json={"email": member.email, "password": PASSWORD})
    assert answer.status_code == 200
    tokens: dict[str, str] = answer.json()
    return tokens


async def refresh(hall: Hall, token: str) -> httpx.Response:
    return await hall.client().post("/auth/refresh", json={"refresh_token": token})


async def status_of(hall: Hall, token: str) -> int:
    return (await hall.client(token).get("/me")).status_code


async def test_a_refresh_token_works_once_and_a_second_use_ends_its_login(hall: Hall):
    person = await hall.make_person()
    first = await log_in(hall, person)
    second = (await refresh(hall, first["refresh_token"])).json()
    assert await status_of(hall, second["access_token"]) == 200
    assert second["refresh_token"] != first["refresh_token"]
    third = (await refresh(hall, second["refresh_token"])).json()

    stolen = await refresh(hall, first["refresh_token"])
    assert stolen.status_code == 401
    for tokens in (first, second, third):
        assert await status_of(hall, tokens["access_token"]) == 401
    assert (await refresh(hall, third["refresh_token"])).status_code == 401
    assert (await person.api.get("/me")).status_code == 200, "other logins live on"


async def test_of_two_refreshes_at_once_one_wins(hall: Hall):
    tokens = await log_in(hall, await hall.make_person())
    answers = await asyncio.gather(*(refresh(hall, tokens["refresh_token"]) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


async def test_tokens_are_no_use_in_each_others_place(hall: Hall):
    tokens = await log_in(hall, await hall.make_person())
    assert await status_of(hall, tokens["refresh_token"]) == 401
    assert (await refresh(hall, tokens["access_token"])).status_code == 401
    assert (await hall.client(cookie=tokens["refresh_token"]).get("/me")).status_code == 401
    for nonsense in ("cwt_", "cwt_" + "x" * 43, "cwt_\0", "nothing", "x" * 300):
        assert (await refresh(hall, nonsense)).status_code in {401, 422}


async def test_logging_out_ends_this_login_only(hall: Hall):
    person = await hall.make_person()
    tokens = await log_in(hall, person)
    assert (await hall.client(tokens["access_token"]).post("/auth/logout")).status_code == 204
    assert await status_of(hall, tokens["access_token"]) == 401
    assert (await refresh(hall, tokens["refresh_token"])).status_code == 401
    assert (await person.api.get("/me")).status_code == 200


async def test_logging_out_everywhere_ends_all(hall: Hall):
    person = await hall.make_person()
    tokens = await log_in(hall, person)
    browser, _ = await hall.browse(person)
    stranger = await hall.make_person()
    assert (await browser.get("/me")).status_code == 200
    assert (await hall.client(tokens["access_token"]).post("/auth/logout-everywhere")).status_code == 204
    assert await status_of(hall, tokens["access_token"]) == 401
    assert (await browser.get("/me")).status_code == 401
    assert (await person.api.get("/me")).status_code == 401
    assert (await stranger.api.get("/me")).status_code == 200


async def test_logins_are_listed_to_their_owner_who_may_end_them(hall: Hall):
    person = await hall.make_person()
    tokens = await log_in(hall, person)
    stranger = await hall.make_person()
    listed = (await person.api.get("/me/logins")).json()["items"]
    assert [login["current"] for login in listed] == [False, True]
    other = listed[0]["id"]
    assert (await stranger.api.delete(f"/me/logins/{other}")).status_code == 404
    assert other not in (await stranger.api.get("/me/logins")).text
    assert (await person.api.delete(f"/me/logins/{other}")).status_code == 204
    assert await status_of(hall, tokens["access_token"]) == 401
    assert (await person.api.delete(f"/me/logins/{other}")).status_code == 404
    assert len((await person.api.get("/me/logins")).json()["items"]) == 1


async def test_logins_come_in_pages(hall: Hall):
    person = await hall.make_person()
    for _ in range(4):
        await hall.sign_in(person)
    seen, after = [], ""
    while True:
        page = (await person.api.get("/me/logins", params={"limit": 2, **({"after": after} if after else {})})).json()
        seen += [login["id"] for login in page["items"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)
    assert (await person.api.get("/me/logins", params={"after": "damaged"})).status_code == 422


async def test_an_ended_login_stops_in_every_process_within_a_second(hall: Hall):
    person = await hall.make_person()
    token = person.api.headers["authorization"][7:]
    async with Hall(hall.url) as elsewhere:
        told = asyncio.Event()
        elsewhere.verified.on_revoked(lambda _tag: told.set())
        assert await status_of(elsewhere, token) == 200
        assert (await person.api.post("/auth/logout")).status_code == 204
        await asyncio.wait_for(told.wait(), 1)
        assert await status_of(elsewhere, token) == 401


async def test_a_browsers_cookie_signs_in_and_other_sites_cannot_use_it(hall: Hall):
    org = await hall.make_org()
    browser, _ = await hall.browse(org.owner)
    assert (await browser.get("/me")).json()["role"] == "owner"
    body = {"name": "From elsewhere"}
    for headers in ({"origin": "https://evil.test"}, {"sec-fetch-site": "cross-site"}):
        refused = await browser.patch("/me", json=body, headers=headers)
        assert refused.status_code == 403
        assert refused.json()["code"] == "cross_origin"
    own = await browser.patch("/me", json=body, headers={"sec-fetch-site": "same-origin"})
    assert own.status_code == 200


async def test_using_a_browsers_login_keeps_it_alive(hall: Hall):
    person = await hall.make_person()
    browser, _ = await hall.browse(person)
    async with hall.db.transaction(person.actor) as tx:
        await tx.run(
            """
            update logins set expires_at = now() + interval '1 hour', last_seen_at = now() - interval '1 day'
            where user_id = %(id)s and kind = 'browser'
            """,
            {"id": person.id},
        )
    assert (await browser.get("/me")).status_code == 200
    await hall.errands.close()
    logins = (await person.api.get("/me/logins")).json()["items"]
    login = next(one for one in logins if one["kind"] == "browser")
    lives = datetime.fromisoformat(login["expires_at"]) - datetime.fromisoformat(login["last_seen_at"])
    assert lives.days >= 29
    assert login["address"].startswith("10.")


@pytest.mark.parametrize("what", ["login", "token"])
async def test_what_has_expired_is_refused(hall: Hall, what: str):
    person = await hall.make_person()
    async with hall.db.transaction(person.actor) as tx:
        if what == "login":
            await tx.run("update logins set expires_at = now() where user_id = %(id)s", {"id": person.id})
        else:
            await tx.run("update login_tokens set expires_at = now() where user_id = %(id)s", {"id": person.id})
    assert (await person.api.get("/me")).status_code == 401


async def test_one_login_moves_between_organizations(hall: Hall):
    first, second = await hall.make_org("First"), await hall.make_org("Second")
    person = await second.add("member", await first.add("admin"))
    assert (await person.api.get("/me")).json()["organization"]["id"] == str(second.id)
    switched = await person.api.post(f"/organizations/{first.id}/switch")
    assert switched.status_code == 200
    me = (await person.api.get("/me")).json()
    assert (me["organization"]["id"], me["role"]) == (str(first.id), "admin")

    for named in (str(second.id), second.slug):
        me = (await person.api.get("/me", headers={"x-crewhall-org": named})).json()
        assert (me["organization"]["id"], me["role"]) == (str(second.id), "member")


async def test_nobody_moves_to_an_organization_of_others(hall: Hall):
    own, foreign = await hall.make_org(), await hall.make_org()
    for named in (str(foreign.id), foreign.slug, str(uuid4()), "never-there", "%00"):
        refused = await own.owner.api.get("/people", headers={"x-crewhall-org": named})
        assert refused.status_code == 403, named
    assert (await own.owner.api.post(f"/organizations/{foreign.id}/switch")).status_code == 404
    assert (await own.owner.api.post(f"/organizations/{uuid4()}/switch")).status_code == 404
    assert (await own.owner.api.get("/me")).json()["organization"]["id"] == str(own.id)


async def test_without_an_organization_one_has_oneself_and_little_else(hall: Hall):
    person = await hall.make_person()
    assert (await person.api.get("/me")).json()["organization"] is None
    refused = await person.api.get("/people")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_organization")


async def test_logins_that_ended_long_ago_are_forgotten_at_the_next_sign_in(hall: Hall):
    person = await hall.make_person()
    recent = await hall.sign_in(person)
    async with hall.db.transaction(person.actor) as tx:
        await tx.run(
            "update logins set revoked_at = now() - interval '91 days' where id = %(id)s",
            {"id": person.actor.credential_id},
        )
        await tx.run(
            "update logins set revoked_at = now() - interval '89 days' where id = %(id)s",
            {"id": recent.actor.credential_id},
        )
    latest = await hall.sign_in(person)
    async with hall.db.transaction(person.actor) as tx:
        kept = await tx.values("select id from logins order by id")
        tokens = await tx.value("select count(distinct login_id) from login_tokens")
    assert kept == [recent.actor.credential_id, latest.actor.credential_id]
    assert tokens == 2
