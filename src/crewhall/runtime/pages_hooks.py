"""Pages of incoming webhooks: all that one may see, one of them with its secret once, its calls and how to call it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.place_names import place_name
from crewhall.runtime import hook_queries, hooks
from crewhall.runtime.hook_snippets import CURL, PYTHON, start_of
from crewhall.runtime.pages_schedules import agents_and_places
from crewhall.runtime.schedule_words import why_paused, why_unanswered
from crewhall.runtime.schemas_hooks import Hook, HookInput, HookPatch, HookRotation
from crewhall.runtime.vocabulary import CallOutcome, Cause

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
CALLS = {
    CallOutcome.TAKEN: ("taken", "accent"),
    CallOutcome.REPEATED: ("repeated: done before", "sky"),
    CallOutcome.BAD_SIGNATURE: ("bad signature", "danger"),
    CallOutcome.STALE: ("too old, or a wrong clock", "brass"),
    CallOutcome.PAUSED: ("came while paused", "brass"),
    CallOutcome.REFUSED: ("its maker may not", "danger"),
}
SHOWN = 20


class ShownHook(msgspec.Struct):
    """A webhook as pages show it."""

    one: Hook
    where: str | None
    does: str
    paused: str | None
    unanswered: str | None


def shown(one: Hook) -> ShownHook:
    """A webhook in words."""
    where = place_name(one.conversation) if one.conversation else None
    agent = one.agent.name if one.agent else "its agent"
    does = [f"posts in {where or 'a conversation'}"] if one.posts else []
    if one.agent:
        does.append(f"wakes {agent}" + ("" if one.posts else f" in {where or 'a conversation'}"))
    paused = one.pause_reason and why_paused(one.pause_reason, maker=one.maker.name, agent=agent)
    unanswered = one.unanswered_reason and why_unanswered(one.unanswered_reason, Cause.WEBHOOK, agent=agent)
    return ShownHook(one, where, " and ".join(does), paused, unanswered)


@get("/hooks")
async def show_hooks(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
) -> Page:
    """The addresses that other services call, and the form for another."""
    return await _list_page(request, services, actor, after=after)


@post("/hooks")
async def make_hook(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Make a webhook, and show its secret this once."""
    form = await read_form(request)
    try:
        data = form.read(HookInput, "conversation_id", "name", "agent_id", "prompt", posts="posts" in form.values)
        async with services.db.transaction(actor) as tx:
            made = await hooks.make_hook(tx, actor, services.base_url, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _list_page(request, services, actor, form=form, status=error.kind.status)
    return await _one_page(request, services, actor, made.id, secret=made.secret, status=201)


@get("/hooks/{hook_id:uuid}")
async def show_hook(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], hook_id: FromPath[UUID]
) -> Page:
    """One webhook: what it does, who called it, how it is called."""
    return await _one_page(request, services, actor, hook_id)


@post("/hooks/{hook_id:uuid}")
async def change_hook(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], hook_id: FromPath[UUID]
) -> Page:
    """Change a webhook."""
    form = await read_form(request)
    try:
        data = form.read_all(HookPatch, "agent_id", "prompt")
        named = form.read(HookPatch, "name", posts="posts" in form.values)
        data = msgspec.structs.replace(data, name=named.name, posts=named.posts)
        async with services.db.transaction(actor) as tx:
            await hooks.change_hook(tx, actor, services.base_url, hook_id, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _one_page(request, services, actor, hook_id, form=form, status=error.kind.status)
    return go(f"/hooks/{hook_id}", "Saved.")


@post("/hooks/{hook_id:uuid}/secret")
async def rotate_secret(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], hook_id: FromPath[UUID]
) -> Page:
    """Give it a new secret, shown this once; the old one works for another day."""
    async with services.db.transaction(actor) as tx:
        rotated = await hooks.rotate_secret(tx, actor, services.base_url, hook_id, HookRotation())
    return await _one_page(request, services, actor, hook_id, secret=rotated.secret, status=201)


@post("/hooks/{hook_id:uuid}/pause")
async def pause_hook(
    services: NamedDependency[Services], actor: NamedDependency[Actor], hook_id: FromPath[UUID]
) -> Redirect:
    """Pause it."""
    async with services.db.transaction(actor) as tx:
        await hooks.pause_hook(tx, actor, services.base_url, hook_id)
    return go(f"/hooks/{hook_id}", "Paused: every call is refused.")


@post("/hooks/{hook_id:uuid}/resume")
async def resume_hook(
    services: NamedDependency[Services], actor: NamedDependency[Actor], hook_id: FromPath[UUID]
) -> Redirect:
    """Resume it."""
    try:
        async with services.db.transaction(actor) as tx:
            await hooks.resume_hook(tx, actor, services.base_url, hook_id)
    except CrewhallError as error:
        return go(f"/hooks/{hook_id}", error.detail)
    return go(f"/hooks/{hook_id}", "It takes calls again.")


@post("/hooks/{hook_id:uuid}/delete")
async def delete_hook(
    services: NamedDependency[Services], actor: NamedDependency[Actor], hook_id: FromPath[UUID]
) -> Redirect:
    """Delete it."""
    async with services.db.transaction(actor) as tx:
        await hooks.delete_hook(tx, actor, hook_id)
    return go("/hooks", "The webhook is deleted.")


async def _list_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    *,
    after: str | None = None,
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        page = await hook_queries.list_hooks(tx, actor, services.base_url, after=after)
        agents, (_, *places) = await agents_and_places(tx, actor)
    return await render_in_hall(
        "hooks.html",
        request,
        services,
        actor,
        status=status,
        hooks=[shown(one) for one in page.items],
        next=page.next,
        calls=CALLS,
        agents=[("", "Nobody: only post it"), *agents],
        places=places,
        form=form or Form(),
    )


async def _one_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    hook_id: UUID,
    *,
    form: Form | None = None,
    secret: str | None = None,
    status: int = 200,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        found = await hook_queries.get_hook(tx, actor, services.base_url, hook_id)
        calls = await hook_queries.list_calls(tx, actor, hook_id, limit=SHOWN)
        agents, _ = await agents_and_places(tx, actor)
    return await render_in_hall(
        "hook.html",
        request,
        services,
        actor,
        status=status,
        path=f"/hooks/{hook_id}",
        shown=shown(found),
        recent=calls.items,
        calls=CALLS,
        agents=[("", "Nobody: only post it"), *agents],
        secret=secret,
        start=start_of(found.url, secret),
        python=PYTHON,
        curl=CURL,
        now=datetime.now(UTC),
        form=form or Form(),
    )


PAGES = page_router([
    show_hooks, make_hook, show_hook, change_hook, rotate_secret, pause_hook, resume_hook, delete_hook,
])  # fmt: skip
