"""Passages that are lent with an agent, over HTTP."""

from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.knowledge.lent import access_lent_passage
from crewhall.knowledge.schemas_search import LentPassage


@get(
    "/lent/{chunk_id:uuid}",
    summary="Show a passage that is lent",
    description=(
        "What a borrowed agent cites of its lender's knowledge: for who reads an answer that cites it, while the grant "
        "lends knowledge. Nothing else of the lender's is shown."
    ),
)
async def get_lent_passage(
    chunk_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> LentPassage:
    """Show a passage that is lent."""
    async with services.db.transaction(actor) as tx:
        return await access_lent_passage(tx, actor, chunk_id)


ROUTERS = [api_router("/knowledge", [get_lent_passage], tags=["Knowledge"])]
