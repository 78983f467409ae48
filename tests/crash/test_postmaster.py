"""The built-in Postgres dies under a server that serves: it comes back by itself, and what it cannot mend is said."""

import time
from pathlib import Path

import httpx
import msgspec
import psutil
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from crewhall.kernel.postgres.place import find_place
from crewhall.kernel.postgres.processes import command_line
from tests.crash.test_stop import post, read
from tests.support.site import Process, Site
from tests.support.waiting import PATIENCE, bounded, in_time, until
from tests.support.writers import live

SECONDS = 15.0


async def killed(site: Site) -> psutil.Process:
    """Kill the postmaster, as the kernel does when memory is short; returns it once it is gone."""
    postmaster = site.postmaster()
    assert postmaster is not None
    postmaster.kill()

    async def is_gone() -> bool:
        return not command_line(postmaster.pid)

    await until(is_gone)
    return postmaster


async def killed_without_data(site: Site) -> tuple[Path, Path]:
    """Kill the postmaster and hide its data, leaving nothing to start from: where it was, where it is."""
    place, postmaster = find_place(site.home), site.postmaster()
    assert place is not None
    assert postmaster is not None
    aside = place.data.with_name("hidden")
    place.data.rename(aside)
    postmaster.kill()
    return place.data, aside


def postmasters(site: Site) -> list[int]:
    """Every process that serves the data of the site."""
    data = str(site.postgres.status().data)
    lines = {pid: command_line(pid) for pid in psutil.pids()}
    return [pid for pid, words in lines.items() if data in words and words[0].endswith("/postgres")]


async def posts_again(server: Process, token: str, text: str) -> str:
    """Post until it is taken; every refusal meanwhile is `database_away` with a time to wait."""
    headers = {"authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(base_url=f"{server.url}/api/v1", headers=headers, timeout=20 * PATIENCE, verify=False) as api,
        bounded(SECONDS),
    ):
        while True:
            answer = await api.get("/me")
            if answer.is_success:
                return await post(server, token, text)
            assert (answer.status_code, answer.json()["code"]) == (503, "database_away"), answer.text
            assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.rule("X1")
async def test_a_killed_postmaster_comes_back_and_nothing_is_missing(site: Site):
    await site.server.start()
    try:
        token = await site.sign_in()
        written = [await post(site.server, token, "before")]
        for n in range(2):
            await killed(site)
            written.append(await posts_again(site.server, token, f"after {n}"))
        assert set(written) <= set(await read(site.server, token))
        assert "starting it again" in site.server.log.read_text()
        assert await site.server.stop() == 0
        assert site.postmaster() is None, "who started it again stops it too"
    finally:
        await site.server.close()


async def test_while_it_is_away_requests_are_told_so_at_once(site: Site):
    await site.server.start()
    try:
        token = await site.sign_in()
        data, aside = await killed_without_data(site)
        async with httpx.AsyncClient(
            base_url=site.server.url, headers={"authorization": f"Bearer {token}"}, verify=False
        ) as api:

            async def is_told() -> bool:
                answer = await api.get("/api/v1/conversations")
                return answer.status_code == 503 and answer.json()["code"] == "database_away"

            await until(is_told)
            began = time.monotonic()
            ready, refused = await api.get("/health/ready"), await api.get("/api/v1/conversations")
            assert time.monotonic() - began < 2 * PATIENCE, "nobody waits for a connection that cannot be had"
            assert (ready.status_code, refused.json()["code"]) == (503, "database_away")
            assert refused.headers["retry-after"] == "1"
            assert (await api.get("/health/live")).status_code == 200
        aside.rename(data)
        await posts_again(site.server, token, "it is back")
        assert await site.server.stop() == 0
    finally:
        await site.server.close()


@pytest.mark.slow
async def test_a_server_whose_postgres_cannot_be_kept_up_ends_and_says_why(site: Site):
    await site.server.start()
    data, aside = await killed_without_data(site)
    try:
        assert await site.server.ended() != 0
        log = site.server.log.read_text()
        assert "5 starts within 60 s did not keep it up" in log
        assert "is gone" in log
        assert site.postmaster() is None
        assert not data.exists(), "no empty database was made in the place of the lost one"
    finally:
        aside.rename(data)
        await site.server.close()
    assert await site.server.start() > 0
    assert await site.server.stop() == 0


async def test_a_server_told_to_stop_while_its_postgres_comes_back_leaves_nothing_running(site: Site):
    await site.server.start()
    try:
        token = await site.sign_in()
        written = await post(site.server, token, "before both")
        await killed(site)
        assert await site.server.stop() == 0, site.server.log.read_text()[-3000:]
        assert site.postmaster() is None
        await site.server.start()
        assert written in await read(site.server, token)
    finally:
        await site.server.close()


@pytest.mark.slow
async def test_two_servers_of_a_home_share_the_postgres_that_one_of_them_started_again(site: Site):
    second = site.beside()
    await site.server.start()
    await second.start()
    try:
        token = await site.sign_in()
        gone = await killed(site)
        through = [await posts_again(server, token, "still here") for server in (site.server, second)]
        postmaster = site.postmaster()
        assert postmaster is not None
        assert postmaster.pid != gone.pid
        assert postmasters(site) == [postmaster.pid]
        for server in (site.server, second):
            assert set(through) <= set(await read(server, token))
        assert await site.server.stop() == 0
        assert site.postmaster() == postmaster
        assert await second.stop() == 0
        assert site.postmaster() is None
    finally:
        await second.close()
        await site.server.close()


@pytest.mark.rule("X2")
async def test_a_socket_is_sent_to_resume_and_misses_nothing(site: Site):
    await site.server.start()
    try:
        token = await site.sign_in()
        await post(site.server, token, "first")
        general = await general_of(site, token)
        async with live(site.server, token) as socket:
            last = await following(socket, general, after=0)
            await killed(site)
            missed = await posts_again(site.server, token, "while nobody heard")
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    await in_time(socket.recv(), SECONDS)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4409
        async with live(site.server, token) as socket:
            await following(socket, general, after=last - 1, expected=missed)
    finally:
        await site.server.close()


async def general_of(site: Site, token: str) -> str:
    channels = (await site.call(token, "GET", "/conversations?q=general"))["items"]
    return next(str(channel["id"]) for channel in channels if channel["name"] == "general")


async def following(socket: ClientConnection, conversation: str, *, after: int, expected: str | None = None) -> int:
    """Subscribe; read up to `resumed`, and give the last seq. The record `expected` must come before it."""
    ask = {"type": "subscribe", "conversation": conversation, "after": after}
    await socket.send(msgspec.json.encode(ask).decode())
    seen = []
    while True:
        frame = msgspec.json.decode(await in_time(socket.recv(), SECONDS))
        if frame["type"] == "record":
            seen.append(frame["record"]["id"])
        if frame["type"] == "resumed":
            assert expected is None or expected in seen
            return int(frame["seq"])
