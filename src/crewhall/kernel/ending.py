"""Ending tasks for sure."""

import asyncio
from collections.abc import Iterable
from typing import Any

CANCEL_AGAIN_S = 5.0
"""Longer than cleaning up takes: a second cancellation would cut it."""


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until they have ended: `wait_for` of Python 3.11 loses a cancellation that comes as it ends.

    Source: https://github.com/python/cpython/issues/86296, mended in Python 3.12.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)
