"""`make cluster`, as somebody types it: the commands `serve` and `worker`, and what `status` says of them."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import httpx
import pytest

from scripts.cluster import SIGNED
from tests.identity.hall import PASSWORD
from tests.support.site import OWNER, SERVING, Site, is_free, quiet_port
from tests.support.waiting import PATIENCE, bounded

ROOT = SERVING.parents[2]
START_S = 150.0
HERONS = b"Grey ones: seven.\n"


def environment(site: Site) -> dict[str, str]:
    """As a person has it who sets the data folder and an owner."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("CREWHALL_")}
    kept = {name: os.environ[name] for name in ("CREWHALL_KAFKA_JARS",) if name in os.environ}
    return {
        **own,
        **kept,
        "CREWHALL_HOME": str(site.home),
        "CREWHALL_OWNER_EMAIL": OWNER,
        "CREWHALL_OWNER_PASSWORD": PASSWORD,
    }


async def crewhall(site: Site, *words: str) -> tuple[int, Any]:
    """Run a command with --json; its code and what it printed."""
    command = Path(sys.executable).with_name("crewhall")
    process = await asyncio.create_subprocess_exec(command, *words, "--json", env=environment(site), stdout=PIPE)
    said, _ = await process.communicate()
    return process.returncode or 0, json.loads(said)


def free_ports(behind: tuple[int, ...]) -> int:
    """A port such that it and those so far behind it are free just now."""
    while True:
        port = quiet_port()
        if all(is_free(port + n) for n in behind):
            return port


async def starts_is_shown_and_ends(site: Site, wanted: list[str], *words: str, ports: tuple[int, ...]) -> None:
    """Start a cluster by its command, look at it, post through its proxy, and end it."""
    port = free_ports(ports)
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "scripts.cluster", "--port", str(port), *words,
        cwd=ROOT, env=environment(site), stdout=PIPE,
    )  # fmt: skip
    assert running.stdout is not None
    try:
        async with bounded(START_S):
            while b"The cluster is ready" not in (line := await running.stdout.readline()):
                assert line, "it ended"
        code, shown = await crewhall(site, "status")
        assert code == 0
        assert sorted(one["kind"] for one in shown["processes"]) == wanted
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", verify=False, timeout=30 * PATIENCE
        ) as client:
            await talks(client)
            if "--bucket" in words:
                await keeps_files(client, site, f"http://127.0.0.1:{port + ports[-1]}/crewhall")
            for one in shown["processes"]:
                assert (await client.get(f"{one['address']}/health/ready")).json()["status"] == "ok"
        running.send_signal(signal.SIGTERM)
        async with bounded(60):
            assert await running.wait() == 0
        code, shown = await crewhall(site, "status")
        assert (code, shown["processes"]) == (3, [])
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()
            await crewhall(site, "stop")


async def talks(client: httpx.AsyncClient) -> None:
    """Sign in and say something in #general."""
    login = await client.post("/api/v1/auth/login", json={"email": OWNER, "password": PASSWORD})
    assert login.status_code == 200, login.text
    client.headers["authorization"] = f"Bearer {login.json()['access_token']}"
    found = (await client.get("/api/v1/conversations", params={"kind": "channel"})).json()["items"]
    general = next(one["id"] for one in found if one["name"] == "general")
    said = await client.post(f"/api/v1/conversations/{general}/messages", json={"content": "All is well."})
    assert said.status_code == 201, said.text


async def keeps_files(client: httpx.AsyncClient, site: Site, bucket: str) -> None:
    """Attach a file to a message; whichever server is asked for it has it, out of the bucket alone."""
    found = (await client.get("/api/v1/conversations", params={"kind": "channel"})).json()["items"]
    place, before = f"/api/v1/conversations/{found[0]['id']}", in_folder(site)
    kept = await client.post(f"{place}/files", params={"name": "herons.txt"}, content=HERONS)
    assert kept.status_code == 201, kept.text
    said = await client.post(f"{place}/messages", json={"content": "Counted.", "files": [kept.json()["id"]]})
    assert said.status_code == 201, said.text
    for _ in range(4):  # by new connections: to each of the servers
        answer = await client.get(f"/api/v1/files/{kept.json()['id']}/content", headers={"connection": "close"})
        assert (answer.status_code, answer.content) == (200, HERONS)
    async with httpx.AsyncClient(headers=SIGNED, trust_env=False, timeout=30 * PATIENCE) as storage:
        assert (await storage.get(bucket)).text.count("<Size>" + str(len(HERONS))) == 1
    assert in_folder(site) == before, "none is in the data folder"


def in_folder(site: Site) -> list[Path]:
    """The files that are kept in the data folder."""
    return sorted(path for path in (site.home / "blobs").rglob("*") if path.is_file())


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_cluster_starts_with_one_command_is_shown_and_ends(site: Site):
    await starts_is_shown_and_ends(site, ["serve", "serve", "worker", "worker"], "--bucket", ports=(*range(5), 85))


@pytest.mark.soak
@pytest.mark.timeout(400)
async def test_a_cluster_with_kafka_starts_with_one_command_too(new_site: Site, kafka_jars: None):
    wanted = ["projector", "projector", "serve", "serve", "worker", "worker"]
    await starts_is_shown_and_ends(new_site, wanted, "--kafka", ports=(*range(7), 81, 82, 83, 84))
