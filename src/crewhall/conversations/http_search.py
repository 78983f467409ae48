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
            "`from:ada`, `in:general` (`in:@ada`), `kind:question`, `has:file` (`image`, `link`), each several times "
            "for any of them and with a minus for none (`-from:bot`), `before:`, `after:`, `on:` (2026-11-22, 2026-11, "
            "2026, today, yesterday). May be left out beside another filter."
        ),
    ),
]
MOST = 20
"""So many values one filter takes."""
Where = Annotated[
    list[UUID] | None, QueryParameter(max_items=MOST, description="Id of the conversation; several: any of them.")
]
Author = Annotated[
    list[UUID] | None,
    QueryParameter(max_items=MOST, description="Id of the person or agent who wrote; several: any of them."),
]
Kind = Annotated[
    list[MessageKind] | None,
    QueryParameter(max_items=MOST, description="What the message is for; several: any of them."),
]
Has = Annotated[
    list[Holds] | None,
    QueryParameter(max_items=MOST, description="What it holds beside its words; several: any of them."),
]
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
    conversation: Where = None,
    author: Author = None,
    kind: Kind = None,
    has: Has = None,
    since: Since = None,
    until: Until = None,
    after: FromQuery[str | None] = None,
    limit: Limit = None,
) -> Page[SearchHit]:
    """Find messages, with what matched marked in a snippet of safe HTML."""
    filters = Filters(
        places=tuple(dict.fromkeys(conversation or ())),
        authors=tuple(dict.fromkeys(author or ())),
        kinds=tuple(dict.fromkeys(kind or ())),
        holds=tuple(dict.fromkeys(has or ())),
        since=since,
        until=until,
    )
    async with services.db.transaction(actor) as tx:
        return await search(tx, actor, q, filters=filters, after=after, limit=limit)
