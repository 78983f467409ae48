"""The directory of agents: who there is, found by words and capability; and a new one."""

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect

from crewhall.agents import actions, queries
from crewhall.agents.schemas import AgentInput
from crewhall.agents.spent import Spent
from crewhall.agents.vocabulary import AgentStatus, Presence, Visibility
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, check_permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.paging import MAX_LIMIT

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
LIBRARIAN = "librarian"
MOST_CAPABILITIES = 12
"""Offered above the list; others are found by typing them."""


@get("/agents")
async def show_agents(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: FromQuery[str] = "",
    capability: FromQuery[str] = "",
    presence: FromQuery[Presence | None] = None,
    visibility: FromQuery[Visibility | None] = None,
    status: FromQuery[AgentStatus | None] = None,
    after: FromQuery[str | None] = None,
) -> Page:
    """The organization's agents, found by words, capability, presence; hidden ones for who asks and may see them."""
    async with services.db.transaction(actor) as tx:
        page = await queries.list_agents(
            tx,
            actor,
            q=q.strip() or None,
            capability=capability or None,
            presence=presence,
            visibility=visibility,
            status=status,
            after=after,
        )
        capabilities = await queries.list_capabilities(tx, actor, limit=MOST_CAPABILITIES)
        owners = await queries.find_owner_names(tx, page.items)
        used_up = await services.part(Spent).find(tx, [agent.id for agent in page.items])
        offers_librarian = await queries.is_offered(tx, LIBRARIAN)
    chosen = {
        "q": q.strip(),
        "capability": capability,
        "presence": presence,
        "visibility": visibility,
        "status": status,
    }
    kept = {name: str(value) for name, value in chosen.items() if value}
    return await render_in_hall(
        "agents.html",
        request,
        services,
        actor,
        agents=page.items,
        owners=owners,
        used_up=used_up,
        next=page.next,
        q=q,
        kept=kept,
        link=lambda **change: "/agents?" + urlencode({k: v for k, v in {**kept, **change}.items() if v}),
        capabilities=capabilities,
        may_create=is_allowed(actor, Permission.AGENTS_CREATE),
        offers_librarian=offers_librarian,
        may_manage=is_allowed(actor, Permission.AGENTS_UPDATE),
    )


async def _new_page(
    request: AnyRequest, services: Services, actor: Actor, form: Form, *, status: int = 200
) -> Response[str]:
    check_permission(actor, Permission.AGENTS_CREATE)
    async with services.db.transaction(actor) as tx:
        templates = await queries.list_templates(tx, limit=MAX_LIMIT)
    return await render_in_hall(
        "agent_new.html", request, services, actor, status=status, form=form, templates=templates.items
    )


@get("/agents/new")
async def show_new_agent(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """The form of a new agent."""
    return await _new_page(request, services, actor, Form())


@post("/agents/new")
async def make_agent(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Make an agent, and show it."""
    form = await read_form(request)
    try:
        data = form.read(AgentInput, "name", "code", "description", "template")
        async with services.db.transaction(actor) as tx:
            agent = await actions.create_agent(tx, actor, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _new_page(request, services, actor, form, status=error.kind.status)
    return go(f"/agents/{agent.id}", f"{agent.name} is here. Make it a key, and connect it.")


HANDLERS = [show_agents, show_new_agent, make_agent]
