"""Changing and resetting passwords."""

import re

import httpx
import pytest

from crewhall.kernel.limits import RateLimiter
from crewhall.ports.mailer import Mail
from tests.identity.hall import PASSWORD, Hall, Member

NEW = "a different one entirely"


async def can_log_in(hall: Hall, person: Member, password: str) -> bool:
    answer = await hall.client().post("/auth/login", json={"email": person.email, "password": password})
    return answer.status_code == 200


async def ask_for_reset(hall: Hall, email: str, client: httpx.AsyncClient | None = None) -> httpx.Response:
    answer = await (client or hall.client()).post("/auth/password-reset", json={"email": email})
    await hall.errands.close()
    return answer


async def reset_token(hall: Hall, person: Member) -> str:
    assert (await ask_for_reset(hall, person.email)).status_code == 202
    found = re.search(r"token=(\S+)", hall.mails_to(person.email)[-1].mail.body)
    assert found
    return found[1]


async def test_changing_the_password_ends_every_other_login(hall: Hall):
    org = await hall.make_org()
    person = org.owner
    other = await hall.sign_in(person)
    browser, _ = await hall.browse(person)
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert (await person.api.post("/auth/password", json=body)).status_code == 204
    assert (await person.api.get("/me")).status_code == 200
    assert (await other.api.get("/me")).status_code == 401
    assert (await browser.get("/me")).status_code == 401
    assert await can_log_in(hall, person, NEW)
    assert not await can_log_in(hall, person, PASSWORD)


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [("wrong one, sorry", NEW, "current_password"), (PASSWORD, "short", "password"), (PASSWORD, "x" * 73, "password")],
)
async def test_a_bad_change_changes_nothing(hall: Hall, current: str, new: str, field: str):
    person = await hall.make_person()
    other = await hall.sign_in(person)
    answer = await person.api.post("/auth/password", json={"current_password": current, "new_password": new})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert (await other.api.get("/me")).status_code == 200
    assert await can_log_in(hall, person, PASSWORD)


async def test_a_reset_works_once_and_ends_every_login(hall: Hall):
    person = await hall.make_person()
    token = await reset_token(hall, person)
    body = {"token": token, "password": NEW}
    assert (await hall.client().post("/auth/password-reset/confirm", json=body)).status_code == 204
    assert (await person.api.get("/me")).status_code == 401
    assert await can_log_in(hall, person, NEW)
    again = await hall.client().post("/auth/password-reset/confirm", json={**body, "password": "yet another one"})
    assert (again.status_code, again.json()["code"]) == (410, "link_dead")
    assert not await can_log_in(hall, person, PASSWORD)


async def test_a_newer_link_leaves_an_older_one_alive_until_either_is_used(hall: Hall):
    person = await hall.make_person()
    older, newer = await reset_token(hall, person), await reset_token(hall, person)
    for token, password, status in ((older, NEW, 204), (newer, "yet another one", 410)):
        body = {"token": token, "password": password}
        assert (await hall.client().post("/auth/password-reset/confirm", json=body)).status_code == status
    assert await can_log_in(hall, person, NEW)


async def test_a_changed_password_kills_every_link(hall: Hall):
    person = await hall.make_person()
    older, newer = await reset_token(hall, person), await reset_token(hall, person)
    confirm = "/auth/password-reset/confirm"
    changed = await person.api.post("/auth/password", json={"current_password": PASSWORD, "new_password": NEW})
    assert changed.status_code == 204
    for token in (older, newer):
        assert (await hall.client().post(confirm, json={"token": token, "password": NEW})).status_code == 410


async def test_an_old_reset_link_is_dead(hall: Hall):
    person = await hall.make_person()
    token = await reset_token(hall, person)
    async with hall.db.transaction(person.actor) as tx:
        await tx.run("update password_resets set expires_at = now()")
    answer = await hall.client().post("/auth/password-reset/confirm", json={"token": token, "password": NEW})
    assert answer.status_code == 410
    assert await can_log_in(hall, person, PASSWORD)


async def test_asking_tells_nothing_about_who_has_an_account(hall: Hall):
    person = await hall.make_person()
    known, unknown = await ask_for_reset(hall, person.email), await ask_for_reset(hall, "nobody@example.org")
    assert known.status_code == unknown.status_code == 202
    assert known.json() == unknown.json()
    assert len(hall.mails_to(person.email)) == 1
    assert not hall.mails_to("nobody@example.org")


async def test_a_mailer_that_fails_shows_in_the_log_only(
    hall: Hall, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    class Broken:
        async def send(self, _mail: Mail) -> None:
            raise ConnectionError

    person = await hall.make_person()
    monkeypatch.setattr(hall.services, "mailer", Broken())
    assert (await ask_for_reset(hall, person.email)).status_code == 202
    assert "mailing a password reset failed" in caplog.text


async def test_reset_mails_are_throttled_per_email_and_address(hall: Hall, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hall.services, "limiter", RateLimiter())
    person = await hall.make_person()
    stranger = hall.client()
    answers = [await ask_for_reset(hall, person.email, stranger) for _ in range(20)]
    assert [answer.status_code for answer in answers] == [202] * 5 + [429] * 15
    assert (await ask_for_reset(hall, person.email)).status_code == 202  # from the owner's own address
    assert len(hall.mails_to(person.email)) == 6
    one = hall.client()
    statuses = [
        (await one.post("/auth/password-reset", json={"email": f"n{number}@example.org"})).status_code
        for number in range(31)
    ]
    assert statuses == [202] * 30 + [429]


@pytest.mark.parametrize("is_known", [True, False])
async def test_reset_mails_are_throttled_from_many_addresses_and_lock_nobody_out(
    hall: Hall, monkeypatch: pytest.MonkeyPatch, is_known: bool
):
    monkeypatch.setattr(hall.services, "limiter", RateLimiter())
    person = await hall.make_person()
    email = person.email if is_known else "nobody@example.org"
    answers = [await ask_for_reset(hall, email) for _ in range(22)]
    assert [answer.status_code for answer in answers] == [202] * 20 + [429] * 2
    assert len(hall.mails_to(email)) == (20 if is_known else 0)
    if is_known:  # any of the mails lets its owner in
        found = re.search(r"token=(\S+)", hall.mails_to(email)[3].mail.body)
        assert found
        body = {"token": found[1], "password": NEW}
        assert (await hall.client().post("/auth/password-reset/confirm", json=body)).status_code == 204
        assert await can_log_in(hall, person, NEW)
