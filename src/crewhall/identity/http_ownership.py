"""Handing an organization over, over HTTP."""

from uuid import UUID

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from crewhall.faces.plumbing.services import Services
from crewhall.identity import ownership
from crewhall.identity.errands import Errands
from crewhall.identity.organizations import enter_organization
from crewhall.identity.schemas import NewOwnershipOffer, Organization, OwnershipOffer
from crewhall.kernel.actor import Actor


@get("/{org_id:uuid}/ownership-offer", summary="Show to whom an organization is offered")
async def show_ownership_offer(
    services: NamedDependency[Services], person: NamedDependency[Actor], org_id: FromPath[UUID]
) -> OwnershipOffer:
    """For owners and admins, and whom it is offered to."""
    async with services.db.transaction(person) as tx:
        return await ownership.get_offer(tx, await enter_organization(tx, person, org_id))


@put(
    "/{org_id:uuid}/ownership-offer",
    summary="Offer an organization to somebody else",
    description="To one of its people, who is told by mail and becomes its owner by accepting within 7 days. An offer "
    "before is taken back.",
)
async def offer_ownership(
    services: NamedDependency[Services],
    person: NamedDependency[Actor],
    org_id: FromPath[UUID],
    data: JSONBody[NewOwnershipOffer],
) -> OwnershipOffer:
    """For its owner."""
    async with services.db.transaction(person) as tx:
        inside = await enter_organization(tx, person, org_id)
        offer = await ownership.offer_ownership(tx, inside, data.person_id)
        mail = await ownership.offer_mail(tx, inside, offer, services.base_url)
    services.part(Errands).run(services.mailer.send(mail), "mailing an offer of ownership")
    return offer


@delete("/{org_id:uuid}/ownership-offer", summary="Take an offer back, or decline it")
async def end_ownership_offer(
    services: NamedDependency[Services], person: NamedDependency[Actor], org_id: FromPath[UUID]
) -> None:
    """For the owner, and whom it is offered to."""
    async with services.db.transaction(person) as tx:
        await ownership.end_offer(tx, await enter_organization(tx, person, org_id))


@post("/{org_id:uuid}/ownership-offer/accept", status_code=200, summary="Become the owner of an organization")
async def accept_ownership(
    services: NamedDependency[Services], person: NamedDependency[Actor], org_id: FromPath[UUID]
) -> Organization:
    """For whom it is offered to. Who owned it becomes an admin."""
    async with services.db.transaction(person) as tx:
        return await ownership.accept_ownership(tx, await enter_organization(tx, person, org_id))


OWNERSHIP = [show_ownership_offer, offer_ownership, end_ownership_offer, accept_ownership]
