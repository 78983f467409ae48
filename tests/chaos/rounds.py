"""What is done to a cluster under load, one thing a round: killed, paused, restarted, cut off, slowed down, filled."""

import asyncio
import contextlib
import signal
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import psutil

from crewhall.adapters.kafka import shards
from crewhall.runtime import leases
from tests.support.cluster import Cluster
from tests.support.links import Link
from tests.support.load import Load
from tests.support.said import last_words
from tests.support.site import END_S, Process
from tests.support.small_disk import SmallDisk
from tests.support.waiting import PATIENCE, until

PAUSE_S = (0.2, 3.0)
"""A pause may be longer than a worker's heartbeats are missed for: others take its turns, and its own are refused."""
PROJECTOR_OVERTAKEN_S = (shards.TTL_S + 1, shards.TTL_S + 2)
"""Longer than its lease: another has read on when it comes back."""
WORKER_OVERTAKEN_S = (leases.TTL_S + 1, leases.TTL_S + 2)
"""Longer than its leases: another decides when it comes back."""
SLOW_S = 0.02
LOST_S = PAUSE_S
"""What goes through a link is lost in silence for as long as that, and its connections with it."""
FILES = 2
"""So many files are refused while the disk is full, and taken once there is room."""


@dataclass(frozen=True)
class Round:
    """What one of them cost: the longest that nobody's post was taken, and that a single one waited."""

    silence_s: float
    wait_s: float


