"""What goes in and out at the edge. Nothing that is hashed is ever among it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.agents.vocabulary import AgentKind, AgentLevel, AgentStatus, Presence, Visibility
from crewhall.kernel.visible import visible_line, visible_name
from crewhall.ports.github import GITHUB_LOGIN

Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S")]
Code = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[a-z0-9-]+$")]
Description = Annotated[str, Meta(max_length=10_000)]
RoleTitle = Annotated[str, Meta(max_length=255)]
Instructions = Annotated[str, Meta(max_length=100_000)]
IconUrl = Annotated[str, Meta(max_length=500, pattern=r"^https?://\S+$")]
PublicKey = Annotated[str, Meta(max_length=64, description="Ed25519 public key: 32 bytes in base64.")]
GithubLogin = Annotated[
    str,
    Meta(pattern=GITHUB_LOGIN, description="What it is called at GitHub; an app's ends in `[bot]`. One agent has it."),
]
EmbeddingModel = Annotated[str, Meta(min_length=1, max_length=255)]
Slugs = Annotated[list[Annotated[str, Meta(min_length=1, max_length=50)]], Meta(max_length=50)]
Version = Annotated[str, Meta(max_length=32, pattern=r"^\d{1,6}\.\d{1,6}\.\d{1,6}$", examples=["1.0.0"])]
Trust = Annotated[float, Meta(ge=0, le=100, description="How far the agent is trusted with tools, 0 to 100.")]
Open = dict[str, Any]


class Agent(Struct):
    """An agent as lists show it."""

    id: UUID
    code: str
    name: str
    description: str | None
    role_title: str
    icon_url: str | None
    kind: AgentKind
    level: AgentLevel
    project_id: UUID | None
    status: AgentStatus
    trust_score: float
    presence: Presence
    last_heartbeat_at: datetime | None
    capabilities: list[str]
    visibility: Visibility
    owner_user_id: UUID | None
    parent_agent_id: UUID | None
    version: str
    created_at: datetime
    updated_at: datetime


class AgentDetail(Agent):
    """An agent with all that makes it up. `inbox_id` is the conversation that it serves."""

    instructions: str | None
    public_key: str | None
    github_login: str | None
    model_config: Open
    tools: list[str]
    embedding_model: str | None
    rag_enabled: bool
    scheduling_config: Open
    topic: str | None
    inbox_id: UUID | None
    settings: Open
    metadata: Open
    created_by: UUID | None
    updated_by: UUID | None


class AgentRef(Struct, frozen=True):
    """An agent in short, for other domains."""

    id: UUID
    code: str
    name: str
    status: AgentStatus
    presence: Presence
    visibility: Visibility


class Capability(Struct):
    """Something that agents can do, and how many of them can."""

    capability: str
    agents: int


class AgentChanges(Struct, forbid_unknown_fields=True, kw_only=True):
    """Everything about an agent that people set; what is left out is not touched."""

    name: Name | UnsetType = UNSET
    code: Code | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    role_title: RoleTitle | UnsetType = UNSET
    instructions: Instructions | UnsetType | None = UNSET
    icon_url: IconUrl | UnsetType | None = UNSET
    kind: AgentKind | UnsetType = UNSET
    level: AgentLevel | UnsetType = UNSET
    project_id: UUID | UnsetType | None = UNSET
    status: AgentStatus | UnsetType = UNSET
    public_key: PublicKey | UnsetType | None = UNSET
    github_login: GithubLogin | UnsetType | None = UNSET
    model_config: Open | UnsetType = UNSET
    tools: Slugs | UnsetType = UNSET
    embedding_model: EmbeddingModel | UnsetType | None = UNSET
    rag_enabled: bool | UnsetType = UNSET
    capabilities: Slugs | UnsetType = UNSET
    scheduling_config: Open | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    owner_user_id: UUID | UnsetType | None = UNSET
    version: Version | UnsetType = UNSET
    settings: Open | UnsetType = UNSET
    metadata: Open | UnsetType = UNSET

    def __post_init__(self) -> None:
        if isinstance(self.name, str):
            self.name = visible_name(self.name)
        if isinstance(self.role_title, str):
            self.role_title = visible_line(self.role_title)


class AgentInput(AgentChanges, forbid_unknown_fields=True, kw_only=True):
    """A new agent. With a template, what is left out is taken from it; the code is made from the name."""

    template: Code | None = None


class AgentPatch(AgentChanges, forbid_unknown_fields=True, kw_only=True):
    """Changes to an agent. The version's minor number rises by itself when instructions, model or tools change.

    With `expected_version`, the change is refused (409) when the agent is at another version by now. `trust_score` is
    for owners and admins of the organization: who merely owns the agent does not lift what holds its tools back.
    """

    trust_score: Trust | UnsetType = UNSET
    expected_version: Version | None = None


class ForkInput(Struct, forbid_unknown_fields=True):
    """A fork: a copy with a name of its own that remembers its origin."""

    name: Name
    code: Code | None = None

    def __post_init__(self) -> None:
        self.name = visible_name(self.name)


class AgentTemplate(Struct):
    """What a new agent may start from; the platform's own, the same for every organization."""

    code: str
    name: str
    description: str
    role_title: str
    instructions: str
    kind: AgentKind
    capabilities: list[str]
    model_config: Open


class HeartbeatInput(Struct, forbid_unknown_fields=True):
    """An agent says that it is there: online, or busy."""

    presence: Literal["online", "busy"] = "online"


class Heartbeat(Struct):
    """What was understood, and for how many seconds it holds."""

    presence: Presence
    good_for_s: float
