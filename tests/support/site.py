"""A home with the built-in Postgres, and server processes on it that can be killed and started again."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from crewhall.kernel.postgres.embedded import EmbeddedPostgres
from crewhall.kernel.process_kinds import ProcessKind
from tests.identity.hall import PASSWORD
from tests.support.database import discard
from tests.support.said import last_words, note_log
from tests.support.waiting import PATIENCE, bounded

SERVING = Path(__file__).with_name("serving.py")
OWNER = "owner@example.org"
START_S = 90.0
"""The first start makes the database, later ones recover it; one that hangs never does either."""
END_S = 60.0
SAYING_S = 1.0
UNLIMITED = {
    "CREWHALL_RATE_ADDRESS_PER_MINUTE": "100000000",
    "CREWHALL_RATE_ACTOR_PER_MINUTE": "100000000",
    "CREWHALL_RATE_POST_PER_SECOND": "1000000",
    "CREWHALL_RATE_UPLOADS_PER_MINUTE": "1000000",
}


class Process:
    """One process of a home, by default one that does everything. Its port stays the same over its lives."""

    def __init__(self, home: Path, kind: ProcessKind = ProcessKind.UP, **environment: str) -> None:
        self.home = home
        self.kind = kind
        self.port = quiet_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home / f"{kind}-{self.port}.log"
        self.serving = asyncio.Event()
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CREWHALL_")},
            "CREWHALL_HOME": str(home),
            "CREWHALL_PORT" if kind.serves else "CREWHALL_HEALTH_PORT": str(self.port),
            "CREWHALL_OWNER_EMAIL": OWNER,
            "CREWHALL_OWNER_PASSWORD": PASSWORD,
            "CREWHALL_TURN_HEARTBEAT_S": "1",  # turns of a killed process are soon taken over
            **UNLIMITED,
            **environment,
        }
        self._process: subprocess.Popen[str] | None = None

    def see(self, **environment: str) -> None:
        """What its next lives see in their environment, too."""
        self._environment |= environment

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def launch(self) -> None:
        """Start the process without waiting for it to serve."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        note_log(self.log)
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.serving", str(self.kind)],
                cwd=SERVING.parents[2],
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    async def start(self) -> float:
        """Start and wait until it serves; returns the seconds that took."""
        began = time.monotonic()
        self.launch()
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            async with bounded(START_S):
                said = await asyncio.to_thread(self._process.stdout.readline)
        except TimeoutError:
            said = f"no word within {START_S * PATIENCE} s of {self.kind}"
        assert said.startswith("READY"), f"{said}\n{last_words(self.log)}"
        self.serving.set()
        return time.monotonic() - began

    async def kill(self) -> None:
        """SIGKILL: no line of the process runs after this."""
        await self.stop(signal.SIGKILL)

    async def stop(self, number: signal.Signals = signal.SIGTERM, *, group: bool = False) -> int:
        """Send a signal (to its whole session, as a terminal does, with `group`) and wait; returns the exit code."""
        self.serving.clear()
        assert self._process is not None
        (os.killpg if group else os.kill)(self._process.pid, number)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for the process to end; returns its exit code."""
        self.serving.clear()
        assert self._process is not None
        code = await asyncio.to_thread(self._process.wait, END_S * PATIENCE)
        async with bounded(END_S):
            while not is_free(self.port):  # what a killed process held is given back soon after, not always at once
                await asyncio.sleep(0.01)
        if self._process.stdout:
            self._process.stdout.close()
        self._process = None
        return code

    async def ended_within(self, seconds: float) -> bool:
        """Wait at most that long for the process to end by itself; tells whether it has."""
        assert self._process is not None
        try:
            await asyncio.to_thread(self._process.wait, seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def say_where_tasks_wait(self) -> None:
        """Have it say in its log what each of its tasks waits for (tests/support/serving.py)."""
        if self._process is not None and self._process.poll() is None and self.serving.is_set():
            self._process.send_signal(signal.SIGUSR1)

    async def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            await self.kill()


class Site:
    """A home, its first server process, and its Postgres."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.postgres = EmbeddedPostgres(home, dump_on_stop=False)
        self._environment = environment
        self.server = Process(home, ProcessKind.UP, **environment)
        self._others: list[Process] = []

    def beside(self, kind: ProcessKind = ProcessKind.UP, **environment: str) -> Process:
        """Another process of the same home."""
        self._others.append(Process(self.home, kind, **(self._environment | environment)))
        return self._others[-1]

    async def sign_in(self) -> str:
        """The owner's access token."""
        return str((await self.call(None, "POST", "/auth/login", email=OWNER, password=PASSWORD))["access_token"])

    async def call(self, token: str | None, method: str, path: str, /, **body: Any) -> Any:
        """Ask the API of the first server process; returns the decoded answer."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(
            base_url=f"{self.server.url}/api/v1", headers=headers, timeout=20 * PATIENCE, verify=False
        ) as api:
            answer = await api.request(method, path, json=None if method == "GET" else body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def say_where_tasks_wait(self) -> None:
        """Something hangs, or is not as it should be: have every process say where it is, and give them a moment."""
        for process in (self.server, *self._others):
            process.say_where_tasks_wait()
        await asyncio.sleep(SAYING_S)

    def postmaster(self) -> psutil.Process | None:
        """The running Postgres."""
        pid = self.postgres.status().pid
        return psutil.Process(pid) if pid is not None else None

    async def close(self) -> None:
        """End every process and remove the data."""
        for process in (self.server, *self._others):
            await process.close()
        if self.home.exists():
            await asyncio.to_thread(self.postgres.stop)
            discard(self.home)


def is_free(port: int) -> bool:
    """Whether a server could listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
        return True


def quiet_port() -> int:
    """A free port below those that the system gives to clients: a client that retries while nobody listens there must
    not be given the port itself, and so find itself connected to itself."""
    while True:
        port = random.randrange(20_000, 32_000)
        if is_free(port):
            return port
