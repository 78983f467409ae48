"""Knowledge: search over files, sources, the wiki, messages and tasks, by words and meaning together."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from crewhall.faces.sdk.resources import ConversationRef
from crewhall.faces.sdk.transport import Transport, join


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A passage, a message or a task that was found. `snippet` is safe HTML; `url` opens it where it stands.

    `original_url` is where a page of the web was read.
    """

    kind: str
    id: str
    title: str
    where: str
    url: str
    text: str
    snippet: str
    score: float
    created_at: datetime
    document_id: str | None = None
    media_type: str | None = None
    page: int | None = None
    original_url: str | None = None
    heading: list[str] = []
    conversation: ConversationRef | None = None
    author: str | None = None
    likeness: float | None = None
    lent_by: str | None = None


class LentPassage(msgspec.Struct, frozen=True, kw_only=True):
    """A passage that a borrowed agent cites of its lender's knowledge."""

    id: str
    title: str
    name: str
    heading: list[str]
    page: int | None = None
    content: str
    agent_id: str
    agent_name: str
    lender: str


class Findings(msgspec.Struct, frozen=True):
    """What was found, best first. Without `by_meaning` words alone were compared."""

    found: list[Finding]
    more: bool
    by_meaning: bool


class Knowledge:
    """What the signed-in actor may look up."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def lent_passage(self, chunk_id: str) -> LentPassage:
        """Give a passage that a borrowed agent cites, by the id that its answer's source has."""
        return await self._transport.call("GET", join("knowledge", "lent", chunk_id), LentPassage)

    async def search(
        self,
        question: str,
        *,
        kinds: Sequence[str] = (),
        conversation_id: str | None = None,
        agent_id: str | None = None,
        source_id: str | None = None,
        document_id: str | None = None,
        media_type: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Findings:
        """Find what fits a question best. `kinds` are some of message, file, source and wiki.

        `offset` and `limit` together are at most 50.
        """
        query = {
            "q": question, "kinds": ",".join(kinds) or None, "conversation": conversation_id, "agent": agent_id,
            "source": source_id, "document": document_id, "media_type": media_type,
            "since": since and since.isoformat(), "until": until and until.isoformat(),
            "limit": limit, "offset": offset,
        }  # fmt: skip
        return await self._transport.call("GET", "/knowledge/search", Findings, query=query)
