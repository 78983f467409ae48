"""Runtimes over HTTP: where an agent is served, how agents answer, and the answers of those that answer later."""

from uuid import UUID

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page
from crewhall.runtime import runtimes
from crewhall.runtime.answers import take_answer
from crewhall.runtime.lifecycle import RuntimeParts
from crewhall.runtime.pinging import ping
from crewhall.runtime.runtime_health import list_runtimes as read_runtimes
from crewhall.runtime.schemas_runtimes import (
    AgentRuntime,
    NewAgentRuntime,
    RunAnswer,
    RunAnswered,
    RuntimeCall,
    RuntimeHealth,
    RuntimeInput,
    SecretRotation,
)
from crewhall.runtime.settings import TurnSettings


@get(
    "/",
    summary="List how agents answer",
    description="Each agent with its way (a model here, a webhook, a program of its own), its health, its last turn "
    "and what waits for it. Of all agents to who manages them, else of those that the caller owns.",
)
async def list_runtimes(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[RuntimeHealth]:
    """List how agents answer, and whether they do."""
    async with services.db.transaction(actor) as tx:
        return await read_runtimes(tx, actor, after=after, limit=limit)


@get("/{agent_id:uuid}/runtime", summary="Show an agent's webhook", description="Its secret is not shown again.")
async def get_runtime(
    agent_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> AgentRuntime:
    """Show where an agent is served, and how that goes."""
    async with services.db.transaction(actor) as tx:
        return await runtimes.get_runtime(tx, actor, agent_id)


@post(
    "/{agent_id:uuid}/runtime",
    summary="Serve an agent at a webhook",
    description="Its turns are POSTed there from now on, signed as Standard Webhooks has it (see `webhooks` in this "
    "description). The answer holds the secret as `secret`; it is never shown again.",
)
async def serve_agent(
    agent_id: FromPath[UUID],
    data: JSONBody[RuntimeInput],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> NewAgentRuntime:
    """Serve an agent at an address of its own."""
    services.part(RuntimeParts).caller.check(data.base_url)
    async with services.db.transaction(actor) as tx:
        return await runtimes.serve_agent(tx, actor, agent_id, data.base_url, services.settings_of(TurnSettings))


@patch("/{agent_id:uuid}/runtime", summary="Move an agent's webhook", description="The secret stays the same.")
async def move_runtime(
    agent_id: FromPath[UUID],
    data: JSONBody[RuntimeInput],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> AgentRuntime:
    """Serve an agent at another address."""
    services.part(RuntimeParts).caller.check(data.base_url)
    async with services.db.transaction(actor) as tx:
        return await runtimes.move_runtime(tx, actor, agent_id, data.base_url)


@delete("/{agent_id:uuid}/runtime", summary="Remove an agent's webhook")
async def remove_runtime(
    agent_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Ask an agent at its address no more: its model answers, or a program that comes by itself."""
    async with services.db.transaction(actor) as tx:
        await runtimes.remove_runtime(tx, actor, agent_id)


@post(
    "/{agent_id:uuid}/runtime/rotate",
    summary="Rotate a webhook's secret",
    description="The answer holds the new secret. The old one signs along for `overlap_seconds`.",
)
async def rotate_secret(
    agent_id: FromPath[UUID],
    data: JSONBody[SecretRotation],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> NewAgentRuntime:
    """Sign with a new secret."""
    async with services.db.transaction(actor) as tx:
        return await runtimes.rotate_secret(tx, actor, agent_id, data, services.settings_of(TurnSettings))


@post(
    "/{agent_id:uuid}/runtime/test",
    summary="Try an agent's webhook",
    description="Sends one signed `ping`, and says how that went: `is_ok` for any 2xx.",
    status_code=200,
)
async def try_runtime(
    agent_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> RuntimeCall:
    """Send a signed ping to where an agent is served."""
    return await ping(services.db, services.part(RuntimeParts).caller, actor, agent_id)


@get(
    "/{agent_id:uuid}/runtime/calls",
    summary="List the calls to a webhook",
    description="Newest first; the last hundred are kept.",
)
async def list_calls(
    agent_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[RuntimeCall]:
    """List the requests that were made to where an agent is served."""
    async with services.db.transaction(actor) as tx:
        return await runtimes.list_calls(tx, actor, agent_id, after=after, limit=limit)


@post(
    "/{run_id:uuid}/answer",
    summary="Answer a run",
    description="By the agent that was asked at its webhook and said 202: with its key, or with the token of the turn. "
    "The first answer counts; the same once more changes nothing. 409 `run_ended` when the turn is over.",
    status_code=202,
)
async def answer_run(
    run_id: FromPath[UUID],
    data: JSONBody[RunAnswer],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> RunAnswered:
    """Answer a turn later than it was asked."""
    async with services.db.transaction(actor) as tx:
        await take_answer(tx, actor, run_id, data)
    return RunAnswered(run_id)


OF_AGENTS = [get_runtime, serve_agent, move_runtime, remove_runtime, rotate_secret, try_runtime, list_calls]
ROUTERS = [
    api_router("/runtimes", [list_runtimes], tags=["Turns"]),
    api_router("/agents", OF_AGENTS, tags=["Turns"]),
    api_router("/runs", [answer_run], tags=["Turns"]),
]
