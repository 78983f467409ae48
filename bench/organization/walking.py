"""Opens every page and every list as one of three people and times it: alone, and a few at once."""

import asyncio
import re
import time
from collections.abc import Callable, Sequence

import httpx
import msgspec

from bench.ground import EMAIL, PASSWORD, TIMEOUT_S, Ground
from bench.load.http import percentile
from bench.meter import tree_seconds
from bench.organization.routes import Address, following

VISITORS = {"owner": EMAIL, "busy": "person-1@example.test", "new": "person-2@example.test"}
AT_ONCE = 4
WITHOUT_PLACE = {403, 404, 409}
"""What somebody is answered who may not open it."""
_ROWS = re.compile(r"<(?:li|tr|article)\b")


class Pace(msgspec.Struct, frozen=True):
    """How thoroughly it is walked: by whom, and how often each address is asked, alone and in fours at once.

    A list is followed for so many steps of the largest size to its late page.
    """

    visitors: tuple[str, ...] = tuple(VISITORS)
    alone: int = 8
    fours: int = 2
    deep: int = 8


class Measured(msgspec.Struct):
    """What one address took one visitor, in milliseconds; `cpu` is that of server and database, for one answer."""

    route: str
    path: str
    who: str
    place: str
    alone: list[float]
    at_once: list[float]
    cpu: float
    kib: float
    rows: int

    @property
    def p99(self) -> float:
        """The 99th percentile, of both kinds together."""
        return percentile([*self.alone, *self.at_once], 0.99)


class Walker:
    """One visitor with a browser's cookies and a token."""

    def __init__(self, ground: Ground, who: str, pace: Pace) -> None:
        self.who = who
        self.closed: list[str] = []
        self._ground = ground
        self._pace = pace

    async def sign_in(self) -> None:
        """Take both at the door."""
        login = {"email": VISITORS[self.who], "password": PASSWORD}
        self._client = httpx.AsyncClient(
            base_url=self._ground.address, timeout=TIMEOUT_S, headers={"Origin": self._ground.address}
        )
        await self._client.post("/login", data=login)
        answer = (await self._client.post("/api/v1/auth/login", json=login)).raise_for_status().json()
        self._token = {"Authorization": f"Bearer {answer['access_token']}", "Accept": "application/json"}

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    async def walk(self, address: Address) -> list[Measured]:
        """Measure the first and, where there is one, a late page; where the visitor may not be is noted in `closed`."""
        first = await self._get(address, address.path)
        if first is None:
            self.closed.append(address.route)
            return []
        found = [await self._measure(address, address.path, "first", first)]
        late, at = None, first
        for _ in range(self._pace.deep):
            further = following(address, at)
            answer = await self._get(address, further) if further else None
            if answer is None:
                break
            late, at = further, answer
        if late:
            found.append(await self._measure(address, late, "late", at))
        return found

    async def _get(self, address: Address, path: str) -> httpx.Response | None:
        headers = {"Accept": "text/html"} if address.is_page else self._token
        answer = await self._client.get(path, headers=headers)
        if answer.status_code in WITHOUT_PLACE:
            return None
        if answer.status_code != 200 and not answer.is_redirect:
            raise httpx.HTTPStatusError(f"{answer.status_code} {path}", request=answer.request, response=answer)
        return None if answer.is_redirect else answer

    async def _measure(self, address: Address, path: str, place: str, answer: httpx.Response) -> Measured:
        async def timed() -> float:
            begun = time.perf_counter()
            await self._get(address, path)
            return (time.perf_counter() - begun) * 1000

        before = self._seconds()
        alone = [await timed() for _ in range(self._pace.alone)]
        cpu = (self._seconds() - before) * 1000 / len(alone)
        at_once = [
            took for _ in range(self._pace.fours) for took in await asyncio.gather(*(timed() for _ in range(AT_ONCE)))
        ]
        rows = rows_of(answer.text) if address.is_page else _items(answer.json())
        return Measured(address.route, path, self.who, place, alone, at_once, cpu, len(answer.content) / 1024, rows)

    def _seconds(self) -> float:
        return tree_seconds(self._ground.server.pid) + tree_seconds(self._ground.postgres_pid)


def rows_of(page: str) -> int:
    """How many rows a page shows, beside those of the sidebar that all pages have."""
    return len(_ROWS.findall(page.partition("<main")[2]))


def _items(said: object) -> int:
    lists = [value for value in said.values() if isinstance(value, list)] if isinstance(said, dict) else []
    return max(map(len, lists), default=0)


async def walk_all(ground: Ground, asked: Sequence[Address], pace: Pace, say: Callable[[str], None]) -> list[Measured]:
    """Everything as every visitor. At the end of each it is said what they could not open, which nothing measured."""
    found: list[Measured] = []
    for who in pace.visitors:
        walker = Walker(ground, who, pace)
        await walker.sign_in()
        for address in asked:
            found += await walker.walk(address)
        if walker.closed:
            say(f"{who} could not open {len(walker.closed)} of {len(asked)}: {', '.join(sorted(walker.closed))}")
        await walker.close()
    return found
