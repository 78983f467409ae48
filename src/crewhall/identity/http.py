"""The person, their organizations and the people in them, over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.faces.plumbing.dependencies import signed_in
from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity import invitations, logins, organizations, people
from crewhall.identity.accounts import update_profile
from crewhall.identity.errands import Errands
from crewhall.identity.http_auth import AUTH, address_of, show_login, throttle_of
from crewhall.identity.me import get_me
from crewhall.identity.permissions import Permission, check_permission
from crewhall.identity.schemas import (
    Acceptance,
    Accepted,
    Invitation,
    Login,
    Me,
    NewInvitation,
    NewOrganization,
    Organization,
    OrganizationChange,
    Person,
    Profile,
    ProfileChange,
    RoleChange,
    SentInvitation,
)
from crewhall.identity.settings import IdentitySettings
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.errors import FORBIDDEN
from crewhall.kernel.paging import Page

AnyRequest = Request[Any, Any, Any]
Search = Annotated[str | None, QueryParameter(max_length=200, description="Part of a name, handle or email.")]


@get("/", summary="Who am I")
async def show_me(services: NamedDependency[Services], guest: NamedDependency[Actor | None]) -> Me:
    """The person or agent behind the token, with its organization and role."""
    actor = signed_in(guest)
    async with services.db.transaction(actor) as tx:
        return await get_me(tx, actor)


@patch("/", summary="Change the own account")
async def change_me(
    services: NamedDependency[Services], person: NamedDependency[Actor], data: JSONBody[ProfileChange]
) -> Profile:
    """Name, handle, picture, language, timezone."""
    async with services.db.transaction(person) as tx:
        return await update_profile(tx, person, data)


@get("/logins", summary="List the own logins")
async def list_own_logins(
    services: NamedDependency[Services],
    person: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Login]:
    """Browsers and clients that are signed in, newest first."""
    async with services.db.transaction(person) as tx:
        return await logins.list_logins(tx, person, after=after, limit=limit)


@delete("/logins/{login_id:uuid}", summary="End one of the own logins")
async def end_own_login(
    services: NamedDependency[Services], person: NamedDependency[Actor], login_id: FromPath[UUID]
) -> None:
    """Its tokens stop working at once."""
    async with services.db.transaction(person) as tx:
        await logins.end_login(tx, person, login_id)


ME = api_router("/me", [show_me, change_me, list_own_logins, end_own_login], tags=["Me"])


@get("/", summary="List the own organizations")
async def list_own_organizations(
    services: NamedDependency[Services],
    guest: NamedDependency[Actor | None],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Organization]:
    """By name, with the own role in each."""
    async with services.db.transaction(signed_in(guest)) as tx:
        return await organizations.list_organizations(tx, after=after, limit=limit)


@post("/", summary="Make an organization")
async def create_organization(
    services: NamedDependency[Services], person: NamedDependency[Actor], data: JSONBody[NewOrganization]
) -> Organization:
    """Whoever makes it owns it."""
    throttle_of(services).check_organization(person.id)
    founder = organizations.founder_of_new(person)
    async with services.db.transaction(founder) as tx:
        return await organizations.create_organization(tx, founder, data)


@get("/{org_id:uuid}", summary="Show an organization")
async def show_organization(
    services: NamedDependency[Services], guest: NamedDependency[Actor | None], org_id: FromPath[UUID]
) -> Organization:
    """One of the own organizations."""
    actor = signed_in(guest)
    async with services.db.transaction(actor) as tx:
        await organizations.enter_organization(tx, actor, org_id)
        return await organizations.get_organization(tx, org_id)


@patch("/{org_id:uuid}", summary="Change an organization")
async def change_organization(
    services: NamedDependency[Services],
    person: NamedDependency[Actor],
    org_id: FromPath[UUID],
    data: JSONBody[OrganizationChange],
) -> Organization:
    """For owners and admins."""
    async with services.db.transaction(person) as tx:
        inside = await organizations.enter_organization(tx, person, org_id)
        return await organizations.update_organization(tx, inside, data)


@delete("/{org_id:uuid}", summary="Delete an organization")
async def delete_organization(
    services: NamedDependency[Services],
    person: NamedDependency[Actor],
    org_id: FromPath[UUID],
    confirm: FromQuery[str | None] = None,
) -> None:
    """For its owner, who types its slug as `confirm`; refused while it has agents."""
    async with services.db.transaction(person) as tx:
        inside = await organizations.enter_organization(tx, person, org_id)
        await organizations.delete_organization(tx, inside, confirm=confirm)


@post("/{org_id:uuid}/switch", status_code=200, summary="Make an organization the current one")
async def switch_organization(
    services: NamedDependency[Services], person: NamedDependency[Actor], org_id: FromPath[UUID]
) -> Organization:
    """For the login that asks; `X-Crewhall-Org` overrides it for one request."""
    async with services.db.transaction(person) as tx:
        await logins.switch_organization(tx, person, org_id)
        return await organizations.get_organization(tx, org_id)


ORGANIZATIONS = api_router(
    "/organizations",
    [
        list_own_organizations,
        create_organization,
        show_organization,
        change_organization,
        delete_organization,
        switch_organization,
    ],
    tags=["Organizations"],
)


@get("/", summary="List the organization's people")
async def list_people(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: Search = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Person]:
    """By name, with their roles."""
    async with services.db.transaction(actor) as tx:
        return await people.list_people(tx, actor, q=q, after=after, limit=limit)


@get("/{person_id:uuid}", summary="Show a person")
async def show_person(
    services: NamedDependency[Services], actor: NamedDependency[Actor], person_id: FromPath[UUID]
) -> Person:
    """A member of the organization."""
    async with services.db.transaction(actor) as tx:
        return await people.get_person(tx, actor, person_id)


@patch("/{person_id:uuid}", summary="Change a person's role")
async def change_role(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    person_id: FromPath[UUID],
    data: JSONBody[RoleChange],
) -> Person:
    """For the owner; the role `owner` hands the organization over."""
    async with services.db.transaction(actor) as tx:
        return await people.change_role(tx, actor, person_id, data.role)


@delete("/{person_id:uuid}", summary="Remove a person, or leave")
async def remove_person(
    services: NamedDependency[Services], actor: NamedDependency[Actor], person_id: FromPath[UUID]
) -> None:
    """For owners and admins, and for oneself; logins there end at once."""
    async with services.db.transaction(actor) as tx:
        await people.remove_member(tx, actor, person_id)


PEOPLE = api_router("/people", [list_people, show_person, change_role, remove_person], tags=["People"])


@get("/", summary="List open invitations")
async def list_invitations(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Invitation]:
    """Newest first, for owners and admins."""
    async with services.db.transaction(actor) as tx:
        return await invitations.list_invitations(tx, actor, after=after, limit=limit)


@post("/", summary="Invite somebody")
async def invite(
    services: NamedDependency[Services], actor: NamedDependency[Actor], data: JSONBody[NewInvitation]
) -> SentInvitation:
    """The link is in the answer, once, and is mailed where an email is given. Only the owner invites admins."""
    settings = services.settings_of(IdentitySettings)
    async with services.db.transaction(actor) as tx:
        sent = await invitations.invite(tx, actor, throttle_of(services), settings, data, base_url=services.base_url)
        mail = await invitations.invitation_mail(tx, actor, sent)
    if mail:
        services.part(Errands).run(services.mailer.send(mail), "mailing an invitation")
    return sent


@delete("/{invitation_id:uuid}", summary="Withdraw an invitation")
async def revoke_invitation(
    services: NamedDependency[Services], actor: NamedDependency[Actor], invitation_id: FromPath[UUID]
) -> None:
    """Its link stops working."""
    async with services.db.transaction(actor) as tx:
        await invitations.revoke_invitation(tx, actor, invitation_id)


@post("/accept", summary="Accept an invitation")
async def accept_invitation(
    services: NamedDependency[Services],
    request: AnyRequest,
    guest: NamedDependency[Actor | None],
    data: JSONBody[Acceptance],
) -> Accepted:
    """Signed in: with the own account. Otherwise with a new account, which is signed in."""
    if guest is None:
        started = await invitations.accept_as_newcomer(
            services.db,
            throttle_of(services),
            services.settings_of(IdentitySettings),
            data,
            kind="token",
            address=address_of(request),
            user_agent=request.headers.get("user-agent"),
        )
        joined, login = started.actor, await show_login(services, started)
    elif guest.type is not ActorType.USER:
        raise FORBIDDEN("Only people accept invitations.")
    else:
        joined, login = await invitations.accept_as_person(services.db, guest, data.token), None
    async with services.db.transaction(joined) as tx:
        organization = await organizations.get_organization(tx, joined.org)
    if joined.role is None:
        raise LookupError("a member has a role")
    return Accepted(organization, joined.role, login)


INVITATIONS = api_router(
    "/invitations", [list_invitations, invite, revoke_invitation, accept_invitation], tags=["People"]
)


@get("/", summary="Read the audit log")
async def read_audit(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
    action: Annotated[str | None, QueryParameter(max_length=100, description="Only this action.")] = None,
) -> Page[audit.AuditEntry]:
    """Every administrative act, newest first, for owners and admins."""
    check_permission(actor, Permission.AUDIT_READ)
    async with services.db.transaction(actor) as tx:
        return await audit.list_audit(tx, after=after, limit=limit, action=action)


AUDIT = api_router("/audit", [read_audit], tags=["Organizations"])

ROUTERS = [AUTH, ME, ORGANIZATIONS, PEOPLE, INVITATIONS, AUDIT]
