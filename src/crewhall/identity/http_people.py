"""The people of an organization and invitations to it, over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity import invitations, organizations, people
from crewhall.identity.errands import Errands
from crewhall.identity.http_auth import address_of, show_login, throttle_of
from crewhall.identity.schemas import (
    Acceptance,
    Accepted,
    Invitation,
    NewInvitation,
    Person,
    RoleChange,
    SentInvitation,
)
from crewhall.identity.settings import IdentitySettings
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.errors import FORBIDDEN
from crewhall.kernel.paging import Page

AnyRequest = Request[Any, Any, Any]
Search = Annotated[str | None, QueryParameter(max_length=200, description="Part of a name, handle or email.")]


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


INVITATIONS = api_router("/invitations", [list_invitations, invite, revoke_invitation], tags=["People"])
ACCEPTANCE = api_router("/invitations", [accept_invitation], tags=["People"], for_guests=True)
