"""Pages about conversations in which nobody writes: those that are archived, and when groups archive themselves."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect

from crewhall.conversations import file_policy, idle_policy
from crewhall.conversations.file_schemas import FilePolicy
from crewhall.conversations.pages_sidebar import full_label, icon_of
from crewhall.conversations.queries import list_conversations
from crewhall.conversations.schemas_idle import IdlePolicy
from crewhall.conversations.vocabulary import ConversationKind
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
PAGE_SIZE = 50


@get("/c/archived")
async def browse_archived(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: FromQuery[str] = "",
    after: FromQuery[str | None] = None,
) -> Page:
    """Archived conversations within reach, last active first."""
    async with services.db.transaction(actor) as tx:
        page = await list_conversations(tx, actor, archived=True, q=q or None, after=after, limit=PAGE_SIZE)
    return await render_in_hall(
        "conversations_archived.html",
        request,
        services,
        actor,
        found=[one for one in page.items if one.kind is not ConversationKind.AGENT],
        next=page.next,
        q=q.strip(),
        icon_of=icon_of,
        full_label=full_label,
    )


async def _policy_page(
    request: AnyRequest, services: Services, actor: Actor, form: Form, *, status: int = 200
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        policy = await idle_policy.get_idle_policy(tx, actor)
        files = await file_policy.get_file_policy(tx, actor)
    may_change = is_allowed(actor, Permission.ORGANIZATION_UPDATE)
    return await render_in_hall(
        "settings_groups.html", request, services, actor, status=status, policy=policy, files=files, form=form,
        may_change=may_change,
    )  # fmt: skip


@get("/settings/groups")
async def show_policy(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """When groups are idle, and when they archive themselves."""
    return await _policy_page(request, services, actor, Form())


@post("/settings/groups")
async def settle_policy(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """Settle it. Days that are left empty: never."""
    form = await read_form(request)
    try:
        policy = form.read_all(IdlePolicy, "idle_after_hours", "archive_after_days")
        async with services.db.transaction(actor) as tx:
            await idle_policy.set_idle_policy(tx, actor, policy)
    except CrewhallError as error:
        form.refuse(error)
        return await _policy_page(request, services, actor, form, status=error.kind.status)
    return go("/settings/groups", "Saved. It holds from now on.")


@post("/settings/groups/files")
async def settle_files(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Settle how long files are kept. Days that are left empty: for good."""
    form = await read_form(request)
    try:
        policy = form.read_all(FilePolicy, "keep_days")
        async with services.db.transaction(actor) as tx:
            await file_policy.set_file_policy(tx, actor, policy)
    except CrewhallError as error:
        form.refuse(error)
        return await _policy_page(request, services, actor, form, status=error.kind.status)
    return go("/settings/groups", "Saved. It holds for what is archived already, too.")


HANDLERS = [browse_archived, show_policy, settle_policy, settle_files]
