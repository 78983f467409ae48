"""Signing in: tokens, constant answers, throttling, what is never returned."""

import pytest

from crewhall.identity import passwords
from crewhall.kernel.crypto import hash_secret, verify_secret
from crewhall.kernel.limits import RateLimiter
from tests.identity.hall import PASSWORD, PASSWORD_HASH, Hall


async def test_signing_in_gives_tokens_that_work(hall: Hall):
    org = await hall.make_org()
    answer = await hall.client().post("/auth/login", json={"email": org.owner.email.upper(), "password": PASSWORD})
    assert answer.status_code == 200
    body = answer.json()
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 3600
    assert body["organization"]["id"] == str(org.id)
    assert [one["role"] for one in body["organizations"]] == ["owner"]
    me = (await hall.client(body["access_token"]).get("/me")).json()
    assert me["user"]["email"] == org.owner.email
    assert me["role"] == "owner"
    assert me["agent"] is None
    assert me["inbox_id"] is None


async def test_unknown_email_and_wrong_password_get_the_same_answer_for_the_same_work(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
):
    checks: list[bool] = []

    async def counted(secret: bytes, hashed: str | None) -> bool:
        checks.append(hashed is not None)
        return await verify_secret(secret, hashed)

    monkeypatch.setattr(passwords, "verify_secret", counted)
    known = await hall.make_person()
    wrong = await hall.client().post("/auth/login", json={"email": known.email, "password": "not the password"})
    unknown = await hall.client().post("/auth/login", json={"email": "no@example.org", "password": "not the password"})
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert {**wrong.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}
    assert wrong.json()["code"] == "wrong_credentials"
    assert checks == [True, False], "each try costs one bcrypt check"


@pytest.mark.parametrize("password", ["x", "x" * 256, "pass\0word"])
async def test_strange_passwords_are_only_wrong(hall: Hall, password: str):
    known = await hall.make_person()
    answer = await hall.client().post("/auth/login", json={"email": known.email, "password": password})
    assert answer.status_code == 401


async def test_strange_emails_are_only_wrong(hall: Hall):
    for email in ("a\0b@example.org", "not an email", "ü@exämple.org"):
        answer = await hall.client().post("/auth/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 401


async def test_guessing_is_throttled_per_address_and_email(hall: Hall, monkeypatch: pytest.MonkeyPatch):
    async def quick(*_: object) -> bool:
        return False

    monkeypatch.setattr(passwords, "verify_secret", quick)
    monkeypatch.setattr(hall.services, "limiter", RateLimiter())
    known = await hall.make_person()
    guesser = hall.client()
    body = {"email": known.email, "password": "a guess, and wrong"}
    answers = [await guesser.post("/auth/login", json=body) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert (await guesser.post("/auth/login", json={**body, "email": "else@example.org"})).status_code == 401
    assert (await hall.client().post("/auth/login", json=body)).status_code == 401, "other addresses are not shut out"
    guesses = 12
    while (await guesser.post("/auth/login", json={**body, "email": f"n{guesses}@example.org"})).status_code == 401:
        guesses += 1
    assert 100 <= guesses < 110, "one more is let in every few seconds"


@pytest.mark.rule("D1")
@pytest.mark.usefixtures("whole_cost")
async def test_passwords_are_bcrypt_with_cost_12_and_never_cut(hall: Hall):
    person = await hall.make_person()
    longest = "é" * 36
    changed = await person.api.post("/auth/password", json={"current_password": PASSWORD, "new_password": longest})
    assert changed.status_code == 204
    async with hall.db.transaction(None) as tx:
        stored = await tx.value("select password_hash from find_password(%(email)s)", {"email": person.email})
    assert stored.startswith("$2b$12$")
    assert (await hall.client().post("/auth/login", json={"email": person.email, "password": longest})).is_success
    cut = await hall.client().post("/auth/login", json={"email": person.email, "password": longest + "x"})
    assert cut.status_code == 401
    refused = await person.api.post("/auth/password", json={"current_password": longest, "new_password": longest + "x"})
    assert refused.status_code == 422
    assert refused.json()["field"] == "password"


@pytest.mark.rule("D1")
async def test_no_answer_holds_a_hash_or_a_digest(hall: Hall):
    org = await hall.make_org()
    await org.add("member")
    texts = [(await hall.client().post("/auth/login", json={"email": org.owner.email, "password": PASSWORD})).text]
    for path in ("/me", "/me/logins", "/organizations", "/people", "/invitations", "/audit"):
        answer = await org.owner.api.get(path)
        assert answer.status_code == 200
        texts.append(answer.text)
    for text in texts:
        assert "$2b$" not in text
        assert "hash" not in text
        assert "digest" not in text


@pytest.mark.usefixtures("whole_cost")
async def test_the_hash_of_the_tests_is_what_the_product_makes_but_for_its_cost():
    assert await verify_secret(PASSWORD.encode(), PASSWORD_HASH)
    made = await hash_secret(b"whatever it is")
    assert (made[:7], PASSWORD_HASH[:7], len(made)) == ("$2b$12$", "$2b$04$", len(PASSWORD_HASH))


@pytest.mark.parametrize(
    "body", [{}, {"email": "a@b"}, {"email": "a@b", "password": "x", "admin": True}, {"email": 1, "password": "x"}]
)
async def test_malformed_credentials_are_refused(hall: Hall, body: dict[str, object]):
    assert (await hall.client().post("/auth/login", json=body)).status_code in {400, 422}
