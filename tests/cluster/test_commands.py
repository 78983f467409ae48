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

from tests.identity.hall import PASSWORD
from tests.support.site import OWNER, SERVING, Site, is_free, quiet_port

ROOT = SERVING.parents[2]
START_S = 150.0


def environment(site: Site) -> dict[str, str]:
    """As a person has it who sets the data folder and an owner."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("CREWHALL_")}
    return {
        **own,
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


def free_ports(count: int) -> int:
    """A port such that it and those behind it are free just now."""
    while True:
        port = quiet_port()
        if all(is_free(port + n) for n in range(count)):
            return port


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_cluster_starts_with_one_command_is_shown_and_ends(site: Site):
    port = free_ports(5)
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "scripts.cluster", "--port", str(port), cwd=ROOT, env=environment(site), stdout=PIPE
    )
    assert running.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            while b"The cluster is ready" not in (line := await running.stdout.readline()):
                assert line, "it ended"
        code, shown = await crewhall(site, "status")
        assert code == 0
        assert sorted(one["kind"] for one in shown["processes"]) == ["serve", "serve", "worker", "worker"]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", verify=False, timeout=30) as client:
            login = await client.post("/api/v1/auth/login", json={"email": OWNER, "password": PASSWORD})
            assert login.status_code == 200, login.text
            for one in shown["processes"]:
                assert (await client.get(f"{one['address']}/health/ready")).json()["status"] == "ok"
        running.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await running.wait() == 0
        code, shown = await crewhall(site, "status")
        assert (code, shown["processes"]) == (3, [])
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()
            await crewhall(site, "stop")
