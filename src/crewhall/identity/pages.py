"""Pages of the organizations that a person is in; every page of identity."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity import organizations
from crewhall.identity.founding import check_founder, found_organization, may_found
from crewhall.identity.http_auth import throttle_of
from crewhall.identity.logins import switch_organization
from crewhall.identity.pages_apps import APPS
from crewhall.identity.pages_door import DOOR, door_cookies, own_path
from crewhall.identity.pages_installation import INSTALLATION
from crewhall.identity.pages_looks import LOOKS
from crewhall.identity.pages_people import PEOPLE
from crewhall.identity.pages_settings import SETTINGS
from crewhall.identity.pages_tokens import TOKENS
from crewhall.identity.schemas import NewOrganization
from crewhall.identity.settings import IdentitySettings
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.paging import MAX_LIMIT

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect


@get("/organizations")
async def choose_organization(
    request: AnyRequest,
    services: NamedDependency[Services],
    person: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
) -> Page:
    """Where to go, for somebody who is nowhere, or in more organizations than the sidebar names."""
    async with services.db.transaction(person) as tx:
        page = await organizations.list_organizations(tx, after=after, limit=MAX_LIMIT)
        founds = await may_found(tx, services.settings_of(IdentitySettings))
    return render("organizations.html", request, organizations=page.items, next=page.next, may_found=founds)


@post("/organizations/{org_id:uuid}/switch")
async def enter_organization(
    request: AnyRequest, services: NamedDependency[Services], person: NamedDependency[Actor], org_id: FromPath[UUID]
) -> Redirect:
    """Move this browser's login to another of one's organizations, and go on to what was looked for there."""
    form = await read_form(request)
    async with services.db.transaction(person) as tx:
        await switch_organization(tx, person, org_id)
    return go(own_path(form.values.get("next")), cookies=door_cookies(org_id))


@get("/organizations/new")
async def show_new_organization(
    request: AnyRequest, services: NamedDependency[Services], person: NamedDependency[Actor]
) -> Page:
    """The form of a new organization, for who may make one."""
    async with services.db.transaction(person) as tx:
        await check_founder(tx, services.settings_of(IdentitySettings))
    return render("organization_new.html", request, form=Form())


@post("/organizations/new")
async def make_organization(
    request: AnyRequest, services: NamedDependency[Services], person: NamedDependency[Actor]
) -> Page:
    """Make an organization and enter it."""
    form = await read_form(request)
    try:
        new = form.read(NewOrganization, "name", "description")
        settings = services.settings_of(IdentitySettings)
        made = await found_organization(services.db, throttle_of(services), settings, person, new)
        async with services.db.transaction(person) as tx:
            await switch_organization(tx, person, made.id)
    except CrewhallError as error:
        form.refuse(error)
        return render("organization_new.html", request, status=error.kind.status, form=form)
    return go("/", f"Welcome to {made.name}.")


@get(["/in/{org_id:uuid}", "/in/{org_id:uuid}/{path:path}"])
async def lead_in(
    request: AnyRequest,
    services: NamedDependency[Services],
    person: NamedDependency[Actor],
    org_id: FromPath[UUID],
    path: FromPath[str] = "/",
) -> Page:
    """To a page of an organization that a link from outside names; who is in another one now is asked first.

    Opening a link moves nobody: every other window would be elsewhere with it.
    """
    there = own_path(f"{path}?{request.url.query}" if request.url.query else path)
    if person.org_id == org_id:
        return go(there)
    async with services.db.transaction(person) as tx:
        now = await organizations.get_organization(tx, person.org) if person.org_id else None
        await organizations.enter_organization(tx, person, org_id)
        organization = await organizations.get_organization(tx, org_id)
    return render("organization_enter.html", request, organization=organization, now=now, next=there)


HANDLERS = [choose_organization, enter_organization, show_new_organization, make_organization, lead_in]
PAGES = page_router([*DOOR, *HANDLERS, *PEOPLE, *SETTINGS, *INSTALLATION, *LOOKS, *TOKENS, *APPS])
