"""A server stops clean when it is told to, and shares its home with others."""

import asyncio
import signal

import httpx
import msgspec
import pytest

from tests.support.server import frames_until, until_closed
from tests.support.site import Process, Site
from tests.support.waiting import PATIENCE
from tests.support.writers import live

QUICK_S = 10.0
"""A start on data that is there takes about a second; a first one, or a recovery that hangs, takes longer."""


async def post(server: Process, token: str, text: str) -> str:
    """Write in #general through one server process; returns the message's id."""
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=f"{server.url}/api/v1", headers=headers, timeout=20 * PATIENCE, verify=False
    ) as api:
        channels = (await api.get("/conversations", params={"q": "general"})).raise_for_status().json()["items"]
        general = next(channel["id"] for channel in channels if channel["name"] == "general")
        answer = await api.post(f"/conversations/{general}/messages", json={"content": text})
        return str(answer.raise_for_status().json()["id"])


async def read(server: Process, token: str) -> list[str]:
    """The newest messages' ids in #general, through one server process."""
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=f"{server.url}/api/v1", headers=headers, timeout=20 * PATIENCE, verify=False
    ) as api:
        channels = (await api.get("/conversations", params={"q": "general"})).raise_for_status().json()["items"]
        general = next(channel["id"] for channel in channels if channel["name"] == "general")
        page = (await api.get(f"/conversations/{general}/messages")).raise_for_status().json()
        return [item["id"] for item in page["items"]]


@pytest.mark.parametrize(
    ("number", "group"), [(signal.SIGTERM, False), (signal.SIGINT, True)], ids=["sigterm", "ctrl-c on the terminal"]
)
async def test_a_told_server_stops_clean_and_starts_quickly(site: Site, number: signal.Signals, group: bool):
    await site.server.start()
    try:
        token = await site.sign_in()
        written = await post(site.server, token, "before the stop")
        async with live(site.server, token) as socket:
            await socket.send(msgspec.json.encode({"type": "ping"}).decode())
            await frames_until(socket, "pong")
            assert await site.server.stop(number, group=group) == 0, site.server.log.read_text()[-3000:]
            assert (await until_closed(socket)).code == 4409, "who listens is sent to resume, not signed out"
        assert site.postmaster() is None, "the last server of the home stops Postgres"
        assert await site.server.start() < QUICK_S * PATIENCE
        assert written in await read(site.server, token), "tokens and messages outlive a restart"
    finally:
        await site.server.close()


@pytest.mark.parametrize("after_s", [0.3, 0.45, 0.6, 0.8])
async def test_a_server_told_to_stop_while_it_starts_leaves_nothing_running(site: Site, after_s: float):
    await asyncio.to_thread(site.postgres.stop)
    site.server.launch()
    try:
        await site.server.ended_within(after_s)
        assert await site.server.stop(signal.SIGTERM) in {0, -signal.SIGTERM}
        assert site.postmaster() is None
    finally:
        await site.server.close()


@pytest.mark.slow
@pytest.mark.rule("X1")
async def test_a_second_server_of_a_home_shares_its_postgres_and_outlives_the_first(site: Site):
    second = site.beside()
    await site.server.start()
    try:
        token = await site.sign_in()
        postmaster = site.postmaster()
        assert postmaster is not None
        await second.start()
        assert site.postmaster() == postmaster, "the second attaches to the server that runs"
        first_words = await post(site.server, token, "through the first")
        assert first_words in await read(second, token)
        await site.server.kill()
        assert site.postmaster() == postmaster
        second_words = await post(second, token, "through the second, alone")
        await site.server.start()
        assert {first_words, second_words} <= set(await read(site.server, token))
        assert await site.server.stop() == 0
        assert site.postmaster() == postmaster, "a server that others use is left running"
        assert await second.stop() == 0
        assert site.postmaster() is None
    finally:
        await second.close()
        await site.server.close()