class Chaos:
    """Does something to the cluster in each round; what, to whom and when comes from the load's seed."""

    def __init__(self, cluster: Cluster, load: Load, disk: SmallDisk | None = None) -> None:
        self._cluster = cluster
        self._load = load
        self._disk = disk
        self._random = load.random
        self.done: defaultdict[str, list[Round]] = defaultdict(list)
        self._kinds = self._for_all() | self._for_kafka() | self._for_links()
        self._lasting = {"worker overtaken": lambda: self._pause(self._cluster.workers, WORKER_OVERTAKEN_S)}
        if "database" in cluster.links:
            self._lasting["database link lost"] = partial(self._cut_link, cluster.links["database"], WORKER_OVERTAKEN_S)
        if disk is not None:
            self._kinds["disk full"] = self._fill

    @property
    def kinds(self) -> list[str]:
        """What may be done, over and over."""
        return list(self._kinds)

    @property
    def lasting(self) -> list[str]:
        """What takes so long that it is done in long runs, once."""
        return list(self._lasting)

    def _for_all(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            "server killed": lambda: self._kill(self._cluster.servers),
            "worker killed": lambda: self._kill(self._cluster.workers),
            "server restarted": lambda: self._restart(self._cluster.servers),
            "worker restarted": lambda: self._restart(self._cluster.workers),
            "server paused": lambda: self._pause(self._cluster.servers),
            "worker paused": lambda: self._pause(self._cluster.workers),
            "database killed": self._kill_database,
            "database restarted": self._restart_database,
            "database paused": self._pause_database,
            "backend killed": self._kill_backend,
            "network cut": self._cut,
            "network slow": self._slow,
        }

    def _for_kafka(self) -> dict[str, Callable[[], Awaitable[None]]]:
        if self._cluster.broker is None:
            return {}
        return {
            "projector killed": lambda: self._kill(self._cluster.projectors),
            "projector restarted": lambda: self._restart(self._cluster.projectors),
            "projector paused": lambda: self._pause(self._cluster.projectors),
            "projector overtaken": lambda: self._pause(self._cluster.projectors, PROJECTOR_OVERTAKEN_S),
            "broker killed": self._kill_broker,
            "broker restarted": self._restart_broker,
            "broker paused": self._pause_broker,
        }

    def _for_links(self) -> dict[str, Callable[[], Awaitable[None]]]:
        kinds: dict[str, Callable[[], Awaitable[None]]] = {}
        for place, link in self._cluster.links.items():
            kinds[f"{place} link cut"] = partial(self._cut_link, link)
            kinds[f"{place} link slow"] = partial(self._slow_link, link)
        return kinds

    async def round(self, kind: str) -> None:
        """Do it, and wait until everybody's posts are acknowledged again."""
        await self._load.progress(self._random.randint(20, 150))
        began = time.monotonic()
        try:
            await (self._kinds | self._lasting)[kind]()
            await self._load.everybody()
        except BaseException as error:
            waiting = ", ".join(self._load.waiting)
            error.add_note(f"in round {sum(map(len, self.done.values())) + 1}, {kind}; waited at last: {waiting}")
            raise
        self.done[kind].append(Round(self._load.longest_silence(began), self._load.longest_wait(began)))

    async def _kill(self, of: list[Process]) -> None:
        one = self._random.choice(of)
        await one.kill()
        await self._load.progress(self._random.randint(0, 50))
        await one.start()

    async def _restart(self, of: list[Process]) -> None:
        one = self._random.choice(of)
        assert await one.stop() == 0, last_words(one.log)
        await one.start()

    async def _pause(self, of: list[Process], seconds: tuple[float, float] = PAUSE_S) -> None:
        await self._still([psutil.Process(self._random.choice(of).pid)], seconds)

    async def _still(self, processes: list[psutil.Process], seconds: tuple[float, float] = PAUSE_S) -> None:
        """Stop them where they are for a while."""
        stopped = [one for one in processes if _signal(one, signal.SIGSTOP)]
        try:
            await asyncio.sleep(self._random.uniform(*seconds))
        finally:
            for one in stopped:
                _signal(one, signal.SIGCONT)

    async def _kill_database(self) -> None:
        """Whoever keeps the database starts it again."""
        if postmaster := self._cluster.site.postmaster():
            _signal(postmaster, signal.SIGKILL)

    async def _restart_database(self) -> None:
        """Told to end at once, it ends its backends and writes down what it has; its keeper starts it again."""
        if postmaster := self._cluster.site.postmaster():
            _signal(postmaster, signal.SIGINT)
            await asyncio.to_thread(postmaster.wait, END_S * PATIENCE)

    async def _pause_database(self) -> None:
        if postmaster := self._cluster.site.postmaster():
            await self._still([postmaster, *postmaster.children()])

    async def _kill_backend(self) -> None:
        """The postmaster ends all others with it, and recovers."""
        if postmaster := self._cluster.site.postmaster():
            backends = [one for one in postmaster.children() if "crewhall_app" in " ".join(_words(one))]
            if backends:
                _signal(self._random.choice(backends), signal.SIGKILL)

    async def _kill_broker(self) -> None:
        """No machine lost its power: what the broker acknowledged is there when it comes back."""
        assert self._cluster.broker is not None
        await asyncio.to_thread(self._cluster.broker.kill)
        await asyncio.to_thread(self._cluster.broker.start)

    async def _restart_broker(self) -> None:
        assert self._cluster.broker is not None
        await asyncio.to_thread(self._cluster.broker.stop)
        await asyncio.to_thread(self._cluster.broker.start)

    async def _pause_broker(self) -> None:
        assert self._cluster.broker is not None
        await self._still([psutil.Process(self._cluster.broker.pid)])

    async def _cut(self) -> None:
        self._cluster.proxy.cut()

    async def _slow(self) -> None:
        self._cluster.proxy.delay_s = SLOW_S
        try:
            await self._load.progress(20)
        finally:
            self._cluster.proxy.delay_s = 0.0

    async def _cut_link(self, link: Link, seconds: tuple[float, float] = LOST_S) -> None:
        """One process of each kind is alone for a while, and the others are not."""
        await until(link.is_used)
        await link.lose(self._random.uniform(*seconds))

    async def _slow_link(self, link: Link) -> None:
        """Until everybody was heard, whichever server they speak with."""
        await until(link.is_used)
        link.delay_s = SLOW_S
        try:
            await self._load.everybody()
        finally:
            link.delay_s = 0.0

    async def _fill(self) -> None:
        """Files are refused for as long as there is no room, posts are not; then they are taken again."""
        assert self._disk is not None
        await asyncio.to_thread(self._disk.fill)
        try:
            await self._load.refuses_files(FILES)
            await self._load.progress(50)
        finally:
            self._disk.free()
        await self._load.takes_files(FILES)


def _words(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


def _signal(process: psutil.Process, number: signal.Signals) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
        return True
    return False
