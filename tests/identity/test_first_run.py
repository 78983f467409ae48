"""The first start (D14): an owner, an example organization, templates and wiki categories, and never twice."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from crewhall.agents.templates import plant_templates
from crewhall.identity.events import InstallationSeeded
from crewhall.identity.first_run import WIKI_CATEGORIES, prepare_first_run
from crewhall.identity.settings import IdentitySettings
from crewhall.kernel import events
from crewhall.kernel.errors import CrewhallError
from tests.identity.hall import BASE_URL, Hall

OWNER = IdentitySettings(owner_email="Grace.Hopper@example.org", owner_password=SecretStr("owner's password"))
ASKING = IdentitySettings()


@pytest.fixture(autouse=True)
def with_agents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Agents add their templates, as in a running process."""
    monkeypatch.setitem(events._handlers, InstallationSeeded, [plant_templates])


async def counts(hall: Hall) -> dict[str, int]:
    login = await hall.client().post(
        "/auth/login", json={"email": "grace.hopper@example.org", "password": "owner's password"}
    )
    api = hall.client(login.json()["access_token"])
    async with hall.db.transaction(None) as tx:
        templates = await tx.value("select count(*) from agent_templates")
    return {
        "people": len((await api.get("/people")).json()["items"]),
        "organizations": len((await api.get("/organizations")).json()["items"]),
        "templates": templates,
    }


def token_of(link: str | None) -> str:
    assert link is not None
    return parse_qs(urlsplit(link).query)["token"][0]


def set_up_body(token: str) -> dict[str, str]:
    return {
        "token": token,
        "email": "first@example.org",
        "password": "first person's password",
        "name": "First Person",
        "organization": "Ours",
    }


@pytest.mark.rule("D14")
async def test_the_settings_make_the_owner_once_and_never_twice(fresh_hall: Hall):
    assert await prepare_first_run(fresh_hall.db, OWNER, BASE_URL) is None
    login = await fresh_hall.client().post(
        "/auth/login", json={"email": "grace.hopper@example.org", "password": "owner's password"}
    )
    body = login.json()
    assert body["user"]["name"] == "Grace Hopper"
    assert body["user"]["handle"] == "grace.hopper"
    assert body["organization"]["slug"] == "hq"
    assert body["organization"]["role"] == "owner"
    assert body["organization"]["settings"]["wiki_categories"] == list(WIKI_CATEGORIES)
    first = await counts(fresh_hall)
    assert first["people"] == first["organizations"] == 1
    assert first["templates"] >= 5

    other = IdentitySettings(owner_email="other@example.org", owner_password=SecretStr("another password"))
    for settings in (OWNER, other, ASKING):
        assert await prepare_first_run(fresh_hall.db, settings, BASE_URL) is None
    assert await counts(fresh_hall) == first


@pytest.mark.rule("D14")
async def test_processes_that_start_at_once_seed_once(fresh_hall: Hall):
    await asyncio.gather(*(prepare_first_run(fresh_hall.db, OWNER, BASE_URL) for _ in range(4)))
    assert (await counts(fresh_hall))["organizations"] == 1


@pytest.mark.rule("D14")
async def test_the_printed_link_makes_the_owner_and_then_is_dead(fresh_hall: Hall):
    link = await prepare_first_run(fresh_hall.db, ASKING, BASE_URL)
    assert link is not None
    assert link.startswith(f"{BASE_URL}/setup?token=")
    body = set_up_body(token_of(link))
    made = await fresh_hall.client().post("/auth/setup", json=body)
    assert made.status_code == 201
    assert made.json()["organization"]["name"] == "Ours"
    assert made.json()["organization"]["role"] == "owner"
    assert (await fresh_hall.client(made.json()["access_token"]).get("/me")).json()["role"] == "owner"
    again = await fresh_hall.client().post("/auth/setup", json={**body, "email": "second@example.org"})
    assert (again.status_code, again.json()["code"]) == (410, "link_dead")
    assert await prepare_first_run(fresh_hall.db, ASKING, BASE_URL) is None


async def test_each_start_prints_a_fresh_link_and_only_the_newest_works(fresh_hall: Hall):
    old = token_of(await prepare_first_run(fresh_hall.db, ASKING, BASE_URL))
    new = token_of(await prepare_first_run(fresh_hall.db, ASKING, BASE_URL))
    assert old != new
    for token in (old, "cwo_guess", "x"):
        assert (await fresh_hall.client().post("/auth/setup", json=set_up_body(token))).status_code == 410
    weak = {**set_up_body(new), "password": "short"}
    assert (await fresh_hall.client().post("/auth/setup", json=weak)).status_code == 422
    assert (await fresh_hall.client().post("/auth/setup", json=set_up_body(new))).status_code == 201


async def test_of_two_people_with_the_link_one_becomes_the_owner(fresh_hall: Hall):
    body = set_up_body(token_of(await prepare_first_run(fresh_hall.db, ASKING, BASE_URL)))
    answers = await asyncio.gather(
        fresh_hall.client().post("/auth/setup", json=body),
        fresh_hall.client().post("/auth/setup", json={**body, "email": "second@example.org"}),
    )
    assert sorted(answer.status_code for answer in answers) == [201, 410]


@pytest.mark.parametrize(
    "settings",
    [
        IdentitySettings(owner_email="only@example.org"),
        IdentitySettings(owner_password=SecretStr("only a password")),
        IdentitySettings(owner_email="not an email", owner_password=SecretStr("a password")),
        IdentitySettings(owner_email="a@example.org", owner_password=SecretStr("x" * 73)),
        IdentitySettings(owner_email="a@example.org", owner_password=SecretStr("nine char")),
    ],
)
async def test_half_an_owner_is_refused_with_the_settings_name(fresh_hall: Hall, settings: IdentitySettings):
    with pytest.raises(CrewhallError) as refused:
        await prepare_first_run(fresh_hall.db, settings, BASE_URL)
    assert refused.value.code == "bad_setting"
    assert "CREWHALL_OWNER_" in refused.value.detail
