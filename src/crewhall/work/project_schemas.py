"""Projects at the edge."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from crewhall.conversations import MemberType
from crewhall.kernel.visible import visible_name, visible_text

_TEXT = r"^[^\u0000]*$"
ProjectName = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^\u0000\n]*\S[^\u0000\n]*$")]
ProjectSlug = Annotated[
    str,
    Meta(
        min_length=1, max_length=100, pattern=r"^[a-z0-9-]+$", description="Unique in the organization; used in links."
    ),
]
About = Annotated[str, Meta(max_length=20_000, pattern=_TEXT, description="What it is for, in Markdown.")]
WebAddress = Annotated[str, Meta(max_length=500, pattern=r"^https?://[^\s\u0000]+$")]
Installation = Annotated[int, Meta(ge=1, le=2**63 - 1, description="The id of the GitHub App's installation.")]
MayBeActive = Annotated[bool, Meta(description="Whether something is to be done; an archived project is to be read.")]


class NewProject(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new project; its slug is made of the name when not given. It gets a public channel of that name."""

    name: ProjectName
    slug: ProjectSlug | None = None
    description: About | None = None
    repository_url: WebAddress | None = None
    github_installation_id: Installation | None = None
    mvp_document_url: WebAddress | None = None

    def __post_init__(self) -> None:
        self.name = visible_name(self.name)
        self.description = visible_text(self.description) if self.description else None


class ProjectChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change about a project; what is left out stays, null takes away."""

    name: ProjectName | UnsetType = UNSET
    slug: ProjectSlug | UnsetType = UNSET
    description: About | None | UnsetType = UNSET
    repository_url: WebAddress | None | UnsetType = UNSET
    github_installation_id: Installation | None | UnsetType = UNSET
    mvp_document_url: WebAddress | None | UnsetType = UNSET

    def __post_init__(self) -> None:
        if isinstance(self.name, str):
            self.name = visible_name(self.name)


class Project(Struct, kw_only=True):
    """A project. `tasks` counts them by status; `late` are those to be done whose deadline is past.

    `conversation_id`: its channel, where tasks are talked about.
    """

    id: UUID
    slug: str
    name: str
    description: str | None
    repository_url: str | None
    github_installation_id: int | None
    mvp_document_url: str | None
    is_active: bool
    conversation_id: UUID | None
    tasks: dict[str, int] = field(default_factory=dict)
    late: int
    agents: int
    people: int
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime

    @property
    def to_do(self) -> int:
        """How many tasks are not settled."""
        return sum(count for status, count in self.tasks.items() if status not in {"completed", "cancelled"})

    @property
    def done(self) -> int:
        """How many are completed."""
        return self.tasks.get("completed", 0)


class ProjectMember(Struct, kw_only=True):
    """A person or agent that works on a project. `is_own`: an agent of this project alone, which is not removed."""

    member_type: MemberType
    member_id: UUID
    name: str
    handle: str
    is_own: bool
    added_at: datetime
