"""Handing an organization over: its owner offers it to one of its people, who becomes the owner by accepting."""

from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from crewhall.identity.organizations import get_organization
from crewhall.identity.people import get_person, lock_member, set_role
from crewhall.identity.permissions import Permission, check_permission, is_allowed
from crewhall.identity.schemas import Organization, OwnershipOffer
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, NOT_FOUND
from crewhall.kernel.links import path_into
from crewhall.ports.mailer import Mail

OFFER_DAYS = 7
"""So long an offer stands."""
_OPEN: LiteralString = """
select f.person_id, u.name as person_name, f.offered_by, w.name as offered_by_name, f.created_at, f.expires_at
from ownership_offers f
join memberships m on m.org_id = f.org_id and m.user_id = f.person_id
join users u on u.id = f.person_id and u.deleted_at is null
join users w on w.id = f.offered_by
join memberships o on o.org_id = f.org_id and o.user_id = f.offered_by and o.role = 'owner'
where f.org_id = %(org)s and f.expires_at > now()
"""


async def find_offer(tx: Tx, actor: Actor) -> OwnershipOffer | None:
    """Return the open offer of the actor's organization, for who made it, who may accept it, and the admins."""
    found = await tx.find(OwnershipOffer, _OPEN, {"org": actor.org})
    if found is None or (actor.id != found.person_id and not is_allowed(actor, Permission.SETTINGS_READ)):
        return None
    return found


async def get_offer(tx: Tx, actor: Actor) -> OwnershipOffer:
    """Return the open offer as `find_offer` does, or raise NOT_FOUND."""
    found = await find_offer(tx, actor)
    if found is None:
        raise NOT_FOUND("The organization is not offered to anybody.")
    return found


async def offer_ownership(tx: Tx, actor: Actor, person_id: UUID) -> OwnershipOffer:
    """Offer the organization to one of its people, in the place of an offer before.

    Raises FORBIDDEN, NOT_FOUND, CONFLICT.
    """
    check_permission(actor, Permission.ORGANIZATION_TRANSFER)
    _check_signed_in(actor)
    person = await lock_member(tx, actor, person_id)
    if person.role is Role.OWNER:
        raise CONFLICT("You own the organization already.", field="person_id")
    await tx.run(
        """
        insert into ownership_offers (org_id, person_id, offered_by, expires_at)
        values (%(org)s, %(person)s, %(by)s, %(until)s)
        on conflict (org_id) do update
        set person_id = excluded.person_id, offered_by = excluded.offered_by, created_at = now(),
            expires_at = excluded.expires_at
        """,
        {
            "org": actor.org,
            "person": person_id,
            "by": actor.id,
            "until": utc_now() + timedelta(days=OFFER_DAYS),
        },
    )
    details = {"member_id": str(person_id)}
    await audit.record(tx, actor, "ownership.offered", "organization", actor.org, details)
    return await get_offer(tx, actor)


async def offer_mail(tx: Tx, actor: Actor, offer: OwnershipOffer, base_url: str) -> Mail:
    """The mail that tells of the offer; send it after the commit."""
    organization, person = await get_organization(tx, actor.org), await get_person(tx, actor, offer.person_id)
    there = base_url + path_into(actor.org, "/people")
    body = (
        f"{actor.name} offers you {organization.name} on Crewhall: when you accept, you are its owner, and they become "
        f"an admin.\n\nAccept or decline until {offer.expires_at:%d %B %Y}:\n{there}\n"
    )
    return Mail(person.email, f"Own {organization.name} on Crewhall?", body, actor.org)


async def end_offer(tx: Tx, actor: Actor) -> None:
    """Take the offer back (its owner) or decline it (who it is made to). Raises NOT_FOUND, FORBIDDEN."""
    offer = await get_offer(tx, actor)
    declined = actor.id == offer.person_id
    if not declined:
        check_permission(actor, Permission.ORGANIZATION_TRANSFER)
    await _forget(tx, actor)
    action = "ownership.declined" if declined else "ownership.withdrawn"
    details = {"member_id": str(offer.person_id)}
    await audit.record(tx, actor, action, "organization", actor.org, details)


async def accept_ownership(tx: Tx, actor: Actor) -> Organization:
    """Become the owner; who was it becomes an admin, in the same moment. For whom it is offered to, signed in.

    Raises NOT_FOUND for everybody else, and once it was taken back or is too old.
    """
    _check_signed_in(actor)
    await lock_member(tx, actor, actor.id)
    offer = await tx.find(OwnershipOffer, _OPEN, {"org": actor.org})
    if offer is None or offer.person_id != actor.id or actor.role is None:
        raise NOT_FOUND("The organization is not offered to you, or not any more.")
    await set_role(tx, actor, offer.offered_by, Role.OWNER, Role.ADMIN)
    await set_role(tx, actor, actor.id, actor.role, Role.OWNER)
    await _forget(tx, actor)
    details = {"member_id": str(offer.offered_by)}
    await audit.record(tx, actor, "ownership.transferred", "organization", actor.org, details)
    return await get_organization(tx, actor.org)


async def _forget(tx: Tx, actor: Actor) -> None:
    await tx.run("delete from ownership_offers where org_id = %(org)s", {"org": actor.org})


def _check_signed_in(actor: Actor) -> None:
    if actor.type is not ActorType.USER or actor.is_bound:
        raise FORBIDDEN("A person does this who is signed in, not a program with a token of theirs.")
