"""Topics of agents: one where an agent finds what is for it, one from which it is heard, one for what was refused.

Only agents and Crewhall have to do with them; conversations live elsewhere. A record that was given to `send` is there
when that returns; one that was heard is heard again until it was taken.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from crewhall.kernel.errors import define_error

NO_KAFKA = define_error("no_kafka", 409, "This installation knows no Kafka")


class TopicNames(msgspec.Struct, frozen=True):
    """What the topics of an agent are called, what all of them begin with, and the group that its consumers form."""

    prefix: str
    inbox: str
    outbox: str
    refused: str
    group: str


class SentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record for a topic."""

    topic: str
    key: bytes
    value: bytes
    headers: Mapping[str, str]


class HeardRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record from the outbox of the agent whose topics are called `topics_id`."""

    topics_id: UUID
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]


Take = Callable[[HeardRecord], Awaitable[None]]
"""Takes one record; what it raises makes the record be heard again."""


class AgentTopics(Protocol):
    """Topics, wherever they are kept."""

    bootstrap: str
    """Where agents find them; empty where there are none."""

    def names(self, topics_id: UUID) -> TopicNames:
        """What these topics are called."""
        ...

    async def make(self, names: TopicNames) -> None:
        """Make the topics, those of them that are not there. Raises an error of status 503."""
        ...

    async def remove(self, names: TopicNames) -> None:
        """Delete the topics with what is in them, those of them that are there. Raises an error of status 503."""
        ...

    async def send(self, records: Sequence[SentRecord]) -> None:
        """Send records, in order; returns when all of them are durable. Raises an error of status 503."""
        ...

    def hear(self, topics: Collection[UUID], take: Take) -> None:
        """Hear the outboxes of these agents from now on, and no others: each record, in order within its partition.

        Several processes that hear the same share them.
        """
        ...

    async def close(self) -> None:
        """Stop hearing and sending."""
        ...
