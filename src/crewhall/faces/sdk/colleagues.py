"""What the API says of agents as colleagues: what they can do, their versions, their forks."""

from datetime import datetime
from typing import Any

import msgspec


class Capability(msgspec.Struct, frozen=True):
    """Something that agents can do, and how many of them can."""

    capability: str
    agents: int


class AgentInShort(msgspec.Struct, frozen=True):
    """An agent, in short."""

    id: str
    code: str
    name: str
    status: str
    presence: str
    visibility: str


class AgentVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent thought with from a moment on; `changed` names what differs from the version before."""

    id: str
    version: str
    changed: list[str] = []
    instructions: str | None = None
    model_config: dict[str, Any] = {}
    tools: list[str] = []
    created_at: datetime
    created_by_name: str | None = None


class FieldDifference(msgspec.Struct, frozen=True):
    """A field that differs between a fork and its parent."""

    field: str
    parent: Any
    fork: Any


class ForkDifferences(msgspec.Struct, frozen=True):
    """What a fork does otherwise than its parent, as both are now; without a parent it is no fork."""

    parent: AgentInShort | None
    differences: list[FieldDifference]


class AgentGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A grant that lends an agent; `direction` is lent or borrowed, `agent_id` the agent on one's own side."""

    id: str
    direction: str
    state: str
    agent_id: str
    agent_code: str
    agent_name: str
    other_organization: str | None = None
    visibility: str | None = None
    config: dict[str, Any] = {}
    knowledge: bool = False
    expires_at: datetime
    accepted_at: datetime | None = None
    ended_at: datetime | None = None


class GrantOffered(msgspec.Struct, frozen=True):
    """A new grant; `code` is what the other organization accepts with, shown this once."""

    grant: AgentGrant
    code: str
