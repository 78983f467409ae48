"""Pages of the people of an organization: who belongs to it, who is invited, who owns it."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect

from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.identity import deactivation, invitations, ownership, people
from crewhall.identity.errands import Errands
from crewhall.identity.http_auth import throttle_of
from crewhall.identity.permissions import Permission, is_allowed
from crewhall.identity.schemas import NewOwnershipOffer, RoleChange
from crewhall.identity.schemas_invitations import Invitation, NewInvitation, SentInvitation
from crewhall.identity.settings import IdentitySettings
from crewhall.kernel.actor import Actor, Role
from crewhall.kernel.errors import CrewhallError
from crewhall.ports.mailer import Mail, MemoryMailer

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
SHOWN = 50
Status = Literal["active", "deactivated"]


class Asked:
    """Which people are asked for; `more` is the address of those after them."""

    def __init__(self, q: str | None = None, role: Role | None = None, status: Status = "active") -> None:
        self.q, self.role, self.status = (q or "").strip(), role, status

    def more(self, after: str | None) -> str | None:
        """Where the next ones are, if there are any."""
        given = {"q": self.q, "role": self.role or "", "status": self.status, "after": after or ""}
        return "/people?" + urlencode({name: value for name, value in given.items() if value}) if after else None


async def _people_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    *,
    asked: Asked | None = None,
    form: Form | None = None,
    status: int = 200,
    sent: SentInvitation | None = None,
    after: str | None = None,
    invited_after: str | None = None,
) -> Response[str]:
    asked = asked or Asked()
    may_invite = is_allowed(actor, Permission.MEMBERS_INVITE)
    waiting: list[Invitation] = []
    invited_next: str | None = None
    listing = people.list_people if asked.status == "active" else deactivation.list_deactivated
    async with services.db.transaction(actor) as tx:
        page = await listing(tx, actor, q=asked.q or None, role=asked.role, after=after, limit=SHOWN)
        if may_invite:
            invited = await invitations.list_invitations(tx, actor, after=invited_after, limit=SHOWN)
            waiting, invited_next = invited.items, invited.next
        offer = await ownership.find_offer(tx, actor)
    return await render_in_hall(
        "people.html",
        request,
        services,
        actor,
        status=status,
        people=page.items,
        more=asked.more(page.next),
        asked=asked,
        invitations=waiting,
        invited_next=invited_next,
        sent=sent,
        mail_is_sent=not isinstance(services.mailer, MemoryMailer),
        form=form or Form(),
        offer=offer,
        may_invite=may_invite,
        may_remove=is_allowed(actor, Permission.MEMBERS_REMOVE),
        may_change_roles=is_allowed(actor, Permission.MEMBERS_ROLE),
        may_transfer=is_allowed(actor, Permission.ORGANIZATION_TRANSFER),
    )


@get("/people")
async def show_people(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: Annotated[str | None, QueryParameter(max_length=200)] = None,
    role: FromQuery[str | None] = None,
    status: FromQuery[str | None] = None,
    after: FromQuery[str | None] = None,
    invited_after: FromQuery[str | None] = None,
) -> Page:
    """Who belongs to the organization, who is kept out, and who is invited."""
    chosen = Role(role) if role in set(Role) else None
    asked = Asked(q, chosen, "deactivated" if status == "deactivated" else "active")
    return await _people_page(request, services, actor, asked=asked, after=after, invited_after=invited_after)


@post("/people/invite")
async def invite_somebody(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """Make an invitation and show its link, once."""
    form = await read_form(request)
    settings = services.settings_of(IdentitySettings)
    try:
        new = form.read(NewInvitation, "email", "role", "max_uses", "expires_in_days")
        async with services.db.transaction(actor) as tx:
            sent = await invitations.invite(tx, actor, throttle_of(services), settings, new, base_url=services.base_url)
            mail = await invitations.invitation_mail(tx, actor, sent)
    except CrewhallError as error:
        form.refuse(error)
        return await _people_page(request, services, actor, form=form, status=error.kind.status)
    _send(services, mail)
    return await _people_page(request, services, actor, sent=sent, status=201)


@post("/people/invitations/{invitation_id:uuid}/resend")
async def resend_invitation(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    invitation_id: FromPath[UUID],
) -> Page:
    """Send an invitation again, and show its new link, once."""
    settings, throttle = services.settings_of(IdentitySettings), throttle_of(services)
    async with services.db.transaction(actor) as tx:
        sent = await invitations.resend_invitation(
            tx, actor, throttle, settings, invitation_id, base_url=services.base_url
        )
        mail = await invitations.invitation_mail(tx, actor, sent)
    _send(services, mail)
    return await _people_page(request, services, actor, sent=sent)


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


@post("/people/{person_id:uuid}/deactivate")
async def deactivate_person(
    services: NamedDependency[Services], actor: NamedDependency[Actor], person_id: FromPath[UUID]
) -> Redirect:
    """Keep somebody out, at once."""
    async with services.db.transaction(actor) as tx:
        person = await deactivation.deactivate_member(tx, actor, person_id)
    return go("/people?status=deactivated", f"{person.name} is deactivated.")


@post("/people/{person_id:uuid}/reactivate")
async def reactivate_person(
    services: NamedDependency[Services], actor: NamedDependency[Actor], person_id: FromPath[UUID]
) -> Redirect:
    """Let somebody back in."""
    async with services.db.transaction(actor) as tx:
        person = await deactivation.reactivate_member(tx, actor, person_id)
    return go("/people", f"{person.name} is back.")


@post("/people/{person_id:uuid}/remove")
async def remove_person(
    services: NamedDependency[Services], actor: NamedDependency[Actor], person_id: FromPath[UUID]
) -> Redirect:
    """Take somebody out of the organization."""
    async with services.db.transaction(actor) as tx:
        await deactivation.remove_person(tx, actor, person_id)
    return go("/people", "Removed.")


@post("/people/ownership/offer")
async def offer_ownership(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Redirect:
    """Offer the organization to somebody."""
    wanted = (await read_form(request)).read(NewOwnershipOffer, "person_id")
    async with services.db.transaction(actor) as tx:
        offer = await ownership.offer_ownership(tx, actor, wanted.person_id)
        mail = await ownership.offer_mail(tx, actor, offer, services.base_url)
    _send(services, mail)
    return go("/people", f"{offer.person_name} is asked whether they take it.")


@post("/people/ownership/accept")
async def accept_ownership(services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Redirect:
    """Become the owner."""
    async with services.db.transaction(actor) as tx:
        organization = await ownership.accept_ownership(tx, actor)
    return go("/people", f"You own {organization.name} now.")


@post("/people/ownership/end")
async def end_offer(services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Redirect:
    """Take the offer back, or decline it."""
    async with services.db.transaction(actor) as tx:
        await ownership.end_offer(tx, actor)
    return go("/people", "The offer is off.")


def _send(services: Services, mail: Mail | None) -> None:
    if mail:
        services.part(Errands).run(services.mailer.send(mail), "mailing somebody about the organization")


PEOPLE = [
    show_people,
    invite_somebody,
    resend_invitation,
    withdraw_invitation,
    set_role,
    deactivate_person,
    reactivate_person,
    remove_person,
    offer_ownership,
    accept_ownership,
    end_offer,
]
