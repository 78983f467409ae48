"""Puts the parts of a process together and takes them apart again: `Hall` is one running process."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from crewhall.adapters.kafka.settings import LogSettings
from crewhall.adapters.mailing import MailSettings, make_mailer
from crewhall.conversations import Company, ConversationParts
from crewhall.faces.http.health import HealthDoor
from crewhall.faces.live.bell import Bell
from crewhall.faces.live.changes import Changes
from crewhall.faces.live.hub import Hub
from crewhall.faces.live.peers import Peers, ProcessStanding
from crewhall.faces.live.recheck import Rechecks
from crewhall.faces.live.tasks import TaskFrames
from crewhall.faces.live.ticker import Ticker
from crewhall.faces.plumbing.services import Services
from crewhall.identity import IdentitySettings, LogFollowers, prepare_first_run
from crewhall.kernel.db import Database
from crewhall.kernel.limits import RateLimiter
from crewhall.kernel.postgres import DatabaseUrls
from crewhall.kernel.process_kinds import ProcessKind
from crewhall.kernel.settings import KernelSettings, load_settings
from crewhall.kernel.signals import Signals
from crewhall.kernel.tracing import NoSpans, Tracing, make_tracing
from crewhall.kernel.verified import CHANNEL as REVOKED
from crewhall.kernel.verified import VerifiedTokens
from crewhall.main.domains import make_domains
from crewhall.main.log import LogParts
from crewhall.main.work import begin_work, consumers_of
from crewhall.notifications import NotificationParts
from crewhall.runtime import RuntimeParts


@dataclass(slots=True)
class Hall:
    """One process's parts, started."""

    services: Services
    hub: Hub
    application: Any
    setup_link: str | None

    async def drain(self) -> None:
        """Begin no more turns, and let those under way end within the settings' bound; what has not is put back."""
        await self.services.part(RuntimeParts).drain(self.services.settings.drain_s)


@asynccontextmanager
async def open_hall(
    settings: KernelSettings, urls: DatabaseUrls, base_url: str, kind: ProcessKind = ProcessKind.UP
) -> AsyncIterator[Hall]:
    """Start the parts that a process of that kind has, and take them apart in reverse order."""
    async with contextlib.AsyncExitStack() as stack:
        db = Database(urls.app, pool_size=settings.database_pool)
        stack.push_async_callback(db.close)
        await db.open()
        async with db.transaction(None) as tx:
            await tx.run("select align_log_clock()")
        services = _services(settings, db, urls, base_url, kind)
        message_log = services.part(LogParts)
        await message_log.start()
        stack.push_async_callback(message_log.stop)
        hub = services.part(Hub)
        tracing = make_tracing(settings)
        if tracing:
            stack.callback(tracing.close)
        await make_domains(services, stack, tracing or NoSpans())
        services.add_part(LogFollowers(tuple(consumer.name for consumer in consumers_of(services))))
        if kind.serves:
            _add_followers(services, hub)
        about = ProcessStanding(kind, settings.region, services.log.state)
        peers = Peers(db, hub, services.signals, settings.peer_host, about)
        if kind.works:
            _share_work(services, peers)
        await services.signals.start()
        stack.push_async_callback(services.signals.stop)
        await message_log.follow()
        await peers.start()
        stack.push_async_callback(peers.stop)
        setup_link = None
        if kind.serves:
            setup_link = await prepare_first_run(db, services.settings_of(IdentitySettings), base_url)
        services.part(NotificationParts).pusher.start()
        services.part(RuntimeParts).warming.takes_turns = kind.works
        if kind.works:
            await begin_work(services)
        application = _faces(services, hub, stack, tracing) if kind.serves else HealthDoor(services)
        yield Hall(services, hub, application, setup_link)


def _share_work(services: Services, peers: Peers) -> None:
    """Do no work that others do; look now and then whether one of them died over its own."""
    company, consumers = Company(), consumers_of(services)
    for consumer in consumers:
        consumer.company = company

    def note(others: int) -> None:
        was_alone, company.works_beside = not company.works_beside, others > 0
        if not (was_alone or company.works_beside):
            for consumer in consumers:
                consumer.look()

    peers.on_company(note)
    peers.on_beat(services.part(RuntimeParts).worker.look)


def _services(settings: KernelSettings, db: Database, urls: DatabaseUrls, base_url: str, kind: ProcessKind) -> Services:
    signals = Signals(urls.app)
    verified = VerifiedTokens(signals)
    db.hear(REVOKED, verified.drop)
    message_log = LogParts(db, signals, load_settings(LogSettings), projects=kind.projects)
    hub = Hub(message_log.log, verified, most_per_actor=settings.live_connections_per_actor)
    services = Services(
        settings=settings,
        db=db,
        signals=signals,
        limiter=RateLimiter(),
        verified=verified,
        mailer=make_mailer(load_settings(MailSettings)),
        log=message_log.log,
        live=hub,
        base_url=base_url,
    )
    services.add_part(message_log)
    services.add_part(hub)
    return services


def _add_followers(services: Services, hub: Hub) -> None:
    """Add what tells the listeners of this process of more than records; before the signals start."""
    services.add_part(Rechecks(hub, services.part(ConversationParts).access, services.signals))
    services.add_part(Changes(hub, services.signals, services.db))
    for follower in (TaskFrames, Bell, Ticker):
        services.add_part(follower(hub, services.signals))


def _faces(services: Services, hub: Hub, stack: contextlib.AsyncExitStack, tracing: Tracing | None) -> Any:
    """What answers people and agents; a process that does not serve never imports it."""
    from crewhall.faces.mcp.door import McpDoor
    from crewhall.main.application import make_application

    door = McpDoor(services)
    stack.push_async_callback(door.close)
    return make_application(services, hub, door, tracing)
