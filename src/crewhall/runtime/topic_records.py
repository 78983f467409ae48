"""Records of agents' topics: JSON, one struct each, in version 1 of their schema (docs/kafka-agents.md).

Fields are added within a version, never renamed or taken away; readers pass over fields that they do not know. What an
agent sends is read strictly: a field that is not known is refused, since it was meant to do something.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from crewhall.conversations import Message, PostMessage

VERSION = "1"
VERSION_HEADER = "crewhall-version"


class InboxRecord(msgspec.Struct, kw_only=True):
    """What an agent is given: a message that is for it, and why. `id` is the same however often it comes.

    `message` is as it was read for the agent: without text if it was deleted meanwhile. An answer bears the client id
    `answer:` and the message's id: so each message is answered once, whatever breaks.
    """

    id: UUID
    seq: int
    org_id: UUID
    agent_id: UUID
    reason: str
    message: Message
    created_at: datetime


class OutboxRecord(PostMessage, forbid_unknown_fields=True, kw_only=True):
    """What an agent says: a message, and where. Without `client_id` it is the record's place in the topic."""

    conversation_id: UUID


class RefusedRecord(msgspec.Struct, kw_only=True):
    """A record of the outbox that was not posted: why, where it stands, what it was (`value`, as far as it is text)."""

    code: str
    detail: str
    status: int
    topic: str
    partition: int
    offset: int
    value: str | None
    fields: dict[str, Any]
    refused_at: datetime


RECORDS: dict[str, type[msgspec.Struct]] = {
    "kafka-inbox": InboxRecord,
    "kafka-outbox": OutboxRecord,
    "kafka-refused": RefusedRecord,
}
"""What is published, by the name of its schema."""
