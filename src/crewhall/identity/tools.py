"""What agents, and whoever comes through MCP, can learn about people and themselves."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from crewhall.identity import people
from crewhall.identity.me import get_me
from crewhall.identity.schemas import Me
from crewhall.kernel.actor import Role
from crewhall.kernel.tools import Caller, Risk, Tool, described


class ShownPerson(Struct, kw_only=True):
    """A member of the organization. The `handle` mentions them, as in @handle."""

    id: UUID
    handle: str
    name: str
    timezone: str
    role: Role


class People(Struct):
    """A page of people, by name. `next` is given back as `after`."""

    people: list[ShownPerson]
    next: str | None = None


class ListPeople(Struct, forbid_unknown_fields=True, kw_only=True):
    """List the people of the organization, by name."""

    text: Annotated[str, Meta(max_length=200, description="Part of a name, handle or email.")] | None = None
    after: Annotated[str, Meta(description="The `next` of the page before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.")] = 50


class WhoAmI(Struct, forbid_unknown_fields=True):
    """Tell who you are here: the person or agent you act as, its organization and role, an agent's inbox."""


async def list_people(caller: Caller, asked: ListPeople) -> People:
    """A page of the organization's people."""
    async with caller.db.transaction(caller.actor) as tx:
        page = await people.list_people(tx, caller.actor, q=asked.text, after=asked.after, limit=asked.limit)
    return People([msgspec.convert(item, ShownPerson, from_attributes=True) for item in page.items], page.next)


async def who_am_i(caller: Caller, asked: WhoAmI) -> Me:  # noqa: ARG001
    """The caller as it may see itself."""
    async with caller.db.transaction(caller.actor) as tx:
        return await get_me(tx, caller.actor)


TOOLS = (
    Tool(
        "who_am_i", described(WhoAmI), WhoAmI, who_am_i,
        is_repeatable=True, gives=Me, title="Who am I", risk=Risk.READ,
    ),
    Tool(
        "list_people", described(ListPeople), ListPeople, list_people,
        is_repeatable=True, gives=People, title="List people", risk=Risk.READ,
    ),
)  # fmt: skip
