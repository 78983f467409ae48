"""What a search in knowledge takes and gives."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.conversations import ConversationRef

MAX_QUESTION_LENGTH = 1000
MOST_FOUND = 50
DEFAULT_FOUND = 10


class FindingKind(StrEnum):
    """Where something was found."""

    MESSAGE = "message"
    FILE = "file"
    SOURCE = "source"
    WIKI = "wiki"
    TASK = "task"


_OTHERS = (FindingKind.MESSAGE, FindingKind.TASK)
"""What stands in no document."""


class Searched(Struct, frozen=True, kw_only=True):
    """What a search goes through: everything within reach, unless something narrows it. `until` is too late itself."""

    kinds: tuple[FindingKind, ...] = ()
    conversation_id: UUID | None = None
    agent_id: UUID | None = None
    source_id: UUID | None = None
    document_id: UUID | None = None
    media_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def wants_messages(self) -> bool:
        """Whether messages are searched: not where something is asked for that they have not."""
        return self._wants(FindingKind.MESSAGE)

    @property
    def wants_tasks(self) -> bool:
        """Whether tasks are searched: they stand in no conversation, either."""
        return self._wants(FindingKind.TASK) and self.conversation_id is None

    @property
    def wants_documents(self) -> bool:
        """Whether documents are searched."""
        return not self.kinds or any(one not in _OTHERS for one in self.kinds)

    @property
    def origins(self) -> list[str] | None:
        """The kinds of documents that are searched; None: all."""
        return [str(one) for one in self.kinds if one not in _OTHERS] if self.kinds else None

    def _wants(self, kind: FindingKind) -> bool:
        is_theirs = not self.kinds or kind in self.kinds
        return is_theirs and not (self.agent_id or self.source_id or self.document_id or self.media_type)


class Finding(Struct, kw_only=True):
    """A passage, a message or a task that was found.

    `id` is the chunk's, which answers cite, the message's or the task's. `where` says in words where it stands, `url`
    where it opens.
    """

    kind: FindingKind
    id: UUID
    title: str
    where: str
    url: str
    text: Annotated[str, Meta(description="The whole passage, in Markdown.")]
    snippet: Annotated[str, Meta(description="Safe HTML: what stands around the words that match, these in `<mark>`.")]
    score: Annotated[float, Meta(description="Better is more, within one answer.")]
    created_at: datetime
    document_id: UUID | None = None
    media_type: str | None = None
    page: int | None = None
    original_url: Annotated[
        str | None, Meta(description="Of a page of the web that a source has read: its address.")
    ] = None
    heading: list[str] = []
    conversation: ConversationRef | None = None
    author: Annotated[str | None, Meta(description="Who wrote it, of a message.")] = None
    likeness: Annotated[
        float | None, Meta(description="The cosine of its meaning and the question's, where it was near.")
    ] = None
    words: Annotated[float | None, Meta(description="Of a passage: the share of the question's words in it.")] = None
    lent_by: Annotated[
        str | None, Meta(description="Of a passage that is lent with a borrowed agent: the organization that lends it.")
    ] = None


class Findings(Struct):
    """What was found, best first.

    `by_meaning`: whether meanings were compared, too, of all that is compared so (tasks are not); where the embedding
    model cannot be asked, words alone are.
    """

    found: list[Finding]
    more: Annotated[bool, Meta(description="Whether there is more, up to 50 in all: ask with `offset`.")]
    by_meaning: bool


class LentPassage(Struct, kw_only=True):
    """A passage of another organization's that an agent, lent with its knowledge, cites.

    `name` is that of what it stands in.
    """

    id: UUID
    title: str
    name: str
    heading: list[str]
    page: int | None
    content: Annotated[str, Meta(description="The whole passage, in Markdown.")]
    agent_id: Annotated[UUID, Meta(description="The agent that stands in for the one that is lent.")]
    agent_name: str
    lender: Annotated[str, Meta(description="The organization that lends the agent.")]
