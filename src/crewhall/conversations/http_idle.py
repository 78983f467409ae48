"""What an organization settles about idle groups, over HTTP."""

from litestar import get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from crewhall.conversations import idle_policy
from crewhall.conversations.schemas_idle import IdlePolicy
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor


@get(
    "/",
    summary="Show when groups archive themselves",
    description="A group in which nobody wrote for `idle_after_hours` is idle; `archive_after_days` later it archives "
    "itself, unless somebody writes or it `stays_open`. Null: never.",
)
async def get_idle_policy(services: NamedDependency[Services], actor: NamedDependency[Actor]) -> IdlePolicy:
    """Show what the organization has settled about idle groups."""
    async with services.db.transaction(actor) as tx:
        return await idle_policy.get_idle_policy(tx, actor)


@put(
    "/",
    summary="Settle when groups archive themselves",
    description="Owners and admins may. What is left out is as at first.",
)
async def set_idle_policy(
    data: JSONBody[IdlePolicy], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> IdlePolicy:
    """Settle what holds for every group of the organization."""
    async with services.db.transaction(actor) as tx:
        return await idle_policy.set_idle_policy(tx, actor, data)


HANDLERS = [get_idle_policy, set_idle_policy]
