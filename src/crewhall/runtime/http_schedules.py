"""Schedules over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page
from crewhall.runtime import schedule_queries, schedules
from crewhall.runtime.lifecycle import RuntimeParts
from crewhall.runtime.schemas_schedules import Schedule, ScheduleInput, SchedulePatch
from crewhall.runtime.started import TurnStarted, await_start

Of = Annotated[UUID | None, QueryParameter(description="Only this agent's.")]
There = Annotated[UUID | None, QueryParameter(description="Only in this conversation.")]
MINE = "By who made it: it has their rights."
EITHER = "By who made it, and by who manages its agent."


@get(
    "/",
    summary="List schedules",
    description="Of conversations that the caller may read, of agents that it manages, and its own; newest first.",
)
async def list_schedules(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent: Of = None,
    conversation: There = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Schedule]:
    """List what agents are given again and again."""
    async with services.db.transaction(actor) as tx:
        return await schedule_queries.list_schedules(
            tx, actor, agent_id=agent, conversation_id=conversation, after=after, limit=limit
        )


@post(
    "/",
    summary="Make a schedule",
    description="By people who may write in the conversation. Each time it fires it has the rights that its maker has "
    "then; without them it is paused, with the reason. Working hours of the agent hold.",
)
async def make_schedule(
    data: JSONBody[ScheduleInput], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Schedule:
    """Give an agent a task again and again."""
    async with services.db.transaction(actor) as tx:
        return await schedules.make_schedule(tx, actor, services.log, data)


@get("/{schedule_id:uuid}", summary="Show a schedule")
async def get_schedule(
    schedule_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Schedule:
    """Show a schedule with what became of its last moment."""
    async with services.db.transaction(actor) as tx:
        return await schedule_queries.get_schedule(tx, actor, schedule_id)


@patch("/{schedule_id:uuid}", summary="Change a schedule", description=f"{MINE} What is left out stays.")
async def change_schedule(
    schedule_id: FromPath[UUID],
    data: JSONBody[SchedulePatch],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Schedule:
    """Change what a schedule does, or when."""
    async with services.db.transaction(actor) as tx:
        return await schedules.change_schedule(tx, actor, schedule_id, data)


@delete("/{schedule_id:uuid}", summary="Delete a schedule", description=f"{EITHER} Turns that it set off stay.")
async def delete_schedule(
    schedule_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Delete a schedule."""
    async with services.db.transaction(actor) as tx:
        await schedules.delete_schedule(tx, actor, schedule_id)


@post("/{schedule_id:uuid}/pause", summary="Pause a schedule", description=EITHER, status_code=200)
async def pause_schedule(
    schedule_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Schedule:
    """Let a schedule do nothing until it is resumed."""
    async with services.db.transaction(actor) as tx:
        return await schedules.pause_schedule(tx, actor, schedule_id)


@post(
    "/{schedule_id:uuid}/resume",
    summary="Resume a schedule",
    description=f"{MINE} It goes on from its next moment; nothing is made up for.",
    status_code=200,
)
async def resume_schedule(
    schedule_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Schedule:
    """Let a paused schedule go on."""
    async with services.db.transaction(actor) as tx:
        return await schedules.resume_schedule(tx, actor, schedule_id)


@post(
    "/{schedule_id:uuid}/run",
    summary="Run a schedule now",
    description=f"{MINE} Whatever the hour; its moments stay as they are. Answers when the turn has begun, or with why "
    "it has not.",
    status_code=200,
)
async def run_schedule(
    schedule_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> TurnStarted:
    """Give the agent a schedule's task now."""
    async with services.db.transaction(actor) as tx:
        task = await schedules.run_schedule(tx, actor, schedule_id)
    return await await_start(services.db, services.part(RuntimeParts).watch, actor, task)


HANDLERS = [
    list_schedules, make_schedule, get_schedule, change_schedule, delete_schedule, pause_schedule, resume_schedule,
    run_schedule,
]  # fmt: skip
ROUTERS = [api_router("/schedules", HANDLERS, tags=["Schedules"])]
