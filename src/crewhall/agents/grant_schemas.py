"""Grants that lend agents, as they go in and out."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.agents.schemas import Code, Name, Open
from crewhall.agents.vocabulary import Visibility
from crewhall.kernel.visible import visible_name

Config = Annotated[Open, Meta(description="Keys of `model_config` that have another value there.")]
Seen = Annotated[Visibility | None, Meta(description="Who sees the agent there; null: as at home.")]
Knowledge = Annotated[
    bool, Meta(description="Whether it answers there from its sources at home, too. The lender alone says so.")
]
GrantCode = Annotated[
    str, Meta(min_length=1, max_length=200, pattern=r"^[\w-]+$", description="As it was handed over.")
]


class Direction(StrEnum):
    """Which side of a grant one's organization is on."""

    LENT = "lent"
    BORROWED = "borrowed"


class GrantState(StrEnum):
    """Offered until the other side accepts; lapsed when it did not in time."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    LAPSED = "lapsed"
    ENDED = "ended"


class AgentGrant(Struct, kw_only=True):
    """A grant by which an agent works in another organization, as one side sees it.

    `agent_id` is the agent on one's own side: the one that is lent, or the one that stands in for it.
    """

    id: UUID
    direction: Direction
    state: GrantState
    agent_id: UUID
    agent_code: str
    agent_name: str
    other_organization: str | None
    visibility: Visibility | None
    config: Open
    knowledge: Knowledge
    expires_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None
    created_at: datetime


class GrantInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is overridden where the agent is lent to, and whether its knowledge goes along."""

    visibility: Seen = None
    config: Config = {}
    knowledge: Knowledge = False


class GrantPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change of that; what is left out stays."""

    visibility: Seen | UnsetType = UNSET
    config: Config | UnsetType = UNSET
    knowledge: Knowledge | UnsetType = UNSET


class GrantOffered(Struct):
    """A new grant. `code` is shown this once: who manages agents in the other organization accepts with it."""

    grant: AgentGrant
    code: str


class GrantAcceptance(Struct, forbid_unknown_fields=True, kw_only=True):
    """The code that was handed over; the name and code that the agent shall have here, if not its own."""

    code: GrantCode
    name: Name | None = None
    agent_code: Code | None = None

    def __post_init__(self) -> None:
        if self.name is not None:
            self.name = visible_name(self.name)
