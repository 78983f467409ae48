"""One real Apache Kafka broker for the whole test run, started by the first test that wants it.

Every worker that calls `shared_broker` with the same folder shares it: the first one starts it, the last `release`
stops it, and it ends by itself when all of them are gone, however they went. Tests keep apart by names: each has a
prefix for its topics. Who stops or kills a broker makes one of their own (`scripts.broker.Broker`).
"""

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import msgspec
import pytest

from scripts.broker import HOST, START_S, STOP_S, Broker, Ports, answers
from tests.architecture.source import ROOT

LEFT: list[Broker] = []
"""Started by this process, and still used by others when it left."""


@dataclass
class SharedBroker:
    """A running broker, held until `release`."""

    ports: Ports
    authority: Path
    _root: Path
    _holding: list[int] = field(default_factory=list)
    _started: Broker | None = None

    @property
    def bootstrap(self) -> str:
        """The address that asks nothing."""
        return f"{HOST}:{self.ports.plain}"

    @property
    def secure_bootstrap(self) -> str:
        """The address with TLS and passwords (SASL/PLAIN or SCRAM, `scripts.broker.PASSWORDS`)."""
        return f"{HOST}:{self.ports.secure}"

    @property
    def mutual_bootstrap(self) -> str:
        """The address with TLS that demands a certificate: `client.pem` and `client.key` beside the authority's."""
        return f"{HOST}:{self.ports.mutual}"

    def release(self) -> None:
        """Leave it; the last one to leave stops it and removes its data."""
        with _locked(self._root / "lock"):
            for descriptor in self._holding:
                os.close(descriptor)
            if not _is_last(self._root):
                LEFT.extend(filter(None, [self._started]))
                return
            if self._started:
                self._started.stop()
            _wait_for_end(self.ports.plain)
            shutil.rmtree(self._root / "broker", ignore_errors=True)


def find_jars() -> Path | None:
    """The jars that `sh scripts/kafka` brought: where it said, or where it puts them."""
    named = os.environ.get("CREWHALL_KAFKA_JARS")
    if named:
        return Path(named)
    usual = ROOT / ".tools" / "kafka"
    return usual if (usual / ".ready").exists() and shutil.which("java") else None


def jars_or_skip() -> Path:
    """The jars; without them the test is skipped, or fails where nothing may be missing."""
    found = find_jars()
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Apache Kafka is missing: `sh scripts/kafka` says what it needs.")
        pytest.skip("Apache Kafka is missing: `sh scripts/kafka` brings it.")
    return found


def shared_broker(root: Path, jars: Path) -> SharedBroker:
    """Start or join the run's broker below `root`. Call `release` when the session ends."""
    root = root / "shared-kafka"
    root.mkdir(exist_ok=True)
    with _locked(root / "lock"):
        joined = _join(root)
        return joined or _start(root, jars)


def _join(root: Path) -> SharedBroker | None:
    state, lifeline = root / "broker" / "ports.json", root / "broker" / "lifeline"
    if not state.exists():
        return None
    ports = msgspec.json.decode(state.read_bytes(), type=Ports)
    try:
        alive = os.open(lifeline, os.O_WRONLY | os.O_NONBLOCK)  # refused when nobody listens any more
    except OSError:
        return None
    until = monotonic() + START_S
    while not answers(HOST, ports.plain):  # it lives, and is slow: who starts another takes its data from all
        if monotonic() > until:
            os.close(alive)
            return None
        sleep(0.1)
    return SharedBroker(ports, root / "broker" / "authority.pem", root, [alive, _hold(root)])


def _start(root: Path, jars: Path) -> SharedBroker:
    home = root / "broker"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    os.mkfifo(home / "lifeline")
    listening = os.open(home / "lifeline", os.O_RDONLY | os.O_NONBLOCK)
    alive = os.open(home / "lifeline", os.O_WRONLY)
    os.set_blocking(listening, True)
    broker = Broker(jars, home)
    try:
        broker.start(listening)
    except BaseException:
        os.close(alive)
        raise
    finally:
        os.close(listening)
    (home / "ports.json").write_bytes(msgspec.json.encode(broker.ports))
    return SharedBroker(broker.ports, broker.authority, root, [alive, _hold(root)], broker)


def _hold(root: Path) -> int:
    descriptor = os.open(root / "users", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _is_last(root: Path) -> bool:
    descriptor = os.open(root / "users", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _wait_for_end(port: int) -> None:
    until = monotonic() + STOP_S
    while monotonic() < until:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            return
        sleep(0.02)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
