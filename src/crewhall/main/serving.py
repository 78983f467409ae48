"""Serves a hall in the foreground until a signal: the settings first, then the database, then the process."""

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from crewhall.faces.http.server import HallServer, address_of, bind
from crewhall.faces.http.stopping import StopSignals
from crewhall.identity import IdentitySettings, check_owner
from crewhall.kernel.db import Database
from crewhall.kernel.postgres import DatabaseUrls, EmbeddedPostgres
from crewhall.kernel.postgres.keeper import Keeper
from crewhall.kernel.postgres.opening import Say, database_for
from crewhall.kernel.settings import CrewhallSettings, KernelSettings, load_settings
from crewhall.kernel.telemetry import configure_logging
from crewhall.kernel.tracing import check_tracing
from crewhall.main.hall import open_hall

log = logging.getLogger(__name__)
COLLECT_AFTER = (20_000, 20, 20)
"""Objects made, and younger collections, before a collection: measured with `python -m bench posts`."""


async def serve_hall(
    settings: KernelSettings,
    urls: DatabaseUrls,
    postgres: EmbeddedPostgres | None,
    announce: Callable[[str, str | None], None],
    signals: StopSignals,
) -> None:
    """Serve until a signal. `announce` is told the address, and the set-up link while nobody owns the hall.

    Keeps `postgres` up meanwhile; raises when that is hopeless.
    """
    listener = bind(settings.host, settings.port)
    address = address_of(listener, settings.host)
    base_url = (settings.public_url or address).rstrip("/")
    async with open_hall(settings, urls, base_url) as hall:
        setup_link = hall.setup_link

        def ready() -> None:
            _spare_collector()
            announce(address, setup_link)

        server = HallServer(hall.application, hall.hub, ready)
        signals.gently = server.end
        async with _kept(postgres, hall.services.db, server):
            await server.serve(sockets=[listener])


@asynccontextmanager
async def _kept(postgres: EmbeddedPostgres | None, db: Database, server: HallServer) -> AsyncIterator[None]:
    """Start our Postgres again whenever it ends meanwhile; when it cannot be kept up, stop the server and raise why."""
    if postgres is None:
        yield
        return
    keeping = asyncio.create_task(Keeper(postgres, on_away=db.leave, on_back=db.renew).keep(), name="postgres-keeper")
    keeping.add_done_callback(lambda _: server.end())
    try:
        yield
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping


def _spare_collector() -> None:
    """Keep the collector off what start-up made and stays: else each full collection stops everybody for 0.1 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def check_settings(settings: KernelSettings) -> None:
    """Refuse, before a database is made or started, what the process would fail by afterwards. Raises BAD_SETTING."""
    for kind in CrewhallSettings.registry:
        if kind is not KernelSettings:
            load_settings(kind)
    if settings.database_url is None and EmbeddedPostgres(settings.home).status().version is None:
        check_owner(load_settings(IdentitySettings))  # nobody owns what is not there yet: the first start reads these
    check_tracing(settings)
    bind(settings.host, settings.port).close()


def serve(settings: KernelSettings, announce: Callable[[str, str | None], None], say: Say = log.info) -> None:
    """Serve in the foreground: the database first, then the process, until a signal. Blocks."""
    import uvloop

    configure_logging(settings)
    check_settings(settings)
    with StopSignals() as signals, database_for(settings, say) as (urls, postgres):
        uvloop.run(signals.run(serve_hall(settings, urls, postgres, announce, signals)))
