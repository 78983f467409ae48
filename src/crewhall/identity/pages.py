"""Pages of the person, their organizations and the people in them."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render, render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity import deactivation, invitations, organizations, people
from crewhall.identity.errands import Errands
from crewhall.identity.founding import check_founder, found_organization, may_found
from crewhall.identity.http_auth import throttle_of
from crewhall.identity.logins import switch_organization
from crewhall.identity.pages_apps import APPS
from crewhall.identity.pages_door import DOOR
from crewhall.identity.pages_settings import SETTINGS
from crewhall.identity.pages_tokens import TOKENS
from crewhall.identity.permissions import Permission, is_allowed
from crewhall.identity.schemas import Invitation, NewInvitation, NewOrganization, RoleChange, SentInvitation
from crewhall.identity.settings import IdentitySettings
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.paging import MAX_LIMIT
from crewhall.ports.mailer import MemoryMailer

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
    services: NamedDependency[Services], person: NamedDependency[Actor], org_id: FromPath[UUID]
) -> Redirect:
    """Move this browser's login to another of one's organizations."""
    async with services.db.transaction(person) as tx:
        await switch_organization(tx, person, org_id)
    return go("/")


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


async def _people_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    *,
    form: Form | None = None,
    status: int = 200,
    sent: SentInvitation | None = None,
    after: str | None = None,
) -> Response[str]:
    may_invite = is_allowed(actor, Permission.MEMBERS_INVITE)
    waiting: list[Invitation] = []
    async with services.db.transaction(actor) as tx:
        page = await people.list_people(tx, actor, after=after, limit=MAX_LIMIT)
        if may_invite:
            waiting = (await invitations.list_invitations(tx, actor)).items
    return await render_in_hall(
        "people.html",
        request,
        services,
        actor,
        status=status,
        people=page.items,
        next=page.next,
        invitations=waiting,
        sent=sent,
        mail_is_sent=not isinstance(services.mailer, MemoryMailer),
        form=form or Form(),
        may_invite=may_invite,
        may_remove=is_allowed(actor, Permission.MEMBERS_REMOVE),
        may_change_roles=is_allowed(actor, Permission.MEMBERS_ROLE),
    )


@get("/people")
async def show_people(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
) -> Page:
    """Who belongs to the organization, and who is invited."""
    return await _people_page(request, services, actor, after=after)


@post("/people/invite")
async def invite_somebody(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """Make an invitation and show its link, once."""
    form = await read_form(request)
    settings = services.settings_of(IdentitySettings)
    try:
        new = form.read(NewInvitation, "email", "role")
        async with services.db.transaction(actor) as tx:
            sent = await invitations.invite(tx, actor, throttle_of(services), settings, new, base_url=services.base_url)
            mail = await invitations.invitation_mail(tx, actor, sent)
    except CrewhallError as error:
        form.refuse(error)
        return await _people_page(request, services, actor, form=form, status=error.kind.status)
    if mail:
        services.part(Errands).run(services.mailer.send(mail), "mailing an invitation")
    return await _people_page(request, services, actor, sent=sent, status=201)


@post("/people/invitations/{invitation_id:uuid}/revoke")
async def withdraw_invitation(
    services: NamedDependency[Services], actor: NamedDependency[Actor], invitation_id: FromPath[UUID]
) -> Redirect:
    """Withdraw an open invitation."""
    async with services.db.transaction(actor) as tx:
        await invitations.revoke_invitation(tx, actor, invitation_id)
    return go("/people", "The invitation is withdrawn.")


@post("/people/{person_id:uuid}/role")
async def set_role(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    person_id: FromPath[UUID],
) -> Redirect:
    """Appoint or demote an admin."""
    change = (await read_form(request)).read(RoleChange, "role")
    async with services.db.transaction(actor) as tx:
        person = await people.change_role(tx, actor, person_id, change.role)
    return go("/people", f"{person.name} is {'an admin' if person.role == 'admin' else 'a member'} now.")


@post("/people/{person_id:uuid}/remove")
async def remove_person(
    services: NamedDependency[Services], actor: NamedDependency[Actor], person_id: FromPath[UUID]
) -> Redirect:
    """Take somebody out of the organization."""
    async with services.db.transaction(actor) as tx:
        await deactivation.remove_person(tx, actor, person_id)
    return go("/people", "Removed.")


HANDLERS = [
    choose_organization,
    enter_organization,
    show_new_organization,
    make_organization,
    show_people,
    invite_somebody,
    withdraw_invitation,
    set_role,
    remove_person,
]
PAGES = page_router([*DOOR, *HANDLERS, *SETTINGS, *TOKENS, *APPS])
