"""The conversation page as a browser gets it: HTML with 50 messages, warm."""

from collections.abc import Sequence

import httpx

from bench.dataset import CONVERSATIONS
from bench.ground import EMAIL, PASSWORD, Ground
from bench.load.http import Outcome, get_request, run_loop
from bench.rows.row import Scale, Skip
from bench.table import Figure, Target

CONNECTIONS = 16
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
                "Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items()),
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
        await self.product(ground, scale)
        await self.floor(ground, scale)

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Load the product's page."""
        return self._figures(await self._load(ground.address, f"/c/{self._channel}", scale.seconds))

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Load the kept bytes."""
        return self._figures(await self._load((await ground.floors()).address, "/kept/page", scale.seconds))

    async def _load(self, address: str, path: str, seconds: float) -> Outcome:
        request = get_request(path, self._headers)
        return await run_loop(address, CONNECTIONS, seconds, lambda _connection: lambda: request)

    def _figures(self, outcome: Outcome) -> dict[str, float]:
        return {
            "rate": outcome.per_second,
            "p99": outcome.percentile_ms(0.99),
            "kib": len(self._page) / 1024,
        }
