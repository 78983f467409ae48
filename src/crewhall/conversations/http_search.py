"""Search over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from crewhall.conversations.schemas import SearchHit
from crewhall.conversations.search import MAX_QUERY_LENGTH, MAX_SEARCH_LIMIT, search
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page

Query = Annotated[
    str,
    QueryParameter(
        min_length=1,
        max_length=MAX_QUERY_LENGTH,
        description='Words, "phrases", or, -not. The last word may be a beginning; accents may be left out.',
    ),
]

Limit = Annotated[
    int | None, QueryParameter(ge=1, le=MAX_SEARCH_LIMIT, description="Most items on the page; 20 unless told.")
]


@get("/", summary="Search messages", description="Within the caller's reach, newest first.")
async def search_messages(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: Query,
    conversation: FromQuery[UUID | None] = None,
    after: FromQuery[str | None] = None,
    limit: Limit = None,
) -> Page[SearchHit]:
    """Find messages, with what matched marked in a snippet of safe HTML."""
    async with services.db.transaction(actor) as tx:
        return await search(tx, actor, q, conversation_id=conversation, after=after, limit=limit)
