"""Puts the parts of a process together and takes them apart again: `Hall` is one running process."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from crewhall.adapters.blobs import BlobSettings, make_blobs
from crewhall.adapters.embedders import EmbedderSettings, make_embedders
from crewhall.adapters.github import KitGithub
from crewhall.adapters.kafka.agent_topics import AgentTopicSettings, KafkaAgentTopics
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.adapters.mailing import MailSettings, make_mailer
from crewhall.agents import AgentSettings, Spent, start_agents
from crewhall.conversations import (
    Commands,
    ConversationParts,
    FileSettings,
    FileStore,
    Overlays,
    Posting,
    start_conversations,
)
from crewhall.conversations.http_direct import DirectMessages
from crewhall.faces.http.routes import build_routes
from crewhall.faces.live.bell import Bell
from crewhall.faces.live.changes import Changes
from crewhall.faces.live.hub import Hub
from crewhall.faces.live.peers import Peers
from crewhall.faces.live.recheck import Rechecks
from crewhall.faces.live.socket import LiveSocket
from crewhall.faces.live.tasks import TaskFrames
from crewhall.faces.live.ticker import Ticker
from crewhall.faces.mcp.door import McpDoor
from crewhall.faces.openai.door import PREFIX as OPENAI
from crewhall.faces.openai.door import OpenAIDoor
from crewhall.faces.openai.errors import rendered as as_openai
from crewhall.faces.plumbing.gate import Gate
from crewhall.faces.plumbing.services import Services
from crewhall.governance import find_used_up
from crewhall.identity import MCP_PATH as MCP
from crewhall.identity import (
    AppDocuments,
    AppVerifier,
    Errands,
    IdentitySettings,
    LoginVerifier,
    Logos,
    prepare_first_run,
)
from crewhall.imports import ImportParts, start_imports
from crewhall.kernel.db import Database
from crewhall.kernel.limits import RateLimiter
from crewhall.kernel.postgres import DatabaseUrls
from crewhall.kernel.settings import KernelSettings, load_settings
from crewhall.kernel.signals import Signals
from crewhall.kernel.tracing import NoSpans, Tracing, make_tracing
from crewhall.kernel.verified import CHANNEL as REVOKED
from crewhall.kernel.verified import VerifiedTokens
from crewhall.knowledge import (
    ExtractionSettings,
    KnowledgeParts,
    KnowledgeSearch,
    KnowledgeSettings,
    LibraryKnowledge,
    SourceSettings,
    start_knowledge,
)
from crewhall.main.log import LogParts
from crewhall.notifications import NotificationParts, start_notifications
from crewhall.runtime import HookDoor, RuntimeParts, TurnSettings, catalog_of, find_waiting, start_runtime
from crewhall.work import SessionSettings, SlashTask, Waiting, WorkParts, start_work
from crewhall.work.github import GithubParts, GithubSettings, start_github
from crewhall.work.issues import IssueParts, start_issues
from crewhall.work.kpis import KpiParts, KpiSettings, start_kpis


@dataclass(slots=True)
class Hall:
    """One process's parts, started."""

    services: Services
    hub: Hub
    application: Any
    setup_link: str | None


@asynccontextmanager
async def open_hall(settings: KernelSettings, urls: DatabaseUrls, base_url: str) -> AsyncIterator[Hall]:
    """Start every part of a process and take them apart in reverse order."""
    async with contextlib.AsyncExitStack() as stack:
        db = Database(urls.app, pool_size=settings.database_pool)
        stack.push_async_callback(db.close)
        await db.open()
        async with db.transaction(None) as tx:
            await tx.run("select align_log_clock()")
        services = _services(settings, db, urls, base_url)
        message_log = services.part(LogParts)
        await message_log.start()
        stack.push_async_callback(message_log.stop)
        hub = services.part(Hub)
        tracing = make_tracing(settings)
        if tracing:
            stack.callback(tracing.close)
        await _start_domains(services, stack, tracing or NoSpans())
        services.add_part(Rechecks(hub, services.part(ConversationParts).access, services.signals))
        services.add_part(Changes(hub, services.signals))
        services.add_part(TaskFrames(hub, services.signals))
        services.add_part(Bell(hub, services.signals))
        services.add_part(Ticker(hub, services.signals))
        peers = Peers(db, hub, services.signals, settings.peer_host)
        peers.on_beat(services.part(RuntimeParts).worker.look)
        await services.signals.start()
        stack.push_async_callback(services.signals.stop)
        await message_log.follow()
        await peers.start()
        stack.push_async_callback(peers.stop)
        setup_link = await prepare_first_run(db, services.settings_of(IdentitySettings), base_url)
        await services.part(ConversationParts).follow()
        services.part(NotificationParts).start()
        services.part(KnowledgeParts).start()
        services.part(WorkParts).start()
        services.part(GithubParts).start()
        services.part(IssueParts).start()
        services.part(KpiParts).start()
        await services.part(RuntimeParts).follow()
        services.part(ImportParts).start()
        door = McpDoor(services)
        stack.push_async_callback(door.close)
        yield Hall(services, hub, _application(services, hub, door, tracing), setup_link)


def _services(settings: KernelSettings, db: Database, urls: DatabaseUrls, base_url: str) -> Services:
    signals = Signals(urls.app)
    verified = VerifiedTokens(signals)
    db.hear(REVOKED, verified.drop)
    message_log = LogParts(db, signals, load_settings(LogSettings))
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


