"""Turns over HTTP: runs, their steps, decisions, and asking for a turn."""

from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.conversations import Posting
from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.paging import Page
from crewhall.runtime import canceling, queries
from crewhall.runtime.http_approvals import ROUTERS as APPROVALS
from crewhall.runtime.http_hooks import ROUTERS as HOOKS
from crewhall.runtime.http_runtimes import ROUTERS as RUNTIMES
from crewhall.runtime.http_schedules import ROUTERS as SCHEDULES
from crewhall.runtime.http_tasks import ROUTERS as TASKS
from crewhall.runtime.http_tool_servers import ROUTERS as TOOL_SERVERS
from crewhall.runtime.http_topics import ROUTERS as TOPICS
from crewhall.runtime.http_trying import ROUTERS as TRYING
from crewhall.runtime.preview import preview_message
from crewhall.runtime.schemas import (
    ConversationRuntime,
    ConversationSummary,
    MessageDraft,
    MessagePreview,
    Run,
    RunDetail,
    RunStep,
    SessionToken,
    TurnDecision,
    TurnRequest,
    TurnRequested,
)
from crewhall.runtime.sessions import issue_session_token
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.summaries import list_summaries
from crewhall.runtime.triggers import add_trigger
from crewhall.runtime.vocabulary import Cause, Outcome, RunStatus
from crewhall.runtime.warming import Warming

Of = Annotated[UUID | None, QueryParameter(description="Only this agent's.")]
About = Annotated[UUID | None, QueryParameter(description="Only those about this message.")]


@get("/", summary="List runs", description="Of the conversations that the caller may read, newest first.")
async def list_runs(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation: FromQuery[UUID | None] = None,
    agent: Of = None,
    status: FromQuery[RunStatus | None] = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Run]:
    """List the turns that agents took, take or will take."""
    async with services.db.transaction(actor) as tx:
        return await queries.list_runs(
            tx, actor, conversation_id=conversation, agent_id=agent, status=status, after=after, limit=limit
        )


@get("/{run_id:uuid}", summary="Show a run", description="To whoever may read its conversation.")
async def get_run(
    run_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> RunDetail:
    """Show how a turn stands, what set it off, what it used and how it ended."""
    async with services.db.transaction(actor) as tx:
        return await queries.get_run(tx, actor, run_id)


@get(
    "/{run_id:uuid}/steps",
    summary="List the steps of a run",
    description="In order: the context given, each request and answer, each call and result. `body` is null unless the "
    "caller manages agents or owns this one; `is_sealed` steps may quote a conversation that the caller may not read.",
)
async def list_steps(
    run_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[RunStep]:
    """List what a run recorded."""
    async with services.db.transaction(actor) as tx:
        return await queries.list_steps(tx, actor, run_id, after=after, limit=limit)


@post(
    "/{run_id:uuid}/cancel",
    summary="Cancel a run",
    description="Whoever may write in its conversation may. One that waits ends at once, one under way within a "
    "moment: `cancel_requested_at` is set until then. 409 when it has ended.",
    status_code=200,
)
async def cancel_run(
    run_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> RunDetail:
    """Cancel a run, and show how it stands."""
    async with services.db.transaction(actor) as tx:
        await canceling.cancel_run(tx, actor, run_id)
        return await queries.get_run(tx, actor, run_id)


@post(
    "/{conversation_id:uuid}/turns",
    summary="Ask an agent for a turn",
    description="Now, about a message of the conversation, by a prompt, or both. What is decided, and the run, follow "
    "at once: `GET /conversations/{conversation_id}/decisions`, `GET /runs`.",
    status_code=202,
)
async def ask_for_turn(
    conversation_id: FromPath[UUID],
    data: JSONBody[TurnRequest],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> TurnRequested:
    """Ask an agent for a turn."""
    async with services.db.transaction(actor) as tx:
        trigger_id = await add_trigger(
            tx,
            actor,
            conversation_id=conversation_id,
            agent_id=data.agent_id,
            cause=Cause.RUN_NOW if actor.type is ActorType.USER else Cause.API,
            message_id=data.message_id,
            prompt=data.prompt,
        )
    return TurnRequested(trigger_id)


@get(
    "/{conversation_id:uuid}/decisions",
    summary="List decisions about turns",
    description="Why agents spoke, wait or stayed silent, newest first. To whoever may read the conversation.",
)
async def list_decisions(
    conversation_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent: Of = None,
    message: About = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[TurnDecision]:
    """List what was decided about agents speaking in a conversation."""
    async with services.db.transaction(actor) as tx:
        return await queries.list_decisions(
            tx, actor, conversation_id, agent_id=agent, message_id=message, after=after, limit=limit
        )


@get(
    "/{conversation_id:uuid}/summaries",
    summary="List summaries of a conversation",
    description="What each agent noted of the part that has become too long to be shown to it, the latest first: its "
    "turns read this in the place of those messages. To whoever may read the conversation.",
)
async def list_conversation_summaries(
    conversation_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[ConversationSummary]:
    """List what agents noted of a conversation's older part."""
    async with services.db.transaction(actor) as tx:
        return await list_summaries(tx, actor, conversation_id, after=after, limit=limit)


@get(
    "/{conversation_id:uuid}/runtime",
    summary="Show who decides for a conversation",
    description="The process that holds its lease, the lease's epoch, and how much is under way.",
)
async def get_conversation_runtime(
    conversation_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> ConversationRuntime:
    """Show which process decides about turns in a conversation."""
    async with services.db.transaction(actor) as tx:
        return await queries.get_conversation_runtime(tx, actor, conversation_id)


@post(
    "/{conversation_id:uuid}/session-token",
    summary="Issue a session token",
    description="A JWT (EdDSA) that says who the caller is in this conversation, and what it may do there now, to "
    "services that cannot ask: `public_key` verifies it, and stands on the conversation's runtime. It opens nothing "
    "here.",
    status_code=200,
)
async def issue_token(
    conversation_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> SessionToken:
    """Issue a session token of the conversation to the caller."""
    settings = services.settings_of(TurnSettings)
    async with services.db.transaction(actor) as tx:
        return await issue_session_token(tx, actor, conversation_id, settings, services.base_url)


@post(
    "/{conversation_id:uuid}/messages/preview",
    summary="Preview whom a message wakes",
    description="Nothing is posted or kept. To whoever may write in the conversation.",
    status_code=200,
)
async def preview(
    conversation_id: FromPath[UUID],
    data: JSONBody[MessageDraft],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> MessagePreview:
    """Say which agents a message would wake if it were posted now, which not, and why."""
    found = await preview_message(services.db, services.part(Posting), actor, conversation_id, data)
    if any(one.outcome is Outcome.SPEAK and not one.is_remote for one in found.agents):
        services.part(Warming).expect_turn()
    return found


RUNS = [list_runs, get_run, list_steps, cancel_run]
TURNS = [
    ask_for_turn,
    list_decisions,
    list_conversation_summaries,
    get_conversation_runtime,
    issue_token,
    preview,
]
ROUTERS = [
    api_router("/runs", RUNS, tags=["Turns"]),
    api_router("/conversations", TURNS, tags=["Turns"]),
    *APPROVALS,
    *SCHEDULES,
    *TASKS,
    *HOOKS,
    *TOOL_SERVERS,
    *TRYING,
    *RUNTIMES,
    *TOPICS,
]
