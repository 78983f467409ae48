"""Waiting for what must come about, without keeping the processor from it; a time limit ends what never does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

T = TypeVar("T")
FIRST_S = 0.01
MOST_S = 0.08
"""Between two looks: what comes soon is seen soon, and waiting for what takes long leaves it the processor."""


async def until(ask: Callable[[], Awaitable[T | None]], within: float = 40) -> T:
    """Ask again and again until the answer is true, and give it."""
    pause = FIRST_S
    async with asyncio.timeout(within):
        while not (answer := await ask()):
            await asyncio.sleep(pause)
            pause = min(pause * 1.25, MOST_S)
    return answer


async def until_signed_out(client: httpx.AsyncClient, path: str, within: float = 1) -> None:
    """Ask until the caller is no longer known; a revocation has a second for that."""

    async def is_refused() -> bool:
        return (await client.get(path)).status_code == httpx.codes.UNAUTHORIZED

    await until(is_refused, within)
