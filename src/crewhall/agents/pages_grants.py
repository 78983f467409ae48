"""Pages of lending: what is lent and borrowed, one grant with what it overrides, the code that accepts it."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Struct, structs

from crewhall.agents import lending
from crewhall.agents.access import access_agent
from crewhall.agents.actions import update_agent
from crewhall.agents.borrowing import OF_SERVERS, lent_tools
from crewhall.agents.catalog import Catalog, Named
from crewhall.agents.grant_queries import list_grants, show_grant
from crewhall.agents.grant_schemas import AgentGrant, Direction, GrantAcceptance, GrantInput, GrantPatch
from crewhall.agents.pages_thinking import NUMBERS, number
from crewhall.agents.schemas import AgentDetail, AgentPatch
from crewhall.agents.vocabulary import Visibility
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
FIELDS = ("provider", "model", *NUMBERS)
SEEN = {
    "": "As at home",
    Visibility.PUBLIC: "Everybody there",
    Visibility.PRIVATE: "Its owner and admins there",
    Visibility.HIDDEN: "The same, and in no list",
}


class BorrowedTools(Struct):
    """A stand-in's tools: those that it follows, and those of its own organization's servers that it may be given."""

    lent: list[str]
    own: Named


def borrowed_tools(agent: AgentDetail, catalog: Catalog) -> BorrowedTools:
    """Return a stand-in's tools, as its page shows them."""
    lent = lent_tools(agent.tools)
    own = [(name, text) for name, text in catalog.tools if name.startswith(OF_SERVERS)]
    gone = [(name, "Not offered any more.") for name in agent.tools if name not in lent and name not in dict(own)]
    return BorrowedTools(lent, own + gone)


@get("/grants")
async def show_grants(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
) -> Page:
    """What is lent and borrowed, and where a code is accepted."""
    return await _grants_page(request, services, actor, Form(), after=after)


@post("/grants/accept")
async def accept_grant(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Borrow the agent that a code lends, and show it."""
    form = await read_form(request)
    try:
        data = form.read(GrantAcceptance, "code", "name")
        async with services.db.transaction(actor) as tx:
            agent = await lending.accept_grant(tx, actor, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _grants_page(request, services, actor, form, status=error.kind.status)
    return go(f"/agents/{agent.id}", f"{agent.name} works here as well from now on.")


@post("/agents/{agent_id:uuid}/grants")
async def offer_agent(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Page:
    """Offer to lend an agent, and show the code this once."""
    async with services.db.transaction(actor) as tx:
        offered = await lending.offer_agent(tx, actor, agent_id, GrantInput())
    return await _grant_page(request, services, actor, offered.grant, Form(), code=offered.code, status=201)


@get("/grants/{grant_id:uuid}")
async def show_one(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], grant_id: FromPath[UUID]
) -> Page:
    """A grant as one's own side sees it, with what it overrides."""
    async with services.db.transaction(actor) as tx:
        grant = await show_grant(tx, actor, grant_id)
    return await _grant_page(request, services, actor, grant, Form())


@post("/grants/{grant_id:uuid}")
async def change_grant(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], grant_id: FromPath[UUID]
) -> Page:
    """Change what a grant overrides."""
    form = await read_form(request)
    async with services.db.transaction(actor) as tx:
        grant = await show_grant(tx, actor, grant_id)
    try:
        patch = form.read_all(GrantPatch, "visibility", config=_read_config(form, grant))
        if grant.direction is Direction.LENT:
            patch = structs.replace(patch, knowledge="knowledge" in form.values)
        async with services.db.transaction(actor) as tx:
            await lending.change_grant(tx, actor, grant_id, patch)
    except CrewhallError as error:
        form.refuse(error)
        return await _grant_page(request, services, actor, grant, form, status=error.kind.status)
    return go(f"/grants/{grant_id}", "Saved, and both organizations are told.")


@post("/agents/{agent_id:uuid}/tools")
async def choose_tools(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Redirect:
    """Choose which tools of the organization's own servers a borrowed agent uses."""
    chosen = [name for name in (await request.form()).getall("tool", []) if isinstance(name, str)]
    async with services.db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id, "update", lock=True)
        await update_agent(tx, actor, agent_id, AgentPatch(tools=[*lent_tools(agent.tools), *chosen]))
    return go(f"/agents/{agent_id}#tools", "Saved.")


@post("/grants/{grant_id:uuid}/end")
async def end_grant(
    services: NamedDependency[Services], actor: NamedDependency[Actor], grant_id: FromPath[UUID]
) -> Redirect:
    """End a grant."""
    async with services.db.transaction(actor) as tx:
        await lending.end_grant(tx, actor, grant_id)
    return go("/grants", "The grant has ended.")


async def _grants_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    form: Form,
    *,
    after: str | None = None,
    status: int = 200,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        page = await list_grants(tx, actor, after=after)
    return await render_in_hall(
        "grants.html",
        request,
        services,
        actor,
        status=status,
        grants=page.items,
        next=page.next,
        form=form,
        may_borrow=is_allowed(actor, Permission.AGENTS_CREATE),
    )


async def _grant_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    grant: AgentGrant,
    form: Form,
    *,
    code: str | None = None,
    status: int = 200,
) -> Response[str]:
    return await render_in_hall(
        "grant.html", request, services, actor, status=status, grant=grant, form=form, code=code, seen_by=SEEN
    )


def _read_config(form: Form, grant: AgentGrant) -> dict[str, Any]:
    """What differs there: the fields that were filled in, and what the form does not speak of."""
    config = {name: value for name, value in grant.config.items() if name not in FIELDS}
    for name in FIELDS:
        if typed := form.v(name).strip():
            config[name] = number(name, typed) if name in NUMBERS else typed
    return config


HANDLERS = [show_grants, accept_grant, offer_agent, show_one, change_grant, end_grant, choose_tools]
