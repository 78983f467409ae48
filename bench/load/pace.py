"""Posts at a steady rate, whatever the answers take: an open loop, so that a slow server cannot slow its own load."""

import asyncio
import itertools
import time
from collections.abc import Callable

from bench.load.http import Connection, LoadError, connect


class Pacer:
    """A few connections that post in turn; a request whose connection is busy opens another one."""

    def __init__(self, address: str, request: Callable[[int], bytes]) -> None:
        self._address = address
        self._request = request
        self._idle: list[Connection] = []
        self._all: list[Connection] = []
        self._error: Exception | None = None
        self._waiting = 0

    async def post(self, per_second: float, seconds: float) -> int:
        """Post at this rate for this long and wait for the answers (10 s at most); returns the number of posts."""
        begun = time.perf_counter()
        total = int(per_second * seconds)
        for i in itertools.islice(itertools.count(), total):
            ahead = begun + i / per_second - time.perf_counter()
            if ahead > 0:
                await asyncio.sleep(ahead)
            await self._send(i)
        patience = time.perf_counter() + 10
        while self._waiting and time.perf_counter() < patience and not self._error:
            await asyncio.sleep(0.005)
        if self._error:
            raise self._error
        return total

    async def _send(self, i: int) -> None:
        if self._error:
            raise self._error
        connection = self._idle.pop() if self._idle else await self._open()
        self._waiting += 1
        connection.send(self._request(i))

    async def _open(self) -> Connection:
        connection = await connect(self._address)
        self._all.append(connection)

        def answered(status: int) -> None:
            self._waiting -= 1
            self._idle.append(connection)
            if status >= 300:
                self._error = LoadError(f"{status}: {connection.body[-400:]!r}")

        def lost(error: Exception) -> None:
            if connection in self._idle:  # a server closes what nobody uses for some seconds
                self._idle.remove(connection)
            else:
                self._error = error

        connection.on_answer, connection.on_lost = answered, lost
        return connection

    def close(self) -> None:
        """Close the connections."""
        for connection in self._all:
            connection.close()
