"""Search over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from crewhall.conversations.schemas import SearchHit
from crewhall.conversations.search import MAX_QUERY_LENGTH, MAX_SEARCH_LIMIT, search
from crewhall.conversations.search_filters import Filters, Holds
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page
from crewhall.ports.message_log import MessageKind

Query = Annotated[
    str,
    QueryParameter(
        max_length=MAX_QUERY_LENGTH,
        description=(
            'Words, "phrases", or, -not; the last word may be a beginning, accents may be left out. Narrowed by '
            "`from:ada`, `in:general` (`in:@ada`), `kind:question`, `has:file` (`image`, `link`), `before:`, `after:` "
            "and `on:` (2026-11-22, 2026-11, 2026, today, yesterday). May be left out beside another filter."
        ),
    ),
]
Author = Annotated[UUID | None, QueryParameter(description="Id of the person or agent who wrote.")]
Kind = Annotated[MessageKind | None, QueryParameter(description="What the message is for.")]
Has = Annotated[Holds | None, QueryParameter(description="What it holds beside its words.")]
Since = Annotated[datetime | None, QueryParameter(description="Written at this moment or later.")]
Until = Annotated[datetime | None, QueryParameter(description="Written before this moment.")]
Limit = Annotated[
    int | None, QueryParameter(ge=1, le=MAX_SEARCH_LIMIT, description="Most items on the page; 20 unless told.")
]


@get("/", summary="Search messages", description="Within the caller's reach, newest first.")
async def search_messages(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: Query = "",
    conversation: FromQuery[UUID | None] = None,
    author: Author = None,
    kind: Kind = None,
    has: Has = None,
    since: Since = None,
    until: Until = None,
    after: FromQuery[str | None] = None,
    limit: Limit = None,
) -> Page[SearchHit]:
    """Find messages, with what matched marked in a snippet of safe HTML."""
    filters = Filters(conversation_id=conversation, author_id=author, kind=kind, holds=has, since=since, until=until)
    async with services.db.transaction(actor) as tx:
        return await search(tx, actor, q, filters=filters, after=after, limit=limit)
