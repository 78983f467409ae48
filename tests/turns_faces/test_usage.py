"""Usage page by page: however it is cut, it is the same list, and everybody's own."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.conversations.ways import group
from tests.identity.hall import Org
from tests.support.server import Server

DAYS = [datetime(2026, 3, day, 12, tzinfo=UTC) for day in (1, 2, 5, 6)]


async def meter(server: Server, org: Org, moment: datetime, agent: str, place: str, tokens: int) -> None:
    """What the end of a request writes."""
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(
            "select meter_usage(%(org)s, %(agent)s, %(place)s, %(moment)s, 'USD', 1, 1, %(tokens)s, 0, 1, 0.5)",
            {"org": org.id, "agent": UUID(agent), "place": UUID(place), "moment": moment, "tokens": tokens},
        )


async def listed(api: httpx.AsyncClient, size: int, **query: Any) -> list[dict[str, Any]]:
    """The whole list, in pages of a size."""
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        params = {**query, "limit": size} | ({"after": after} if after else {})
        page = (await api.get("/usage", params=params)).raise_for_status().json()
        found += page["items"]
        after = page["next"]
        if after is None:
            return found


@pytest.mark.rule("C9")
async def test_usage_is_the_same_list_in_pages_of_any_size(server: Server, org: Org):
    """Who sees all has every conversation, a member those it may read, and who may read none has an empty list."""
    member, stranger = await org.add(), await org.add()
    agents = [(await server.hire(org)).id for _ in range(3)]
    shared, apart = await group(org.owner, member), await group(org.owner)
    for number, (day, agent) in enumerate(itertools.product(DAYS, agents)):
        await meter(server, org, day, agent, apart, 100 + number)
        if day in DAYS[1:3]:
            await meter(server, org, day, agent, shared, 10)
    sizes = {"total": 4, "agent": 12, "conversation": 6}
    for kind, rows in sizes.items():
        whole = await listed(org.owner.api, 200, group=kind)
        assert len(whole) == rows
        assert sum(row["runs"] for row in whole) == 18
        assert [row["begins_at"] for row in whole] == sorted((row["begins_at"] for row in whole), reverse=True)
        assert {row["cost"]["USD"] for row in whole} <= {f"{n / 2:.6f}" for n in range(1, 7)}
        for size in (1, 2, 5):
            assert await listed(org.owner.api, size, group=kind) == whole, (kind, size)
        own = await listed(member.api, 1, group=kind)
        assert sum(row["runs"] for row in own) == 6
        assert {row["begins_at"][:10] for row in own} == {"2026-03-02", "2026-03-05"}
        assert await listed(stranger.api, 1, group=kind) == []
    span = {"since": DAYS[1].isoformat(), "until": (DAYS[2] - timedelta(days=1)).isoformat()}
    assert [row["begins_at"][:10] for row in await listed(org.owner.api, 1, **span)] == ["2026-03-02"]
