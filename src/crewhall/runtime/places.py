"""Places: an agent in a conversation each. They are dealt out to shards by conversation; a wake-up names either."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

SHARDS = 64
MOST_NAMED = 60
"""Places that one wake-up names; of more it names the shards: a notice holds 8,000 bytes."""
RELEASED = "released:"
"""Before the shards of a wake-up by who gave their leases back: they can be taken at once."""


class Place(msgspec.Struct, frozen=True):
    """An agent in a conversation."""

    org_id: UUID
    conversation_id: UUID
    agent_id: UUID

    @property
    def shard(self) -> int:
        """The share of the conversations that it belongs to."""
        return shard_of(self.conversation_id)


def shard_of(conversation_id: UUID) -> int:
    """The share of the conversations that this one belongs to, as `shard_of` in the database."""
    return conversation_id.bytes[-1] % SHARDS


def name_places(places: Iterable[Place]) -> str:
    """The wake-up that says that something new waits in these places."""
    named = sorted({f"{place.org_id}/{place.conversation_id}/{place.agent_id}" for place in places})
    if len(named) > MOST_NAMED:
        return ",".join(map(str, sorted({place.shard for place in places})))
    return ",".join(named)


def places_named(payload: str) -> list[Place]:
    """The places of a wake-up that names some."""
    if "/" not in payload:
        return []
    return [Place(*map(UUID, one.split("/"))) for one in payload.split(",")]


def shards_named(payload: str) -> set[int]:
    """The shards that any wake-up names, be it by their places."""
    if "/" in payload:
        return {place.shard for place in places_named(payload)}
    return {int(one) for one in payload.removeprefix(RELEASED).split(",")}
