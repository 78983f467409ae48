"""Circuit breakers, by a clock of their own."""

import pytest

from crewhall.kernel.errors import CrewhallError
from crewhall.runtime.breaker import FAILURES, OPEN_S, Breakers
from crewhall.runtime.endpoints import read_endpoints


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.rule("B12")
def test_a_breaker_opens_after_five_failures_in_a_row_and_lets_one_try_after_a_minute():
    clock = Clock()
    breaker = Breakers(clock).of("openai")
    for _ in range(FAILURES - 1):
        breaker.failed()
    assert breaker.closed_in() == 0
    breaker.failed()
    assert breaker.closed_in() == OPEN_S == 60
    clock.now += 59
    assert breaker.closed_in() == 1
    clock.now += 1
    assert breaker.closed_in() == 0  # the one that tries
    assert breaker.closed_in() == 60  # the others wait for how that goes
    breaker.failed()
    assert breaker.closed_in() == 60
    clock.now += 60
    assert breaker.closed_in() == 0
    breaker.succeeded()
    assert breaker.closed_in() == 0


@pytest.mark.rule("B12")
def test_failures_between_successes_and_of_others_do_not_count():
    breakers = Breakers(Clock())
    for _ in range(10):
        breakers.of("openai").failed()
        breakers.of("openai").succeeded()
        breakers.of("other").failed()
    assert breakers.of("openai").closed_in() == 0
    assert breakers.of("other").closed_in() > 0


def test_endpoints_are_read():
    found = read_endpoints("local=http://127.0.0.1:8080/v1/  far=https://models.example.org/v1,sk-1,2")
    assert {(one.name, one.url, one.key) for one in found.values()} == {
        ("local", "http://127.0.0.1:8080/v1", None), ("far", "https://models.example.org/v1", "sk-1,2")
    }  # fmt: skip


@pytest.mark.parametrize(
    "setting", ["x", "crewhall=http://a/v1", "A=http://a", "a=ftp://a", "a=http://", "a=http://b a=http://c"]
)
def test_endpoints_that_make_no_sense_are_refused_when_the_server_starts(setting):
    with pytest.raises(CrewhallError) as error:
        read_endpoints(setting)
    assert error.value.code == "bad_setting"
