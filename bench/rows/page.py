"""The conversation page as a browser gets it: HTML with 50 messages, warm."""

import gzip
from collections.abc import Sequence

import httpx

from bench.dataset import CONVERSATIONS
from bench.ground import EMAIL, PASSWORD, Ground, Skip
from bench.load.http import Outcome, get_request, run_loop
from bench.rows.row import Scale
from bench.table import Figure, Target

CONNECTIONS = 16
PACKED = {"Accept-Encoding": "gzip"}
DJANGO_WARM = 414.0
"""A Django chat server of the same shape publishes 62 pages a second cold, 414 from its cache."""


class Page:
    """16 connections of one signed-in browser. The floor serves the same bytes from memory."""

    name = "page"
    ground = floor_ground = "data"
    figures: Sequence[Figure] = (
        Figure(
            "rate",
            f"conversation page as HTML, {CONNECTIONS} connections",
            "/s",
            Target(at_least=600),
            "rate",
            DJANGO_WARM,
        ),
        Figure("p99", "conversation page as HTML: p99", "ms", floor_key="p99"),
        Figure("packed", "… packed, as a browser asks for it", "/s", floor_key="packed"),
        Figure("kib", "size of the page", "KiB"),
    )

    def __init__(self) -> None:
        self._cookies: dict[str, str] = {}
        self._page = b""

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Sign in as a browser does, and see that the page is there."""
        self._channel = (await ground.channels("data", CONVERSATIONS))[0]
        async with httpx.AsyncClient(base_url=ground.address, headers={"Origin": ground.address}) as browser:
            await browser.post("/login", data={"email": EMAIL, "password": PASSWORD})
            self._headers = {
                "Cookie": "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar if one.path == "/"),
                "Accept": "text/html",
                "Host": ground.address.removeprefix("http://"),
            }
            shown = await browser.get(f"/c/{self._channel}", headers=self._headers)
        if shown.status_code != 200 or 'id="m-' not in shown.text:
            raise Skip(f"the page /c/<id> is not there yet (status {shown.status_code})")
        self._page = shown.content
        floors = await ground.floors()
        async with httpx.AsyncClient(base_url=floors.address) as client:
            (await client.post("/keep/page", content=self._page)).raise_for_status()
            (await client.post("/keep/packed", content=gzip.compress(self._page, 1))).raise_for_status()
        await self.product(ground, scale)
        await self.floor(ground, scale)

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Load the product's page."""
        path = f"/c/{self._channel}"
        packed = await self._load(ground.address, path, scale.seconds, packed=True)
        return self._figures(await self._load(ground.address, path, scale.seconds), packed)

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Load the kept bytes."""
        address = (await ground.floors()).address
        packed = await self._load(address, "/kept/packed", scale.seconds / 2)
        return self._figures(await self._load(address, "/kept/page", scale.seconds), packed)

    async def _load(self, address: str, path: str, seconds: float, *, packed: bool = False) -> Outcome:
        request = get_request(path, self._headers | (PACKED if packed else {}))
        return await run_loop(address, CONNECTIONS, seconds, lambda _connection: lambda: request)

    def _figures(self, outcome: Outcome, packed: Outcome) -> dict[str, float]:
        return {
            "rate": outcome.per_second,
            "p99": outcome.percentile_ms(0.99),
            "packed": packed.per_second,
            "kib": len(self._page) / 1024,
        }
