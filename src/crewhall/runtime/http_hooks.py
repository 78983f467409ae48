"""Webhooks over HTTP: looked after by those who are signed in, called by whoever signs."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.faces.plumbing.dependencies import address_of
from crewhall.faces.plumbing.routers import api_router, require_caller
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page
from crewhall.runtime import hook_queries, hooks
from crewhall.runtime.hook_calls import Call, HookDoor
from crewhall.runtime.schemas_hooks import (
    Hook,
    HookCall,
    HookInput,
    HookPatch,
    HookRotation,
    HookTaken,
    HookWithSecret,
)

AnyRequest = Request[Any, Any, Any]
Of = Annotated[UUID | None, QueryParameter(description="Only those that wake this agent.")]
MINE = "By who made it: it has their rights."
EITHER = "By who made it, and by owners and admins."


@get(
    "/",
    summary="List webhooks",
    description="Of conversations that the caller may read, and its own; to owners and admins all. Newest first.",
)
async def list_hooks(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent: Of = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Hook]:
    """List the addresses that other services call."""
    async with services.db.transaction(actor) as tx:
        return await hook_queries.list_hooks(tx, actor, services.base_url, agent_id=agent, after=after, limit=limit)


@post(
    "/",
    summary="Make a webhook",
    description="By people who may write in the conversation. `secret` of the answer signs its calls; it is shown this "
    "once. Each call has the rights that the maker has then; without them the webhook is paused, with the reason.",
)
async def make_hook(
    data: JSONBody[HookInput], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> HookWithSecret:
    """Make an address that another service calls."""
    async with services.db.transaction(actor) as tx:
        return await hooks.make_hook(tx, actor, services.base_url, data)


@get("/{hook_id:uuid}", summary="Show a webhook", guards=[require_caller])
async def get_hook(hook_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Hook:
    """Show a webhook, without its secret."""
    async with services.db.transaction(actor) as tx:
        return await hook_queries.get_hook(tx, actor, services.base_url, hook_id)


@patch(
    "/{hook_id:uuid}",
    summary="Change a webhook",
    description=f"{MINE} What is left out stays.",
    guards=[require_caller],
)
async def change_hook(
    hook_id: FromPath[UUID],
    data: JSONBody[HookPatch],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Hook:
    """Change what a webhook does."""
    async with services.db.transaction(actor) as tx:
        return await hooks.change_hook(tx, actor, services.base_url, hook_id, data)


@delete(
    "/{hook_id:uuid}",
    summary="Delete a webhook",
    description=f"{EITHER} What it posted stays.",
    guards=[require_caller],
)
async def delete_hook(
    hook_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Delete a webhook with its secrets and its list of calls."""
    async with services.db.transaction(actor) as tx:
        await hooks.delete_hook(tx, actor, hook_id)


@post("/{hook_id:uuid}/pause", summary="Pause a webhook", description=EITHER, status_code=200)
async def pause_hook(
    hook_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Hook:
    """Let a webhook refuse every call."""
    async with services.db.transaction(actor) as tx:
        return await hooks.pause_hook(tx, actor, services.base_url, hook_id)


@post("/{hook_id:uuid}/resume", summary="Resume a webhook", description=MINE, status_code=200)
async def resume_hook(
    hook_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Hook:
    """Let a paused webhook take calls again."""
    async with services.db.transaction(actor) as tx:
        return await hooks.resume_hook(tx, actor, services.base_url, hook_id)


@post(
    "/{hook_id:uuid}/secret",
    summary="Rotate a webhook's secret",
    description=f"{MINE} The new one is shown this once; the old one stays valid for `overlap_seconds`, a day unless "
    "told.",
)
async def rotate_hook_secret(
    hook_id: FromPath[UUID],
    data: JSONBody[HookRotation],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> HookWithSecret:
    """Give a webhook a new secret."""
    async with services.db.transaction(actor) as tx:
        return await hooks.rotate_secret(tx, actor, services.base_url, hook_id, data)


@get(
    "/{hook_id:uuid}/calls",
    summary="List the calls of a webhook",
    description="What was taken, and of what was not the newest fifty, newest first.",
)
async def list_hook_calls(
    hook_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[HookCall]:
    """List who called a webhook, and what became of it."""
    async with services.db.transaction(actor) as tx:
        return await hook_queries.list_calls(tx, actor, hook_id, after=after, limit=limit)


@post(
    "/{hook_id:uuid}",
    summary="Call a webhook",
    description="For other services, without signing in: `webhook-id`, `webhook-timestamp` (seconds, within five "
    "minutes) and `webhook-signature` (`v1,…`, several separated by spaces) as Standard Webhooks has them. The body is "
    "anything; of JSON `content` (or `text`), `title` and `kind` are posted, of what has none the whole. A repeated "
    "`webhook-id` does nothing again. 401 `hook_refused`, always the same, for an unknown or paused webhook, a bad "
    "signature and an old timestamp.",
    status_code=202,
)
async def call_hook(hook_id: FromPath[UUID], request: AnyRequest, services: NamedDependency[Services]) -> HookTaken:
    """Post what a service sent, wake an agent with it, or both."""
    headers = {name.lower(): value for name, value in request.headers.items() if name.lower().startswith("webhook-")}
    call = Call(hook_id, headers, await request.body(), address_of(request))
    return await services.part(HookDoor).take(call)


HANDLERS = [list_hooks, make_hook, pause_hook, resume_hook, rotate_hook_secret, list_hook_calls]
AT_ITS_ADDRESS = [call_hook, get_hook, change_hook, delete_hook]
"""All but the call ask who calls, each by itself: one address is one router's."""
ROUTERS = [
    api_router("/hooks", HANDLERS, tags=["Webhooks"]),
    api_router("/hooks", AT_ITS_ADDRESS, tags=["Webhooks"], for_guests=True),
]
