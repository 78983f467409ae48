"""A whole cluster from plain processes (`make cluster`): servers, workers, one database and a small proxy before them.

With --kafka messages live in Apache Kafka: a broker in the data folder, and projectors besides. Where the environment
has CREWHALL_KAFKA_BOOTSTRAP that broker is used, and none started. It is what deploy/compose.kafka.yaml describes.

With --bucket files go to a storage that speaks S3, as in deploy/compose.yaml. It keeps them in memory: they are gone
when the cluster ends, while messages still name them. Take a CREWHALL_HOME of its own.

What ends is started again, as a supervisor would: send a process SIGTERM or SIGKILL and watch what the others make of
it. Ctrl-C stops everything. Settings come from the environment (`CREWHALL_HOME`, …).
"""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from crewhall.kernel.settings import KernelSettings, load_settings
from scripts.broker import Broker, BrokerFailed, Ports, bring_jars
from scripts.proxy import Proxy, is_ready

CREWHALL = Path(sys.executable).with_name("crewhall")
START_S = 300.0
AGAIN_S = 1.0
LOOK_EVERY_S = 0.2
DRAIN_WAIT_S = "0.5"
"""What the proxy needs to notice that a server leaves, and some."""
MOST = 80
"""Processes: their ports follow the proxy's, and those of the broker and of the storage follow them."""
BUCKET, KEY = "crewhall", "crewhall"
SIGNED = {"authorization": f"AWS4-HMAC-SHA256 Credential={KEY}/x/us-east-1/s3/aws4"}
"""What the storage wants to see of a signature; it checks none."""


class Member:
    """One process of the cluster, kept running on its port."""

    def __init__(self, kind: str, port: int, environment: dict[str, str]) -> None:
        self.kind = kind
        self.port = port
        name = "CREWHALL_PORT" if kind == "serve" else "CREWHALL_HEALTH_PORT"
        self._environment = {**environment, name: str(port)}
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
        print(f"{self.kind:9} http://127.0.0.1:{self.port}/health/ready (pid {self._process.pid})", flush=True)

    def stop(self) -> None:
        """Tell it to end in good order."""
        self._is_wanted = False
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()


class KeptBroker:
    """The broker, kept running on its ports."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._is_wanted = True

    async def start(self) -> None:
        """Start it for the first time. Raises BrokerFailed."""
        await asyncio.to_thread(self._broker.start)
        print(f"broker    {self._broker.bootstrap} (pid {self._broker.pid})", flush=True)

    async def run(self) -> None:
        """Start it again whenever it has ended, until told."""
        while self._is_wanted:
            if self._broker.has_ended:
                print("the broker has ended: starting it again", flush=True)
                with contextlib.suppress(BrokerFailed):
                    await self.start()
            await asyncio.sleep(LOOK_EVERY_S)

    async def stop(self) -> None:
        """End it."""
        self._is_wanted = False
        await asyncio.to_thread(self._broker.stop)


@asynccontextmanager
async def kafka(port: int) -> AsyncIterator[dict[str, str]]:
    """What processes are told of Kafka: of the broker that the environment names, or of one that runs meanwhile."""
    told = {"CREWHALL_LOG": "kafka"}
    if os.environ.get("CREWHALL_KAFKA_BOOTSTRAP"):
        yield told
        return
    home = load_settings(KernelSettings).home / "kafka"
    broker = Broker(bring_jars(), home, Ports(port, port + 1, port + 2, port + 3))
    kept = KeptBroker(broker)
    keeping = None
    try:
        await kept.start()
        keeping = asyncio.create_task(kept.run())
        yield told | {"CREWHALL_KAFKA_BOOTSTRAP": broker.bootstrap}
    finally:
        if keeping is not None:
            keeping.cancel()
        await kept.stop()


@contextmanager
def bucket(port: int) -> Iterator[dict[str, str]]:
    """What processes are told of a bucket that is there meanwhile, in the memory of this process."""
    import httpx
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each piece of a file
    storage = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    storage.start()
    address = f"http://127.0.0.1:{port}"
    try:
        httpx.put(f"{address}/{BUCKET}", headers=SIGNED, trust_env=False).raise_for_status()
        print(f"storage   {address}/{BUCKET} (S3, in memory: files are gone when this ends)", flush=True)
        yield {
            "CREWHALL_BLOBS": f"s3://{BUCKET}/files",
            "CREWHALL_BLOBS_ENDPOINT": address,
            "CREWHALL_BLOBS_REGION": "us-east-1",
            "CREWHALL_BLOBS_ACCESS_KEY_ID": KEY,
            "CREWHALL_BLOBS_SECRET_ACCESS_KEY": KEY,
        }
    finally:
        storage.stop()


async def run(port: int, counts: dict[str, int], told: dict[str, str]) -> None:
    """Run so many processes of each kind until Ctrl-C or SIGTERM."""
    public = f"http://127.0.0.1:{port}"
    environment = {"CREWHALL_PUBLIC_URL": public, "CREWHALL_DRAIN_WAIT_S": DRAIN_WAIT_S, **os.environ, **told}
    environment.pop("CREWHALL_KAFKA_JARS", None)  # it is read here alone
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    members = [Member(kind, port + 1 + n, environment) for n, kind in enumerate(kinds)]
    proxy = Proxy([f"http://127.0.0.1:{one.port}" for one in members if one.kind == "serve"], port)
    told_to_end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)
    running = []
    try:
        for one in members:  # the first makes the database
            running.append(asyncio.create_task(one.run()))
            starting, stopping = asyncio.create_task(one.ready()), asyncio.create_task(told_to_end.wait())
            await asyncio.wait({starting, stopping, running[-1]}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not starting.done():
                starting.cancel()
                if not told_to_end.is_set():
                    raise SystemExit(f"{one.kind} on {one.port} did not start: see what it said")
                return
            await starting
        await proxy.start()
        print(f"The cluster is ready at {public}. Press Ctrl-C to stop.", flush=True)
        await told_to_end.wait()
    finally:
        for one in members:
            one.stop()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*running)
        await proxy.close()


async def run_all(port: int, counts: dict[str, int], *, on_kafka: bool, in_bucket: bool) -> None:
    """The cluster, with what keeps its log and its files."""
    told: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        if in_bucket:
            told |= stack.enter_context(bucket(port + 1 + MOST + 4))
        if on_kafka:
            told |= await stack.enter_async_context(kafka(port + 1 + MOST))
        await run(port, counts, told)


def main() -> None:
    """Read the arguments and run."""
    asked = argparse.ArgumentParser(prog="make cluster", description=__doc__)
    asked.add_argument("--port", type=int, default=8787, help="the proxy's; the others follow it")
    asked.add_argument("--servers", type=int, default=2)
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--kafka", action="store_true", help="messages live in Apache Kafka")
    asked.add_argument("--projectors", type=int, default=2, help="where they do")
    asked.add_argument("--bucket", action="store_true", help="files are in a storage that speaks S3, in memory")
    found = asked.parse_args()
    counts = {"serve": found.servers, "worker": found.workers, "projector": found.projectors if found.kafka else 0}
    if sum(counts.values()) > MOST or counts["serve"] < 1 or (found.kafka and found.projectors < 1):
        asked.error(f"one of each kind at least, {MOST} processes at most")
    try:
        asyncio.run(run_all(found.port, counts, on_kafka=found.kafka, in_bucket=found.bucket))
    except BrokerFailed as failed:
        raise SystemExit(str(failed)) from failed


if __name__ == "__main__":
    main()
