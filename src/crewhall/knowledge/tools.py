"""What agents, and whoever comes through MCP, can do with knowledge: search it. The same as over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.kernel.tools import Caller, Risk, Tool, described
from crewhall.knowledge.schemas_search import MAX_QUESTION_LENGTH, FindingKind, Searched
from crewhall.knowledge.search import KnowledgeSearch
from crewhall.knowledge.tools_wiki import TOOLS as WIKI

MOST = 20


class SearchKnowledge(Struct, forbid_unknown_fields=True, kw_only=True):
    """Search files, sources, the wiki, messages and tasks that you may read, by words and meaning; best first.

    Cite what you use: by `cite_as`, behind each sentence that rests on it, or by its link where there is none.
    """

    query: Annotated[
        str,
        Meta(min_length=1, max_length=MAX_QUESTION_LENGTH, description="A question, or words; quotes for a phrase."),
    ]
    kinds: Annotated[list[FindingKind], Meta(max_length=5, description="Only these; all where there are none.")] = []
    conversation_id: Annotated[UUID, Meta(description="Only what stands in this conversation.")] | None = None
    document_id: Annotated[UUID, Meta(description="Only this document.")] | None = None
    since: Annotated[datetime, Meta(tz=True, description="Nothing older.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST, description="How many at most.")] = 6


class ShownPassage(Struct, kw_only=True, omit_defaults=True):
    """A passage, a message or a task. `id` is the chunk's, the message's or the task's; `link` opens it.

    `original_url` is where a page of the web was read. `cite_as` is what an answer cites it by, in a turn.
    """

    id: UUID
    kind: FindingKind
    title: str
    where: str
    link: str
    text: str
    document_id: UUID | None = None
    page: int | None = None
    original_url: str | None = None
    cite_as: str | None = None


class Passages(Struct):
    """What was found, best first. Without `by_meaning` words alone were compared: try others."""

    passages: list[ShownPassage]
    by_meaning: bool


async def search_knowledge(caller: Caller, asked: SearchKnowledge) -> Passages:
    """What is found, with where it stands."""
    searched = Searched(
        kinds=tuple(asked.kinds), conversation_id=asked.conversation_id, document_id=asked.document_id,
        since=asked.since,
    )  # fmt: skip
    found = await caller.parts.part(KnowledgeSearch).search(caller.actor, asked.query, searched, limit=asked.limit)
    passages = [
        ShownPassage(
            id=one.id,
            kind=one.kind,
            title=one.title,
            where=one.where,
            link=caller.link_to(one.url),
            text=one.text,
            document_id=one.document_id,
            page=one.page,
            original_url=one.original_url,
        )
        for one in found.found
    ]
    return Passages(passages, found.by_meaning)


TOOLS = (
    Tool(
        "search_knowledge", described(SearchKnowledge), SearchKnowledge, search_knowledge,
        is_repeatable=True, gives=Passages, title="Search everything", risk=Risk.READ,
    ),
    *WIKI,
)  # fmt: skip
