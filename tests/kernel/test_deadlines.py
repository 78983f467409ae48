"""No request takes longer than it may: who asked is told so, and whoever else cancels is heard."""

import asyncio

import pytest

from crewhall.faces.plumbing.deadlines import Deadlines


async def held(deadlines: Deadlines, steps: list[str], seconds: float | None = None) -> None:
    """Work that lasts for good, or that many seconds."""

    async def work() -> None:
        is_done = asyncio.Event()
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, is_done.set)
        try:
            await is_done.wait()
            steps.append("done")
        finally:
            steps.append("left")

    await deadlines.hold(work())


async def test_what_takes_too_long_is_ended_and_told_so():
    steps: list[str] = []
    with pytest.raises(TimeoutError):
        await held(Deadlines(0.02), steps)
    assert steps == ["left"]
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0, "the task goes on: it answers who asked"
    await asyncio.sleep(0)


async def test_what_is_quick_is_left_alone_while_others_take_too_long():
    deadlines = Deadlines(0.4)
    steps: list[str] = []
    slow = [asyncio.create_task(held(deadlines, [])) for _ in range(3)]
    for _ in range(20):
        await held(deadlines, steps, 0.001)
    ended = await asyncio.gather(*slow, return_exceptions=True)
    assert [type(error) for error in ended] == [TimeoutError] * 3
    assert steps == ["done", "left"] * 20


async def test_what_somebody_else_cancels_is_cancelled_and_not_late():
    deadlines = Deadlines(60)
    task = asyncio.create_task(held(deadlines, []))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_work_comes_through_and_the_next_is_held_again():
    deadlines = Deadlines(0.02)

    async def broken() -> None:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        await deadlines.hold(broken())
    with pytest.raises(TimeoutError):
        await held(deadlines, [])
