"""Waiting for what must come about; the test's own time limit ends what never does."""

import asyncio
from collections.abc import Awaitable, Callable

LOOK_EVERY_S = 0.02


async def until(is_so: Callable[[], Awaitable[bool]], within: float = 20) -> None:
    """Ask again and again until it is so."""
    async with asyncio.timeout(within):
        while not await is_so():
            await asyncio.sleep(LOOK_EVERY_S)
