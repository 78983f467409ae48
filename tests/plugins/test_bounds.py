"""What ends tests that hang, and what is shown of those that fail."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.support.said import LINES, all_said, forget, note_log
from tests.support.waiting import PATIENCE, in_time, until


def limit_of(request: pytest.FixtureRequest) -> float:
    marker = request.node.get_closest_marker("timeout")
    assert marker is not None
    return float(marker.args[0])


@pytest.mark.timeout(7)
def test_the_limit_of_a_test_is_as_much_longer_as_all_bounds_are(request: pytest.FixtureRequest):
    assert limit_of(request) == 7 * PATIENCE


async def test_a_request_that_names_no_limit_has_one_that_is_as_much_longer():
    async with httpx.AsyncClient() as client:
        assert client.timeout == httpx.Timeout(20 * PATIENCE)


async def test_what_never_comes_about_is_ended_and_a_promise_is_taken_as_it_is():
    clock = asyncio.get_running_loop().time

    async def never() -> bool:
        return False

    began = clock()
    with pytest.raises(TimeoutError):
        await until(never, within=0.05)
    with pytest.raises(TimeoutError):
        await in_time(asyncio.Event().wait(), 0.05)
    assert clock() - began > 0.05 * PATIENCE  # a timer may fire a moment early, both of them no earlier than that
    with pytest.raises(TimeoutError):
        await until(never, promised=0.05)


def test_the_last_words_of_each_log_are_shown_until_the_test_is_over(tmp_path: Path):
    log = tmp_path / "worker-1.log"
    log.write_text("\n".join(f"line {number}" for number in range(3 * LINES)))
    note_log(log)
    note_log(tmp_path / "silent.log")
    ((name, words),) = all_said()
    assert name == "worker-1.log"
    assert words.splitlines() == [f"line {number}" for number in range(2 * LINES, 3 * LINES)]
    forget()
    assert all_said() == []
