"""Several processes of one home behind a proxy that knows nothing of them: two servers and two workers.

Where Kafka is the log there are two projectors besides, and the broker.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crewhall.kernel.process_kinds import ProcessKind
from scripts.broker import Broker
from scripts.proxy import Proxy
from tests.support.said import note_log
from tests.support.site import Process, Site

QUICKLY = {"CREWHALL_DRAIN_WAIT_S": "0.4", "CREWHALL_DRAIN_S": "10"}
"""Servers say that they leave for as long as the proxy takes to notice, and some."""


class Cluster:
    """A place where clients go, whichever of its servers answers."""

    def __init__(self, site: Site, environment: dict[str, str], broker: Broker | None) -> None:
        self.site = site
        self.broker = broker
        self._environment = QUICKLY | environment
        if broker is not None:
            self._environment |= {"CREWHALL_LOG": "kafka", "CREWHALL_KAFKA_BOOTSTRAP": broker.bootstrap}
        self.servers = self._two(ProcessKind.SERVE)
        self.workers = self._two(ProcessKind.WORKER)
        self.projectors = self._two(ProcessKind.PROJECTOR) if broker is not None else []
        self.proxy = Proxy([server.url for server in self.servers])
        self.serving = asyncio.Event()

    @property
    def url(self) -> str:
        """The proxy's address."""
        return self.proxy.url

    @property
    def processes(self) -> list[Process]:
        """All of them."""
        return [*self.servers, *self.workers, *self.projectors]

    def _two(self, kind: ProcessKind) -> list[Process]:
        return [self.site.beside(kind, **self._environment) for _ in range(2)]


@asynccontextmanager
async def running(site: Site, broker: Broker | None = None, **environment: str) -> AsyncIterator[Cluster]:
    """Start two of each kind and a proxy on a home; they end with the block. `broker`: a running one keeps the log."""
    cluster = Cluster(site, environment, broker)
    if broker is not None:
        note_log(broker.log_file)
    alone, site.server = site.server, cluster.servers[0]
    try:
        await cluster.servers[0].start()  # it makes the database, or starts it
        await asyncio.gather(*[process.start() for process in cluster.processes[1:]])
        await cluster.proxy.start()
        cluster.serving.set()
        yield cluster
    finally:
        await cluster.proxy.close()
        await asyncio.gather(*[process.close() for process in cluster.processes])
        site.server = alone
