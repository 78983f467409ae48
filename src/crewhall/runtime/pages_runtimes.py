"""Pages of runtimes: how every agent answers, and the address at which one of them is served."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.agents import access_agent
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError
from crewhall.runtime import runtimes
from crewhall.runtime.lifecycle import RuntimeParts
from crewhall.runtime.pages import TONES as RUN_TONES
from crewhall.runtime.pinging import ping
from crewhall.runtime.runtime_health import list_runtimes
from crewhall.runtime.schemas_runtimes import Health, RuntimeCall, RuntimeHealth, RuntimeInput, SecretRotation, Way
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.timeline import in_milliseconds

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
CALLS_SHOWN = 20
TONES = {
    Health.HEALTHY: "accent",
    Health.FAILING: "danger",
    Health.SILENT: "brass",
}
WAYS = {
    Way.RESIDENT: "thinks here",
    Way.WEBHOOK: "at its webhook",
    Way.KAFKA: "at Kafka",
    Way.CLIENT: "by its own program",
    Way.POLLING: "by a program that comes now and then",
    Way.NOBODY: "by nobody yet",
}


class ShownRuntime(msgspec.Struct):
    """How an agent answers, as the list shows it."""

    one: RuntimeHealth
    way: str
    tone: str
    turn_tone: str
    took: str | None


def _shown(one: RuntimeHealth) -> ShownRuntime:
    return ShownRuntime(
        one=one,
        way=WAYS[one.way],
        tone=TONES.get(one.health, ""),
        turn_tone=RUN_TONES.get(one.last_turn.status, "") if one.last_turn else "",
        took=None if one.p50_ms is None else in_milliseconds(one.p50_ms),
    )


@get("/runtimes")
async def show_runtimes(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
) -> Page:
    """How the agents answer that one manages, and whether they do."""
    async with services.db.transaction(actor) as tx:
        page = await list_runtimes(tx, actor, after=after)
    return await render_in_hall(
        "runtimes.html", request, services, actor, runtimes=[_shown(one) for one in page.items], next=page.next
    )


@post("/runtimes/{agent_id:uuid}/test")
async def try_from_list(
    services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Redirect:
    """Send a signed ping, and say how that went."""
    call = await ping(services.db, services.part(RuntimeParts).caller, actor, agent_id)
    return go("/runtimes", outcome_of(call))


async def _webhook_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    agent_id: UUID,
    *,
    form: Form | None = None,
    secret: str | None = None,
    status: int = 200,
) -> Response[str]:
    calls: list[RuntimeCall] = []
    async with services.db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id, "credentials")
        runtime = await runtimes.find_runtime(tx, agent_id)
        if runtime is not None:
            calls = (await runtimes.list_calls(tx, actor, agent_id, limit=CALLS_SHOWN)).items
    return await render_in_hall(
        "webhook.html",
        request,
        services,
        actor,
        status=status,
        agent=agent,
        runtime=runtime,
        tone=TONES.get(runtime.health, "") if runtime else "",
        calls=[(call, in_milliseconds(call.duration_ms)) for call in calls],
        form=form or Form(),
        secret=secret,
    )


@get("/agents/{agent_id:uuid}/webhook")
async def show_webhook(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
) -> Page:
    """Where an agent is served, and how the last calls went."""
    return await _webhook_page(request, services, actor, agent_id)


@post("/agents/{agent_id:uuid}/webhook")
async def set_webhook(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
) -> Page:
    """Serve an agent at an address and show the secret this once; or move it, which keeps the secret."""
    form = await read_form(request)
    try:
        data = form.read(RuntimeInput, "base_url")
        services.part(RuntimeParts).caller.check(data.base_url)
        async with services.db.transaction(actor) as tx:
            await access_agent(tx, actor, agent_id, "credentials")
            if await runtimes.find_runtime(tx, agent_id) is not None:
                await runtimes.move_runtime(tx, actor, agent_id, data.base_url)
                return go(f"/agents/{agent_id}/webhook", "Moved. The secret is the same.")
            settings = services.settings_of(TurnSettings)
            made = await runtimes.serve_agent(tx, actor, agent_id, data.base_url, settings)
    except CrewhallError as error:
        form.refuse(error)
        return await _webhook_page(request, services, actor, agent_id, form=form, status=error.kind.status)
    return await _webhook_page(request, services, actor, agent_id, secret=made.secret, status=201)


@post("/agents/{agent_id:uuid}/webhook/rotate")
async def rotate_webhook(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
) -> Page:
    """Sign with a new secret, and show it this once; the old one signs along for a day."""
    async with services.db.transaction(actor) as tx:
        made = await runtimes.rotate_secret(tx, actor, agent_id, SecretRotation(), services.settings_of(TurnSettings))
    return await _webhook_page(request, services, actor, agent_id, secret=made.secret, status=201)


@post("/agents/{agent_id:uuid}/webhook/remove")
async def remove_webhook(
    services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Redirect:
    """Ask an agent at its address no more."""
    async with services.db.transaction(actor) as tx:
        await runtimes.remove_runtime(tx, actor, agent_id)
    return go(f"/agents/{agent_id}", "Its webhook is removed.")


@post("/agents/{agent_id:uuid}/webhook/test")
async def try_webhook(
    services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Redirect:
    """Send a signed ping, and say how that went."""
    call = await ping(services.db, services.part(RuntimeParts).caller, actor, agent_id)
    return go(f"/agents/{agent_id}/webhook", outcome_of(call))


def outcome_of(call: RuntimeCall) -> str:
    """How a ping went, in a sentence."""
    if call.is_ok:
        return f"It answered {call.status} after {in_milliseconds(call.duration_ms)}."
    return call.error or "It did not answer."


PAGES = page_router(
    [show_runtimes, try_from_list, show_webhook, set_webhook, rotate_webhook, remove_webhook, try_webhook]
)
