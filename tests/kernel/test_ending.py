"""Tasks that are ended have ended, though they lose a cancellation."""

import asyncio

from crewhall.kernel import ending
from crewhall.kernel.ending import end_tasks


async def test_a_task_that_loses_a_cancellation_is_canceled_again(monkeypatch):
    monkeypatch.setattr(ending, "CANCEL_AGAIN_S", 0.01)
    lost = 0

    async def stubborn():
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1
                if lost > 2:
                    raise

    async def failing():
        raise ZeroDivisionError

    tasks = [asyncio.create_task(stubborn()), asyncio.create_task(failing())]
    await asyncio.sleep(0)
    await end_tasks(tasks)
    assert all(task.done() for task in tasks)
    assert lost == 3


async def test_nothing_to_end_is_nothing():
    await end_tasks([])
