"""Keys are verified once, refused alike, limited, and forgotten by every process when revoked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from crewhall.agents import AgentSettings
from crewhall.agents.verification import KeyVerifier
from crewhall.kernel import crypto
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.limits import RateLimiter
from tests.agents.conftest import SuperuserRows
from tests.agents.hall import AgentHall, AgentMember, AgentOrg
from tests.support.database import SharedCluster
from tests.support.waiting import bounded, until_signed_out

Check = Callable[[bytes, str | None], Awaitable[bool]]


@pytest.fixture
def bcrypts(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry for each bcrypt spent: whether it was against a real hash."""
    spent: list[bool] = []
    real = crypto.verify_secret

    async def counted(secret: bytes, hashed: str | None, cost: int) -> bool:
        spent.append(hashed is not None)
        return await real(secret, hashed, cost)

    monkeypatch.setattr("crewhall.agents.verification.verify_secret", counted)
    return spent


async def refusal(hall: AgentHall, key: str, address: str | None = None) -> dict[str, object]:
    answer = await hall.client(key, address=address).get("/agents")
    assert answer.status_code == 401
    shown: dict[str, object] = answer.json()
    shown.pop("request_id")
    return shown


async def test_an_unknown_prefix_and_a_wrong_secret_get_the_same_answer_for_the_same_work(
    hall: AgentHall, org: AgentOrg, bcrypts: list[bool]
):
    agent = await org.hire()
    wrong = await refusal(hall, agent.key[:-1] + ("A" if agent.key[-1] != "A" else "B"))
    unknown = await refusal(hall, "cwk_" + "0" * 51)
    short = await refusal(hall, "cwk_0")
    longer = await refusal(hall, agent.key + "x" * 40)
    assert wrong == unknown == short == longer
    assert bcrypts == [True, False, False, True]


async def test_a_verified_key_costs_no_bcrypt_on_the_next_request(org: AgentOrg, bcrypts: list[bool]):
    agent = await org.hire()
    for _ in range(5):
        assert (await agent.api.get("/agents")).status_code == 200
    assert bcrypts == [True]


