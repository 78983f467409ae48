"""Runs a process in the foreground until a signal: the settings first, then the database, then its part of the hall."""

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from crewhall.faces.http.server import HallServer, Leaving, address_of, bind
from crewhall.faces.http.stopping import StopSignals
from crewhall.identity import IdentitySettings, check_owner
from crewhall.kernel.db import Database
from crewhall.kernel.postgres import DatabaseUrls, EmbeddedPostgres
from crewhall.kernel.postgres.keeper import Keeper
from crewhall.kernel.postgres.opening import Say, database_for
from crewhall.kernel.process_kinds import ProcessKind
from crewhall.kernel.settings import CrewhallSettings, KernelSettings, load_settings
from crewhall.kernel.telemetry import configure_logging
from crewhall.kernel.tracing import check_tracing
from crewhall.main.hall import Hall, open_hall

log = logging.getLogger(__name__)
COLLECT_AFTER = (20_000, 20, 20)
"""Objects made, and younger collections, before a collection: measured with `python -m bench posts`."""


async def serve_hall(
    settings: KernelSettings,
    urls: DatabaseUrls,
    postgres: EmbeddedPostgres | None,
    announce: Callable[[str, str | None], None],
    signals: StopSignals,
    kind: ProcessKind = ProcessKind.UP,
) -> None:
    """Run until a signal. `announce` is told the address, and the set-up link while nobody owns the hall.

    Keeps `postgres` up meanwhile; raises when that is hopeless.
    """
    listener = bind(*_place(settings, kind))
    address = address_of(listener, settings.host if kind.serves else settings.health_host)
    people = address if kind.serves else f"http://{settings.host}:{settings.port}"
    base_url = (settings.public_url or people).rstrip("/")
    async with open_hall(settings, urls, base_url, kind) as hall:
        setup_link = hall.setup_link

        def ready() -> None:
            _spare_collector()
            announce(address, setup_link)

        server = HallServer(hall.application, hall.hub, ready, leaving_of(settings, hall, kind))
        signals.gently = server.end
        async with _kept(postgres, hall.services.db, server):
            await server.serve(sockets=[listener])


def _place(settings: KernelSettings, kind: ProcessKind) -> tuple[str, int, str]:
    """Where a process of that kind listens, and the setting that says so."""
    if kind.serves:
        return settings.host, settings.port, "CREWHALL_PORT"
    return settings.health_host, settings.health_port, "CREWHALL_HEALTH_PORT"


def leaving_of(settings: KernelSettings, hall: Hall, kind: ProcessKind) -> Leaving:
    """How a process of that kind goes. One that serves people, too, puts its turns back at once."""
    drain = hall.drain if kind is ProcessKind.WORKER else None
    departure = hall.services.departure
    return Leaving(departure=departure, wait_s=settings.drain_wait_s, within_s=settings.drain_s, drain=drain)


@asynccontextmanager
async def _kept(postgres: EmbeddedPostgres | None, db: Database, server: HallServer) -> AsyncIterator[None]:
    """Start our Postgres again whenever it ends meanwhile; when it cannot be kept up, stop the server and raise why."""
    if postgres is None:
        yield
        return
    keeping = asyncio.create_task(Keeper(postgres, on_away=db.leave, on_back=db.renew).keep(), name="postgres-keeper")
    keeping.add_done_callback(lambda _: server.give_up())
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


def check_settings(settings: KernelSettings, kind: ProcessKind = ProcessKind.UP) -> None:
    """Refuse, before a database is made or started, what the process would fail by afterwards. Raises BAD_SETTING."""
    for package in CrewhallSettings.registry:
        if package is not KernelSettings:
            load_settings(package)
    if settings.database_url is None and EmbeddedPostgres(settings.home).status().version is None:
        check_owner(load_settings(IdentitySettings))  # nobody owns what is not there yet: the first start reads these
    check_tracing(settings)
    bind(*_place(settings, kind)).close()


def serve(
    settings: KernelSettings,
    announce: Callable[[str, str | None], None],
    say: Say = log.info,
    kind: ProcessKind = ProcessKind.UP,
) -> None:
    """Run in the foreground: the database first, then the process, until a signal. Blocks."""
    import uvloop

    configure_logging(settings)
    check_settings(settings, kind)
    with StopSignals() as signals, database_for(settings, say) as (urls, postgres):
        uvloop.run(signals.run(serve_hall(settings, urls, postgres, announce, signals, kind)))
