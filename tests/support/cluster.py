"""Several processes of one home behind a proxy that knows nothing of them: two servers and two workers.

Where Kafka is the log there are two projectors besides, and the broker. With links one process of each kind is as if on
another machine: it reaches the database and the broker by ways that may be lost, the other one reaches them directly.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crewhall.kernel.process_kinds import ProcessKind
from scripts.broker import Broker
from scripts.proxy import Proxy
from tests.support.links import Link, database_url, link_to_broker, link_to_database
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
        self.links: dict[str, Link] = {}
        """The ways of the second process of each kind, by where they lead."""

    @property
    def url(self) -> str:
        """The proxy's address."""
        return self.proxy.url

    @property
    def processes(self) -> list[Process]:
        """All of them."""
        return [*self.servers, *self.workers, *self.projectors]

    async def link(self) -> None:
        """Let the second of each kind come by links from its next start on. The database runs."""
        self.links["database"] = link_to_database(self.site)
        if self.broker is not None:
            self.links["broker"] = link_to_broker(self.broker)
        for link in self.links.values():
            await link.start()
        far = {"CREWHALL_DATABASE_URL": database_url(self.site, self.links["database"])}
        if self.broker is not None:
            far["CREWHALL_KAFKA_BOOTSTRAP"] = self.broker.far_bootstrap
        for kind in (self.servers, self.workers, self.projectors):
            for process in kind[1:]:
                process.see(**far)

    def _two(self, kind: ProcessKind) -> list[Process]:
        return [self.site.beside(kind, **self._environment) for _ in range(2)]


@asynccontextmanager
async def running(
    site: Site, broker: Broker | None = None, *, linked: bool = False, **environment: str
) -> AsyncIterator[Cluster]:
    """Start two of each kind and a proxy on a home; they end with the block.

    `broker`: a running one keeps the log. `linked`: one of each kind comes by links (the broker has a `far` address).
    """
    cluster = Cluster(site, environment, broker)
    if broker is not None:
        note_log(broker.log_file)
    alone, site.server = site.server, cluster.servers[0]
    try:
        await cluster.servers[0].start()  # it makes the database, or starts it
        if linked:
            await cluster.link()
        await asyncio.gather(*[process.start() for process in cluster.processes[1:]])
        await cluster.proxy.start()
        cluster.serving.set()
        yield cluster
    finally:
        await cluster.proxy.close()
        await asyncio.gather(*[process.close() for process in cluster.processes])
        for link in cluster.links.values():
            await link.close()
        site.server = alone
