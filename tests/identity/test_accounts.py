"""One's own account, and handles (A1): at most 32 characters, readable, unique, through the API and in the database."""

from collections import Counter
from itertools import islice

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.identity.accounts import create_account, person_actor
from crewhall.identity.fields import check_handle, check_slug
from crewhall.identity.words import handle_candidates, slug_candidates
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from tests.identity.hall import PASSWORD_HASH, Hall


async def handle_of(hall: Hall, email: str, name: str = "Ada") -> str:
    person = await hall.make_person(email, name)
    handle: str = (await person.api.get("/me")).json()["user"]["handle"]
    return handle


async def test_handles_are_made_from_the_email_and_numbered(hall: Hall):
    assert await handle_of(hall, "grace.hopper+work@example.org") == "grace.hopper"
    assert await handle_of(hall, "grace.hopper@example.net") == "grace.hopper-2"
    assert await handle_of(hall, "李@example.org", "Zoë Ångström") == "zoe-angstrom"
    assert await handle_of(hall, "everyone@example.org") == "everyone-2"


@pytest.mark.rule("A1")
async def test_a_handle_has_at_most_32_characters(hall: Hall):
    person = await hall.make_person()
    longest = "h" + person.id.hex[1:]
    assert len(longest) == 32
    changed = await person.api.patch("/me", json={"handle": longest})
    assert changed.status_code == 200
    assert changed.json()["handle"] == longest
    assert (await person.api.patch("/me", json={"handle": longest + "x"})).status_code == 422
    assert (await person.api.get("/me")).json()["user"]["handle"] == longest


@pytest.mark.rule("A1")
@pytest.mark.parametrize("handle", ["", "Ada", "ada lovelace", "-ada", "ada!", "ada\n", "ада", "everyone", "a\0b"])
async def test_a_handle_is_readable(hall: Hall, handle: str):
    person = await hall.make_person()
    assert (await person.api.patch("/me", json={"handle": handle})).status_code == 422


@pytest.mark.rule("A1")
async def test_a_handle_is_unique(hall: Hall):
    first, second = await hall.make_person(), await hall.make_person()
    handle = "only." + first.id.hex[-20:]
    assert (await first.api.patch("/me", json={"handle": handle})).status_code == 200
    taken = await second.api.patch("/me", json={"handle": handle})
    assert (taken.status_code, taken.json()["field"]) == (409, "handle")
    person = person_actor(new_id())
    with pytest.raises(CrewhallError) as refused:
        async with hall.db.transaction(person) as tx:
            await create_account(
                tx, person, email=f"{person.id}@example.org", name="X", password_hash=PASSWORD_HASH, handle=handle
            )
    assert refused.value.kind.status == 409


@pytest.mark.rule("A1")
async def test_the_database_holds_handles_to_the_rules_as_well(hall: Hall):
    first, second = await hall.make_person(), await hall.make_person()
    sql = "update users set handle = %(handle)s where id = %(id)s"
    async with hall.db.transaction(first.actor) as tx:
        assert await tx.run(sql, {"handle": "s" + first.id.hex[1:], "id": first.id}) == 1
    for handle, error in [
        ("s" + "x" * 32, psycopg.errors.CheckViolation),
        ("Upper", psycopg.errors.CheckViolation),
        ("s" + first.id.hex[1:], psycopg.errors.UniqueViolation),
    ]:
        with pytest.raises(error):
            async with hall.db.transaction(second.actor) as tx:
                await tx.run(sql, {"handle": handle, "id": second.id})


@pytest.mark.rule("A1")
@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_the_name_a_valid_handle_is_found(email: str, name: str):
    for handle in islice(handle_candidates(email, name), 25):
        assert check_handle(handle) == handle


@given(st.text(max_size=150))
def test_whatever_the_name_valid_slugs_are_found(name: str):
    found = list(islice(slug_candidates(name), 25))
    assert all(len(slug) <= 100 and check_slug(slug) for slug in found)
    assert max(Counter(found).values()) == 1


async def test_the_own_account_changes_in_part(hall: Hall):
    person = await hall.make_person()
    before = (await person.api.get("/me")).json()["user"]
    change = {"name": " Grace ", "timezone": "Europe/Berlin", "locale": "pt-BR", "avatar_url": "https://a.test/x.png"}
    after = (await person.api.patch("/me", json=change)).json()
    assert after == {**before, **change, "name": "Grace"}
    assert (await person.api.get("/me")).json()["actor"]["name"] == "Grace", "tokens show the new name at once"
    assert (await person.api.patch("/me", json={"avatar_url": None})).json()["avatar_url"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 256},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"timezone": "Europe"},
        {"locale": "not a locale"},
        {"avatar_url": "javascript:alert(1)"},
        {"email": "other@example.org"},
        {"role": "owner"},
        {"password_hash": "x"},
    ],
)
async def test_what_an_account_cannot_be_is_refused(hall: Hall, change: dict[str, str]):
    person = await hall.make_person()
    assert (await person.api.patch("/me", json=change)).status_code in {400, 422}


async def test_one_email_has_one_account(hall: Hall):
    first = await hall.make_person()
    person = person_actor(new_id())
    with pytest.raises(CrewhallError) as refused:
        async with hall.db.transaction(person) as tx:
            await create_account(tx, person, email=first.email.upper(), name="Twin", password_hash=PASSWORD_HASH)
    assert refused.value.fields == {"field": "email"}
