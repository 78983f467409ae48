"""Pages of schedules: all that one may see, one of them, and an agent's own on its page."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.agents import access_agent, list_agents
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render, render_in_hall, zone_of
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.governance import list_places
from crewhall.kernel.actor import Actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.cron import in_words, upcoming
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.paging import MAX_LIMIT
from crewhall.kernel.place_names import place_name
from crewhall.runtime import schedules
from crewhall.runtime.lifecycle import RuntimeParts
from crewhall.runtime.pages import TONES
from crewhall.runtime.schedule_queries import get_schedule, list_schedules
from crewhall.runtime.schedule_words import what_became, why_paused
from crewhall.runtime.schemas import RunPlace
from crewhall.runtime.schemas_schedules import Schedule, ScheduleInput, SchedulePatch
from crewhall.runtime.started import TurnStarted, await_start

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
NEXT_MOMENTS = 3
Choices = list[tuple[object, str]]
EXAMPLES = (
    ("0 9 * * 1-5", "Weekdays at 9:00"),
    ("0 17 * * 5", "Fridays at 17:00"),
    ("0 8 1 * *", "The first of each month at 8:00"),
    ("0 * * * *", "Every hour"),
    ("*/15 8-18 * * 1-5", "Every quarter of an hour by day"),
)


class ShownSchedule(msgspec.Struct):
    """A schedule as pages show it."""

    one: Schedule
    words: str
    where: str | None
    paused: str | None
    last: str | None
    tone: str


def shown(one: Schedule) -> ShownSchedule:
    """A schedule in words."""
    paused = one.pause_reason and why_paused(one.pause_reason, maker=one.maker.name, agent=one.agent.name)
    return ShownSchedule(
        one=one,
        words=in_words(one.cron),
        where=place_name(one.conversation) if one.conversation else None,
        paused=paused,
        last=what_became(one.last_outcome, one.unanswered_reason, agent=one.agent.name) if one.last_outcome else None,
        tone=TONES.get(one.run_status, "") if one.run_status else "",
    )


async def agents_and_places(tx: Tx, actor: Actor) -> tuple[Choices, Choices]:
    """The agents that take prompts, and where one may let them speak, as choices of a form."""
    found = (await list_agents(tx, actor, limit=MAX_LIMIT)).items
    agents: Choices = [(one.id, f"{one.name} (@{one.code})") for one in found]
    places = [RunPlace(one.id, one.kind, one.name, one.title) for one in await list_places(tx, actor, MAX_LIMIT)]
    return agents, [("", "Your direct conversation with it"), *((one.id, place_name(one)) for one in places)]


def went(path: str, started: TurnStarted) -> Redirect:
    """On to the turn that began, else back with why it has not."""
    if started.run is not None:
        return go(f"/c/{started.conversation_id}", "It is at work.")
    return go(path, started.explanation or "Asked: it begins in a moment.")


@get("/schedules")
async def show_schedules(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent: FromQuery[UUID | None] = None,
    after: FromQuery[str | None] = None,
) -> Page:
    """What agents are given by the clock, and the form for another."""
    return await _list_page(request, services, actor, agent_id=agent, after=after)


@post("/schedules")
async def make_schedule(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """Make a schedule."""
    form = await read_form(request)
    try:
        data = form.read(ScheduleInput, "agent_id", "conversation_id", "name", "prompt", "cron", "timezone")
        async with services.db.transaction(actor) as tx:
            made = await schedules.make_schedule(tx, actor, services.log, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _list_page(request, services, actor, form=form, status=error.kind.status)
    return go(f"/schedules/{made.id}", "The schedule is made.")


@get("/schedules/words")
async def say_when(
    request: AnyRequest,
    actor: NamedDependency[Actor],
    cron: FromQuery[str] = "",
    timezone: FromQuery[str] = "",
) -> Page:
    """What is typed as the time of a schedule, in words, with its next moments; or what is wrong with it."""
    expression, zone = cron.strip(), timezone.strip()
    try:
        schedules.next_due(expression, zone)
    except CrewhallError as error:
        problem = error.detail.removeprefix("cron: ").removeprefix("timezone: ")
        return render("schedule_words.html", request, viewer=actor, problem=problem[:1].upper() + problem[1:])
    coming = upcoming(expression, zone, utc_now(), NEXT_MOMENTS)
    words = in_words(expression)
    return render(
        "schedule_words.html", request, viewer=actor, problem=None, words=words, timezone=zone, upcoming=coming
    )


@get("/schedules/{schedule_id:uuid}")
async def show_schedule(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    schedule_id: FromPath[UUID],
) -> Page:
    """One schedule: when it is due, what became of it, the form that changes it."""
    return await _one_page(request, services, actor, schedule_id)


@post("/schedules/{schedule_id:uuid}")
async def change_schedule(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    schedule_id: FromPath[UUID],
) -> Page:
    """Change a schedule."""
    form = await read_form(request)
    try:
        data = form.read(SchedulePatch, "name", "prompt", "cron", "timezone")
        async with services.db.transaction(actor) as tx:
            await schedules.change_schedule(tx, actor, schedule_id, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _one_page(request, services, actor, schedule_id, form=form, status=error.kind.status)
    return go(f"/schedules/{schedule_id}", "Saved.")


@post("/schedules/{schedule_id:uuid}/run")
async def run_schedule(
    services: NamedDependency[Services], actor: NamedDependency[Actor], schedule_id: FromPath[UUID]
) -> Redirect:
    """Give the task now."""
    path = f"/schedules/{schedule_id}"
    try:
        async with services.db.transaction(actor) as tx:
            task = await schedules.run_schedule(tx, actor, schedule_id)
    except CrewhallError as error:
        return go(path, error.detail)
    return went(path, await await_start(services.db, services.part(RuntimeParts).watch, actor, task))


@post("/schedules/{schedule_id:uuid}/pause")
async def pause_schedule(
    services: NamedDependency[Services], actor: NamedDependency[Actor], schedule_id: FromPath[UUID]
) -> Redirect:
    """Pause it."""
    async with services.db.transaction(actor) as tx:
        await schedules.pause_schedule(tx, actor, schedule_id)
    return go(f"/schedules/{schedule_id}", "Paused: it does nothing until it is resumed.")


@post("/schedules/{schedule_id:uuid}/resume")
async def resume_schedule(
    services: NamedDependency[Services], actor: NamedDependency[Actor], schedule_id: FromPath[UUID]
) -> Redirect:
    """Resume it."""
    try:
        async with services.db.transaction(actor) as tx:
            await schedules.resume_schedule(tx, actor, schedule_id)
    except CrewhallError as error:
        return go(f"/schedules/{schedule_id}", error.detail)
    return go(f"/schedules/{schedule_id}", "It goes on from its next moment.")


@post("/schedules/{schedule_id:uuid}/delete")
async def delete_schedule(
    services: NamedDependency[Services], actor: NamedDependency[Actor], schedule_id: FromPath[UUID]
) -> Redirect:
    """Delete it."""
    async with services.db.transaction(actor) as tx:
        await schedules.delete_schedule(tx, actor, schedule_id)
    return go("/schedules", "The schedule is deleted.")


async def _list_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    *,
    agent_id: UUID | None = None,
    after: str | None = None,
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        page = await list_schedules(tx, actor, agent_id=agent_id, after=after)
        of = await access_agent(tx, actor, agent_id) if agent_id else None
        agents, places = await agents_and_places(tx, actor)
    return await render_in_hall(
        "schedules.html",
        request,
        services,
        actor,
        status=status,
        schedules=[shown(one) for one in page.items],
        next=page.next,
        of=of,
        agents=agents,
        places=places,
        examples=EXAMPLES,
        here=zone_of(request).key,
        form=form or Form(),
    )


async def _one_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    schedule_id: UUID,
    *,
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        found = await get_schedule(tx, actor, schedule_id)
    return await render_in_hall(
        "schedule.html",
        request,
        services,
        actor,
        status=status,
        shown=shown(found),
        examples=EXAMPLES,
        here=zone_of(request).key,
        form=form or Form(),
    )


PAGES = page_router([
    show_schedules, make_schedule, say_when, show_schedule, change_schedule, run_schedule, pause_schedule,
    resume_schedule, delete_schedule,
])  # fmt: skip
