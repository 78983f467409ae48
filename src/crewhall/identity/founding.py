"""Who may make organizations, and making one. Each shares what the operator pays for: models, keys, private hosts."""

from crewhall.identity.events import OrganizationFounded
from crewhall.identity.organizations import create_organization, founder_of_new
from crewhall.identity.schemas import NewOrganization, Organization
from crewhall.identity.settings import Founders, IdentitySettings
from crewhall.identity.throttle import Throttle
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import FORBIDDEN
from crewhall.kernel.events import publish


async def may_found(tx: Tx, settings: IdentitySettings) -> bool:
    """Whether the transaction's person may make an organization; who deleted the one they owned still may."""
    if settings.founders is Founders.EVERYONE:
        return True
    owned = "select exists (select from memberships where user_id = current_actor() and role = 'owner')"
    return bool(await tx.value(owned))


async def check_founder(tx: Tx, settings: IdentitySettings) -> None:
    """Refuse a person who may not make organizations. Raises FORBIDDEN."""
    if not await may_found(tx, settings):
        raise FORBIDDEN(
            "Only who owns an organization here makes further ones. Ask an owner to make it, or whoever runs this "
            "server to set CREWHALL_FOUNDERS=everyone."
        )


async def found_organization(
    db: Database, throttle: Throttle, settings: IdentitySettings, person: Actor, new: NewOrganization
) -> Organization:
    """Make an organization that the person owns. Raises FORBIDDEN, TOO_MANY_REQUESTS, INVALID, CONFLICT (the slug)."""
    async with db.transaction(person) as tx:
        await check_founder(tx, settings)
    throttle.check_organization(person.id)
    founder = founder_of_new(person)
    async with db.transaction(founder) as tx:
        made = await create_organization(tx, founder, new)
        await publish(tx, founder, OrganizationFounded(made.id))
        return made
