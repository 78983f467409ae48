"""Several processes of one home behind a proxy that knows nothing of them: two servers and two workers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crewhall.kernel.process_kinds import ProcessKind
from scripts.proxy import Proxy
from tests.support.site import Process, Site

QUICKLY = {"CREWHALL_DRAIN_WAIT_S": "0.4", "CREWHALL_DRAIN_S": "10"}
"""Servers say that they leave for as long as the proxy takes to notice, and some."""


class Cluster:
    """A place where clients go, whichever of its servers answers."""

    def __init__(self, site: Site, servers: list[Process], workers: list[Process]) -> None:
        self.site = site
        self.servers = servers
        self.workers = workers
        self.proxy = Proxy([server.url for server in servers])
        self.serving = asyncio.Event()

    @property
    def url(self) -> str:
        """The proxy's address."""
        return self.proxy.url

    @property
    def processes(self) -> list[Process]:
        """All of them."""
        return [*self.servers, *self.workers]


@asynccontextmanager
async def running(site: Site, **environment: str) -> AsyncIterator[Cluster]:
    """Start two servers, two workers and a proxy on a home; they end with the block."""
    settings = {**QUICKLY, **environment}
    servers = [site.beside(ProcessKind.SERVE, **settings) for _ in range(2)]
    workers = [site.beside(ProcessKind.WORKER, **settings) for _ in range(2)]
    cluster = Cluster(site, servers, workers)
    alone, site.server = site.server, servers[0]
    try:
        await servers[0].start()  # it makes the database, or starts it
        await asyncio.gather(*[process.start() for process in cluster.processes[1:]])
        await cluster.proxy.start()
        cluster.serving.set()
        yield cluster
    finally:
        await cluster.proxy.close()
        await asyncio.gather(*[process.close() for process in cluster.processes])
        site.server = alone
