"""Makes the parts of every domain, in their order: the same in every process, whatever of it then starts."""

import contextlib

from crewhall.adapters.blobs import BlobSettings, make_blobs
from crewhall.adapters.embedders import EmbedderSettings, make_embedders
from crewhall.adapters.github import KitGithub
from crewhall.adapters.kafka.agent_topics import AgentTopicSettings, KafkaAgentTopics
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.agents import AgentSettings, Spent, start_agents
from crewhall.conversations import Commands, FileSettings, FileStore, Overlays, Posting, start_conversations
from crewhall.faces.plumbing.services import Services
from crewhall.governance import find_used_up
from crewhall.identity import AppDocuments, AppVerifier, Errands, IdentitySettings, LoginVerifier, Logos
from crewhall.imports import start_imports
from crewhall.kernel.tracing import NoSpans
from crewhall.knowledge import (
    ExtractionSettings,
    KnowledgeSearch,
    KnowledgeSettings,
    LibraryKnowledge,
    SourceSettings,
    start_knowledge,
)
from crewhall.notifications import start_notifications
from crewhall.runtime import HookDoor, TurnSettings, catalog_of, find_waiting, start_runtime
from crewhall.work import SessionSettings, SlashTask, Waiting, WorkParts, start_work
from crewhall.work.github import GithubSettings, start_github
from crewhall.work.issues import start_issues
from crewhall.work.kpis import KpiSettings, start_kpis


async def make_domains(services: Services, stack: contextlib.AsyncExitStack, spans: NoSpans) -> None:
    """Make the domains in their order; they close in reverse."""
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
        db=services.db, log=services.log, signals=services.signals, posting=posting,
        overlays=Overlays(services.db, posting),
        is_ours=settings.github_syncs_at_once > 0,
    )  # fmt: skip
    services.add_part(issues)
    stack.push_async_callback(issues.close)
    kpis = start_kpis(db=services.db, signals=services.signals, settings=services.settings_of(KpiSettings))
    services.add_part(kpis)
    stack.push_async_callback(kpis.close)
    return work
