"""Whoever acts: a person, an agent, or the system. Passed to every query and action; never ambient."""

from enum import StrEnum
from uuid import UUID

import msgspec


class ActorType(StrEnum):
    """The one enum for author, actor and member types."""

    USER = "user"
    AGENT = "agent"
    SYSTEM = "system"


class Role(StrEnum):
    """A person's role in an organization; agents act with the rights of `agent`, below a member."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class Actor(msgspec.Struct, frozen=True):
    """Who acts, for which organization, and through which login or credential.

    `org_id` is None only for a person who has not chosen an organization. `role` is None for agents and the system.
    `is_bound`: the token is good in this organization alone, and not for the person's account.
    `credential_id` is the login (people) or the agent credential that authenticated the request. `address` is the
    client's address after trusted proxies. `name` is shown beside what the actor writes. `behalf` are those for whom an
    agent acts in a turn: it can do no more than each of them and itself. `run_id` is the turn whose token authenticated
    the request: what is said with it is said within that turn.
    """

    type: ActorType
    id: UUID
    org_id: UUID | None
    name: str = ""
    role: Role | None = None
    credential_id: UUID | None = None
    address: str | None = None
    request_id: str | None = None
    is_bound: bool = False
    behalf: "tuple[Actor, ...]" = ()
    run_id: UUID | None = None

    @property
    def principals(self) -> "tuple[Actor, ...]":
        """Everybody whose rights an act needs: the actor itself, then each for whom it acts."""
        return (msgspec.structs.replace(self, behalf=()), *self.behalf) if self.behalf else (self,)

    @property
    def is_admin(self) -> bool:
        """Whether the actor is an owner or admin of its organization, or the system."""
        return self.type is ActorType.SYSTEM or self.role in {Role.OWNER, Role.ADMIN}

    @property
    def org(self) -> UUID:
        """The organization, where one is required (faces make sure that there is one)."""
        if self.org_id is None:
            raise LookupError("the actor has no organization")
        return self.org_id


SYSTEM_ID = UUID(int=0)


def system_actor(org_id: UUID | None) -> Actor:
    """The system acting for an organization (or for none: start-up work)."""
    return Actor(type=ActorType.SYSTEM, id=SYSTEM_ID, org_id=org_id, name="Crewhall")
