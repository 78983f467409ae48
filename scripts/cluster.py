"""A whole cluster from plain processes (`make cluster`): servers, workers, one database and a small proxy before them.

What ends is started again, as a supervisor would: send a process SIGTERM or SIGKILL and watch what the others make of
it. Ctrl-C stops everything. Settings come from the environment (`CREWHALL_HOME`, …).
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

from scripts.proxy import Proxy, is_ready

CREWHALL = Path(sys.executable).with_name("crewhall")
START_S = 120.0
AGAIN_S = 1.0
LOOK_EVERY_S = 0.2
DRAIN_WAIT_S = "0.5"
"""What the proxy needs to notice that a server leaves, and some."""


class Member:
    """One process of the cluster, kept running on its port."""

    def __init__(self, kind: str, port: int, environment: dict[str, str]) -> None:
        self.kind = kind
        self.port = port
        names = {"serve": "CREWHALL_PORT", "worker": "CREWHALL_HEALTH_PORT"}
        self._environment = {**environment, names[kind]: str(port)}
        self._process: asyncio.subprocess.Process | None = None
        self._is_wanted = True
        self._has_started = False

    async def run(self) -> None:
        """Start, and start again whenever it has ended; until told, or until it ends before it was ever ready."""
        while self._is_wanted:
            self._process = await asyncio.create_subprocess_exec(
                CREWHALL, self.kind, env=self._environment, stdout=asyncio.subprocess.DEVNULL, start_new_session=True
            )
            code = await self._process.wait()
            if not self._has_started:
                return
            if self._is_wanted:
                print(f"{self.kind} on {self.port} has ended with {code}: starting it again", flush=True)
                await asyncio.sleep(AGAIN_S)

    async def ready(self) -> None:
        """Wait until it is."""
        async with asyncio.timeout(START_S):
            while not await is_ready("127.0.0.1", self.port):  # noqa: ASYNC110 - another process, which tells nobody
                await asyncio.sleep(LOOK_EVERY_S)
        assert self._process is not None
        self._has_started = True
        print(f"{self.kind:7} http://127.0.0.1:{self.port}/health/ready (pid {self._process.pid})", flush=True)

    def stop(self) -> None:
        """Tell it to end in good order."""
        self._is_wanted = False
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()


async def run(port: int, servers: int, workers: int) -> None:
    """Run the cluster until Ctrl-C or SIGTERM."""
    public = f"http://127.0.0.1:{port}"
    environment = {"CREWHALL_PUBLIC_URL": public, "CREWHALL_DRAIN_WAIT_S": DRAIN_WAIT_S, **os.environ}
    members = [Member("serve", port + 1 + n, environment) for n in range(servers)]
    members += [Member("worker", port + 1 + servers + n, environment) for n in range(workers)]
    proxy = Proxy([f"http://127.0.0.1:{one.port}" for one in members if one.kind == "serve"], port)
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    running = []
    try:
        for one in members:  # the first makes the database
            running.append(asyncio.create_task(one.run()))
            starting, stopping = asyncio.create_task(one.ready()), asyncio.create_task(told.wait())
            await asyncio.wait({starting, stopping, running[-1]}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not starting.done():
                starting.cancel()
                if not told.is_set():
                    raise SystemExit(f"{one.kind} on {one.port} did not start: see what it said")
                return
            await starting
        await proxy.start()
        print(f"The cluster is ready at {public}. Press Ctrl-C to stop.", flush=True)
        await told.wait()
    finally:
        for one in members:
            one.stop()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*running)
        await proxy.close()


def main() -> None:
    """Read the arguments and run."""
    asked = argparse.ArgumentParser(prog="make cluster", description=__doc__)
    asked.add_argument("--port", type=int, default=8787, help="the proxy's; the others follow it")
    asked.add_argument("--servers", type=int, default=2)
    asked.add_argument("--workers", type=int, default=2)
    found = asked.parse_args()
    asyncio.run(run(found.port, found.servers, found.workers))


if __name__ == "__main__":
    main()
