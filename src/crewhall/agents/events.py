"""What happened to agents; subscribers act in the same transaction (`kernel.events`)."""

from uuid import UUID

import msgspec

from crewhall.agents.vocabulary import AgentStatus, Visibility


class AgentCreated(msgspec.Struct, frozen=True):
    """An agent was created, by hand, from a template or as a fork: its serving topic is due."""

    agent_id: UUID
    org_id: UUID
    code: str
    name: str
    visibility: Visibility
    status: AgentStatus
    owner_user_id: UUID | None


class AgentDeleted(msgspec.Struct, frozen=True):
    """An agent was soft-deleted: its topic retires, its keys are revoked."""

    agent_id: UUID
    org_id: UUID


class AgentStatusChanged(msgspec.Struct, frozen=True):
    """An agent's standing changed. `reason`: why, where a rule says so; else whoever acts decided it."""

    agent_id: UUID
    org_id: UUID
    before: AgentStatus
    after: AgentStatus
    reason: str = ""


class AgentTrustSet(msgspec.Struct, frozen=True):
    """Somebody set an agent's trust by hand."""

    agent_id: UUID
    org_id: UUID
    before: float
    after: float


class AgentChanged(msgspec.Struct, frozen=True):
    """Something that people set about an agent was changed; `status_before` is its standing before that."""

    agent_id: UUID
    org_id: UUID
    status_before: AgentStatus