async def test_many_requests_with_a_new_key_share_one_bcrypt(org: AgentOrg, bcrypts: list[bool]):
    agent = await org.hire()
    answers = await asyncio.gather(*(agent.api.get("/agents") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert bcrypts == [True]


@pytest.mark.rule("D10")
@pytest.mark.parametrize("act", ["revoke", "rotate", "delete", "deactivate"])
async def test_a_revoked_key_stops_within_a_second_in_every_process(
    hall: AgentHall, second_hall: AgentHall, org: AgentOrg, act: str
):
    agent = await org.hire()
    for process in (hall, second_hall):
        assert (await process.client(agent.key).get("/agents")).status_code == 200
    url = f"/agents/{agent.id}"
    one = f"{url}/credentials/{agent.credential_id}"
    acts = {
        "revoke": lambda: org.owner.api.delete(one),
        "rotate": lambda: org.owner.api.post(f"{one}/rotate", json={}),
        "delete": lambda: org.owner.api.delete(url),
        "deactivate": lambda: org.owner.api.patch(url, json={"status": "inactive"}),
    }
    assert (await acts[act]()).is_success
    for process in (hall, second_hall):
        await until_signed_out(process.client(agent.key), "/agents")


async def test_a_process_that_loses_its_wake_ups_forgets_every_key(
    hall: AgentHall, database: str, superuser_rows: SuperuserRows, org: AgentOrg, bcrypts: list[bool]
):
    agent = await org.hire()
    for _ in range(2):
        assert (await agent.api.get("/agents")).status_code == 200
    assert bcrypts == [True]
    distrusted = asyncio.Event()
    hall.verified.on_revoked(lambda tag: distrusted.set() if tag is None else None)
    await superuser_rows(
        """
        select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'crewhall-signals' and datname = %s
        """,
        database,
    )
    async with bounded(5):
        await distrusted.wait()
    assert (await agent.api.get("/agents")).status_code == 200
    assert bcrypts == [True, True]
    async with bounded(10):
        while not hall.signals.listening:
            await agent.api.get("/agents")


async def test_a_new_name_shows_at_once(hall: AgentHall, org: AgentOrg):
    agent = await org.hire(name="Old")
    assert (await hall.verified.resolve(agent.key)).actor.name == "Old"
    await org.owner.api.patch(f"/agents/{agent.id}", json={"name": "New"})
    await hall.hear_revocations()
    assert (await hall.verified.resolve(agent.key)).actor.name == "New"


def strict(hall: AgentHall, **settings: int) -> KeyVerifier:
    limits: dict[str, Any] = {
        "rate_key_per_minute": 2,
        "rate_key_address_per_minute": 3,
        "rate_key_prefix_per_minute": 5,
        **settings,
    }
    return KeyVerifier(hall.db, RateLimiter(), AgentSettings(**limits))


async def code_of(work: Awaitable[object]) -> str:
    try:
        await work
    except CrewhallError as error:
        return error.code
    return "fine"


def guess_of(key: str) -> str:
    """A key with the same prefix and another secret."""
    return key[:12] + "x" * 43


@pytest.mark.rule("D10")
async def test_guesses_from_one_address_lock_nobody_else_out(hall: AgentHall, org: AgentOrg):
    agent: AgentMember = await org.hire()
    verifier = strict(hall, rate_key_address_per_minute=100)
    codes = [await code_of(verifier.verify(guess_of(agent.key), None, "10.9.9.9")) for _ in range(20)]
    assert codes == ["unauthenticated"] * 2 + ["too_many_requests"] * 18
    assert await code_of(verifier.verify(agent.key, None, "10.9.9.9")) == "too_many_requests"
    assert await code_of(verifier.verify(agent.key, None, "10.9.9.8")) == "fine"
    await verifier.close()


@pytest.mark.rule("D10")
@pytest.mark.parametrize("is_known", [True, False])
async def test_guesses_from_many_addresses_are_limited_together_as_if_nobody_had_the_prefix(
    hall: AgentHall, org: AgentOrg, is_known: bool
):
    agent: AgentMember = await org.hire()
    verifier = strict(hall)
    guess = guess_of(agent.key if is_known else "cwk_nobodyhas")
    codes = [await code_of(verifier.verify(guess, None, f"10.9.9.{number}")) for number in range(7)]
    assert codes == ["unauthenticated"] * 5 + ["too_many_requests"] * 2
    other = await org.make_key(agent.id)
    assert await code_of(verifier.verify(other["key"], None, "10.9.9.9")) == "fine"
    await verifier.close()


@pytest.mark.rule("D10")
async def test_a_key_that_was_verified_is_not_locked_out_by_guesses(hall: AgentHall, org: AgentOrg):
    agent: AgentMember = await org.hire()
    verifier = strict(hall, rate_key_per_minute=3)
    assert await code_of(verifier.verify(agent.key, None, "10.7.7.7")) == "fine"
    for number in range(40):  # what is shared is used up, at the agent's own address too
        await code_of(verifier.verify(guess_of(agent.key), None, f"10.7.7.{number % 10}"))
    assert await code_of(verifier.verify(guess_of(agent.key), None, "10.7.6.1")) == "too_many_requests"
    codes = [await code_of(verifier.verify(agent.key, None, f"10.7.7.{number}")) for number in (7, 8, 9, 10)]
    assert codes == ["fine"] * 3 + ["too_many_requests"]
    await verifier.close()


@pytest.mark.rule("D10")
async def test_a_key_that_was_revoked_is_limited_like_a_guess(hall: AgentHall, org: AgentOrg):
    agent: AgentMember = await org.hire()
    verifier = strict(hall, rate_key_per_minute=100, rate_key_address_per_minute=100, rate_key_prefix_per_minute=3)
    assert await code_of(verifier.verify(agent.key, None, "10.6.6.6")) == "fine"
    revoked = await org.owner.api.delete(f"/agents/{agent.id}/credentials/{agent.credential_id}")
    assert revoked.is_success
    codes = [await code_of(verifier.verify(agent.key, None, "10.6.6.6")) for _ in range(5)]
    assert codes == ["unauthenticated"] * 3 + ["too_many_requests"] * 2
    await verifier.close()


@pytest.mark.rule("D10")
async def test_checks_from_one_address_are_limited_whatever_the_prefix(hall: AgentHall, org: AgentOrg):
    agent = await org.hire()
    verifier = strict(hall)
    codes = [await code_of(verifier.verify(f"cwk_{number:08}" + "x" * 43, None, "10.8.8.8")) for number in range(4)]
    assert codes == ["unauthenticated"] * 3 + ["too_many_requests"]
    assert await code_of(verifier.verify(agent.key, None, "10.8.8.9")) == "fine"


async def test_the_refusal_comes_over_http_with_the_seconds_to_wait(
    hall: AgentHall, cluster: SharedCluster, database: str, org: AgentOrg
):
    agent = await org.hire()
    async with AgentHall(cluster.urls(database).app, rate_key_per_minute=1) as careful:
        client = careful.client(agent.key[:12] + "y" * 43)
        answers = [await client.get("/agents") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [401, 429]
    assert 1 <= int(answers[1].headers["retry-after"]) <= 60
