"""Search in knowledge over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import INVALID
from crewhall.knowledge.schemas_search import (
    DEFAULT_FOUND,
    MAX_QUESTION_LENGTH,
    MOST_FOUND,
    FindingKind,
    Findings,
    Searched,
)
from crewhall.knowledge.search import KnowledgeSearch

Query = Annotated[
    str,
    QueryParameter(
        min_length=1,
        max_length=MAX_QUESTION_LENGTH,
        description='A question or words; "phrases", or, -not. `in:general`, `before:`, `after:` and `on:` narrow it; '
        "`from:`, `has:` and kinds of messages leave messages alone, `kind:task` tasks, `kind:wiki` the wiki.",
    ),
]
Kinds = Annotated[
    str | None, QueryParameter(description="Only these, separated by commas: message, file, source, wiki, task.")
]
Agent = Annotated[UUID | None, QueryParameter(description="Only the sources of this agent.")]
Source = Annotated[UUID | None, QueryParameter(description="Only this source.")]
Document = Annotated[UUID | None, QueryParameter(description="Only this document.")]
MediaType = Annotated[str | None, QueryParameter(max_length=255, description="Only documents of this media type.")]
Since = Annotated[datetime | None, QueryParameter(description="Written, or brought, at this moment or later.")]
Until = Annotated[datetime | None, QueryParameter(description="Before this moment.")]
Limit = Annotated[int, QueryParameter(ge=1, le=MOST_FOUND, description="How many at most.")]
Offset = Annotated[int, QueryParameter(ge=0, lt=MOST_FOUND, description="Leave out so many of the best.")]


@get(
    "/search",
    summary="Search everything",
    description=(
        "Passages of files, sources and the wiki, and messages, by words and by meaning together, and tasks, by words: "
        f"best first, within the caller's reach. `offset` and `limit` together are at most {MOST_FOUND}: no cursor."
    ),
)
async def search_knowledge(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: Query,
    kinds: Kinds = None,
    conversation: FromQuery[UUID | None] = None,
    agent: Agent = None,
    source: Source = None,
    document: Document = None,
    media_type: MediaType = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = DEFAULT_FOUND,
    offset: Offset = 0,
) -> Findings:
    """Find what fits best."""
    searched = Searched(
        kinds=kinds_of(kinds), conversation_id=conversation, agent_id=agent, source_id=source, document_id=document,
        media_type=media_type, since=since, until=until,
    )  # fmt: skip
    return await services.part(KnowledgeSearch).search(actor, q, searched, limit=limit, offset=offset)


def kinds_of(named: str | None) -> tuple[FindingKind, ...]:
    """The kinds that are named; raises INVALID."""
    try:
        return tuple(FindingKind(one.strip()) for one in (named or "").split(",") if one.strip())
    except ValueError as error:
        raise INVALID(f"kinds are some of {', '.join(FindingKind)}, separated by commas.", field="kinds") from error


ROUTERS = [api_router("/knowledge", [search_knowledge], tags=["Knowledge"])]