async def _start_domains(services: Services, stack: contextlib.AsyncExitStack, spans: NoSpans) -> None:
    """Start the domains in their order; they close in reverse."""
    errands = Errands()
    services.add_part(errands)
    stack.push_async_callback(errands.close)
    logins = LoginVerifier(services.db, services.settings_of(IdentitySettings), errands)
    logins.register(services.verified)
    AppVerifier(services.db, services.base_url, logins).register(services.verified)
    services.add_part(AppDocuments())
    agents = await start_agents(
        db=services.db,
        verified=services.verified,
        limiter=services.limiter,
        live=services.live,
        settings=services.settings_of(AgentSettings),
        signals=services.signals,
    )
    services.add_part(agents)
    stack.push_async_callback(agents.close)
    blobs = make_blobs(services.settings_of(BlobSettings), services.settings.home)
    services.add_part(Logos(services.db, blobs))
    conversations = start_conversations(
        db=services.db, log=services.log, signals=services.signals, limiter=services.limiter,
        posts_per_second=services.settings.rate_post_per_second, file_settings=services.settings_of(FileSettings),
        blobs=blobs,
    )  # fmt: skip
    for part in (
        conversations, conversations.access, conversations.posting, conversations.newest, conversations.files,
        conversations.commands,
    ):  # fmt: skip
        services.add_part(part)
    stack.push_async_callback(conversations.close)
    notifications = start_notifications(
        db=services.db, log=services.log, signals=services.signals, mailer=services.mailer, base_url=services.base_url,
    )  # fmt: skip
    services.add_part(notifications)
    services.add_part(notifications.pusher)
    stack.push_async_callback(notifications.close)
    search = _start_knowledge(services, stack, conversations.files)
    work = _start_work(services, stack)
    runtime = start_runtime(
        db=services.db, log=services.log, signals=services.signals, verified=services.verified, live=services.live,
        posting=conversations.posting, commands=conversations.commands, settings=services.settings_of(TurnSettings),
        region=services.settings.region, base_url=services.base_url, spans=spans,
        topics=KafkaAgentTopics(services.settings_of(LogSettings), services.settings_of(AgentTopicSettings)),
        parts=[search, work.timeline, work.sessions], knowledge=LibraryKnowledge(search, services.base_url),
    )  # fmt: skip
    settings = services.settings_of(TurnSettings)
    hooks = HookDoor(services.db, conversations.posting, services.limiter, settings)
    for turns in (
        runtime, runtime.trials, runtime.warming, runtime.servers, hooks, catalog_of(settings, runtime.servers),
        Spent(find_used_up), Waiting(find_waiting),
    ):  # fmt: skip
        services.add_part(turns)
    stack.push_async_callback(runtime.close)
    imports = start_imports(db=services.db, log=services.log, store=conversations.files, signals=services.signals)
    services.add_part(imports)
    stack.push_async_callback(imports.close)


def _start_knowledge(services: Services, stack: contextlib.AsyncExitStack, store: FileStore) -> KnowledgeSearch:
    """Start what makes documents searchable and looks things up; the models themselves start when they are asked."""
    embedders = make_embedders(services.settings_of(EmbedderSettings))
    for embedder in embedders:
        stack.push_async_callback(embedder.close)
    settings = services.settings_of(KnowledgeSettings)
    knowledge = start_knowledge(
        db=services.db, log=services.log, blobs=store.blobs, store=store, signals=services.signals, live=services.live,
        settings=settings, sources=services.settings_of(SourceSettings),
        extraction=services.settings_of(ExtractionSettings),
        embedders=embedders,
    )  # fmt: skip
    services.add_part(knowledge)
    stack.push_async_callback(knowledge.close)
    search = KnowledgeSearch(services.db, embedders, messages_by_meaning=settings.messages_by_meaning)
    services.add_part(search)
    return search


def _start_work(services: Services, stack: contextlib.AsyncExitStack) -> WorkParts:
    """Start projects, tasks and the timeline, and what mirrors repositories of GitHub."""
    work = start_work(
        db=services.db, log=services.log, limiter=services.limiter, signals=services.signals,
        settings=services.settings_of(SessionSettings),
    )  # fmt: skip
    for part in (work, work.timeline, work.sessions):
        services.add_part(part)
    services.part(Commands).add("task", SlashTask(services.db, services.part(Posting)))
    stack.push_async_callback(work.close)
    settings = services.settings_of(GithubSettings)
    github = start_github(
        db=services.db, signals=services.signals, github=KitGithub(settings.github_api), settings=settings,
        secrets_key=services.settings_of(TurnSettings).secrets_key,
    )  # fmt: skip
    services.add_part(github)
    stack.push_async_callback(github.close)
    posting = services.part(Posting)
    issues = start_issues(
        db=services.db, signals=services.signals, posting=posting, overlays=Overlays(services.db, posting),
        is_ours=settings.github_syncs_at_once > 0,
    )  # fmt: skip
    services.add_part(issues)
    stack.push_async_callback(issues.close)
    kpis = start_kpis(db=services.db, signals=services.signals, settings=services.settings_of(KpiSettings))
    services.add_part(kpis)
    stack.push_async_callback(kpis.close)
    return work


def _application(services: Services, hub: Hub, door: McpDoor, tracing: Tracing | None) -> Gate:
    """Sockets go to the hub, MCP and the OpenAI protocol to their doors, everything else to the routes.

    All of it through the gate.
    """
    routes = DirectMessages(build_routes(services), services)  # type: ignore[arg-type]
    socket, openai = LiveSocket(services, hub), OpenAIDoor(services)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await socket(scope, receive, send)
        elif scope["path"].startswith(OPENAI):
            await openai(scope, receive, send)
        else:
            await (door if scope["path"] == MCP else routes)(scope, receive, send)

    return Gate(application, services, tracing, {OPENAI: as_openai}, {MCP: door.challenge})
