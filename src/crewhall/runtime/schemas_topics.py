"""What topics of agents are at the edge."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class TopicsState(StrEnum):
    """How the topics of an agent stand."""

    PROVISIONING = "provisioning"
    """Kafka is asked to make them."""
    READY = "ready"
    RETIRING = "retiring"
    """Kafka is asked to delete them."""
    GONE = "gone"


class TopicsStanding(Struct, kw_only=True):
    """How it goes with the topics of an agent.

    `waiting` counts records of its inbox that its topic has not got yet. `answered_by` tells who answers in its place:
    a `webhook` or a `model`; null: the agent is given what is for it. `refused` counts what it said and was not posted.
    """

    id: UUID
    agent_id: UUID
    state: TopicsState
    waiting: int
    answered_by: str | None
    failures: int
    failing_since: datetime | None
    last_error: str | None
    fed_at: datetime | None
    heard_at: datetime | None
    refused: int
    last_refusal: str | None
    last_refused_at: datetime | None
    created_at: datetime
    updated_at: datetime


class AgentOnKafka(TopicsStanding, kw_only=True):
    """The topics of an agent: where its program connects, what it reads, as which group, and where it writes.

    What is refused stands in `refused_topic`, with the reason. All of it begins with `prefix`. `grants` are what
    Kafka's own `kafka-acls.sh` is told where it asks who is there, for a program that signs in as `AGENT`.
    """

    bootstrap: str
    prefix: str
    inbox_topic: str
    outbox_topic: str
    refused_topic: str
    consumer_group: str
    grants: list[str]
