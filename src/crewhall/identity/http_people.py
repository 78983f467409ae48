"""The people of an organization and invitations to it, over HTTP."""

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.faces.plumbing.dependencies import address_of
from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity import deactivation, invitations, organizations, people
from crewhall.identity.errands import Errands
from crewhall.identity.http_auth import show_login, throttle_of
from crewhall.identity.schemas import Acceptance, Accepted, Person, RoleChange
from crewhall.identity.schemas_invitations import Invitation, NewInvitation, SentInvitation
from crewhall.identity.settings import IdentitySettings
from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.errors import FORBIDDEN
from crewhall.kernel.paging import Page

AnyRequest = Request[Any, Any, Any]
Search = Annotated[str | None, QueryParameter(max_length=200, description="Part of a name, handle or email.")]


@get("/", summary="List the organization's people")
async def list_people(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: Search = None,
    role: Annotated[Role | None, QueryParameter(description="Only who has this role.")] = None,
    status: Annotated[
        Literal["active", "deactivated"], QueryParameter(description="Those kept out are for owners and admins.")
    ] = "active",
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Person]:
    """By name, with their roles."""
    async with services.db.transaction(actor) as tx:
        listing = people.list_people if status == "active" else deactivation.list_deactivated
        return await listing(tx, actor, q=q, role=role, after=after, limit=limit)


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
    """For the owner."""
    async with services.db.transaction(actor) as tx:
        return await people.change_role(tx, actor, person_id, data.role)


@delete("/{person_id:uuid}", summary="Remove a person, or leave")
async def remove_person(
    services: NamedDependency[Services], actor: NamedDependency[Actor], person_id: FromPath[UUID]
) -> None:
    """For owners and admins, and for oneself; logins there end at once."""
    async with services.db.transaction(actor) as tx:
        await deactivation.remove_person(tx, actor, person_id)


@put(
    "/{person_id:uuid}/deactivation",
    summary="Deactivate a person",
    description="Their logins, tokens, apps and connections here end at once, their agents rest, and nothing is done "
    "in their name any more. What they wrote, their role and their conversations are kept for when they come back.",
)
async def deactivate_person(
    services: NamedDependency[Services], actor: NamedDependency[Actor], person_id: FromPath[UUID]
) -> Person:
    """For owners and admins; only the owner deactivates admins."""
    async with services.db.transaction(actor) as tx:
        return await deactivation.deactivate_member(tx, actor, person_id)


@delete("/{person_id:uuid}/deactivation", status_code=200, summary="Reactivate a person")
async def reactivate_person(
    services: NamedDependency[Services], actor: NamedDependency[Actor], person_id: FromPath[UUID]
) -> Person:
    """They come back to their role, their conversations and their agents, and sign in again."""
    async with services.db.transaction(actor) as tx:
        return await deactivation.reactivate_member(tx, actor, person_id)


PEOPLE = api_router(
    "/people",
    [list_people, show_person, change_role, remove_person, deactivate_person, reactivate_person],
    tags=["People"],
)


@get("/", summary="List open invitations")
async def list_invitations(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Invitation]:
    """Neither used up nor withdrawn, newest first, for owners and admins."""
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


@post(
    "/{invitation_id:uuid}/resend",
    status_code=200,
    summary="Send an invitation again",
    description="With a new link, which is in the answer, and a new end; the link before stops working.",
)
async def resend_invitation(
    services: NamedDependency[Services], actor: NamedDependency[Actor], invitation_id: FromPath[UUID]
) -> SentInvitation:
    """Mailed where the invitation names an email."""
    settings = services.settings_of(IdentitySettings)
    async with services.db.transaction(actor) as tx:
        sent = await invitations.resend_invitation(
            tx, actor, throttle_of(services), settings, invitation_id, base_url=services.base_url
        )
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
    "/invitations", [list_invitations, invite, resend_invitation, revoke_invitation], tags=["People"]
)
ACCEPTANCE = api_router("/invitations", [accept_invitation], tags=["People"], for_guests=True)
