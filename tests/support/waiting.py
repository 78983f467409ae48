"""Waiting for what must come about, without keeping the processor from it; a time limit ends what never does.

A bound ends what hangs; it judges no speed. Tests say how long something may take on a machine of their own, and
`PATIENCE` makes it that many times longer, for every bound there is: here, of each test (tests/plugins/patience.py) and
of the processes that tests start. A promise of the product in seconds is no bound: whoever tests one says `promised`.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

T = TypeVar("T")
PATIENCE = float(os.environ.get("CREWHALL_TEST_PATIENCE") or 3)
"""What a bound is multiplied by: others load the machine, and some machines are slow."""
FIRST_S = 0.01
MOST_S = 0.08
"""Between two looks: what comes soon is seen soon, and waiting for what takes long leaves it the processor."""


def bounded(seconds: float) -> asyncio.Timeout:
    """`async with bounded(10):` ends what does not end by itself."""
    return asyncio.timeout(seconds * PATIENCE)


async def in_time(coming: Awaitable[T], seconds: float = 10) -> T:
    """Wait for it, within bounds."""
    async with bounded(seconds):
        return await coming


async def until(ask: Callable[[], Awaitable[T | None]], within: float = 40, *, promised: float | None = None) -> T:
    """Ask again and again until the answer is true, and give it.

    `promised`: the product promises it within so many seconds, which are taken as they are.
    """
    pause = FIRST_S
    async with asyncio.timeout(promised) if promised is not None else bounded(within):
        while not (answer := await ask()):
            await asyncio.sleep(pause)
            pause = min(pause * 1.25, MOST_S)
    return answer


async def until_signed_out(client: httpx.AsyncClient, path: str, within: float = 1) -> None:
    """Ask until the caller is no longer known; a revocation has a second for that."""

    async def is_refused() -> bool:
        return (await client.get(path)).status_code == httpx.codes.UNAUTHORIZED

    await until(is_refused, promised=within)
