"""Acts are told in #audit once each, whether the server is killed before or after the message or the checkpoint."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.support.site import Process, Site
from tests.support.waiting import PATIENCE, bounded, until

ROUNDS, ACTS, ANSWERED = 1, 40, 12


def caller(server: Process, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"{server.url}/api/v1",
        headers={"authorization": f"Bearer {token}"},
        timeout=20 * PATIENCE,
        verify=False,
    )


async def act_and_kill(site: Site, number: int) -> None:
    """Open many channels at once, and kill the server when some of the answers are there."""
    answered = asyncio.Event()
    done = 0

    async def open_channel(api: httpx.AsyncClient, name: str) -> None:
        nonlocal done
        await api.post("/conversations", json={"kind": "channel", "name": name})
        done += 1
        if done == ANSWERED:
            answered.set()

    async with caller(site.server, await site.sign_in()) as api:
        acts = [asyncio.create_task(open_channel(api, f"told-{number}-{n}")) for n in range(ACTS)]
        async with bounded(20):
            await answered.wait()
        await site.server.kill()
        await asyncio.gather(*acts, return_exceptions=True)


async def every(api: httpx.AsyncClient, path: str, **params: Any) -> list[dict[str, Any]]:
    """Every item of a list, page by page."""
    items: list[dict[str, Any]] = []
    while True:
        page = (await api.get(path, params={"limit": 100, **params})).raise_for_status().json()
        items += page["items"]
        if not page["items"] or page["next"] is None:
            return items
        params["after"] = page["next"]


@pytest.mark.slow
@pytest.mark.rule("E3", "C10", "X1")
async def test_acts_are_told_once_whatever_is_killed_when(site: Site) -> None:
    await site.server.start()
    try:
        for number in range(ROUNDS):
            await act_and_kill(site, number)
            await site.server.start()
        async with caller(site.server, await site.sign_in()) as api:
            channels = await every(api, "/conversations", kind="channel")
            channel = next(found["id"] for found in channels if found["type"] == "system")
            acts = {act["id"] for act in await every(api, "/audit")}

            async def told() -> list[str] | None:
                messages = await every(api, f"/conversations/{channel}/messages", after=0)
                ids = [message["client_id"].removeprefix("audit:") for message in messages]
                return ids if acts <= set(ids) else None

            ids = await until(told)
            assert ids is not None
            assert len(ids) == len(set(ids)) == len(acts)
            assert len(acts) > ROUNDS * ANSWERED
    finally:
        await site.server.close()
