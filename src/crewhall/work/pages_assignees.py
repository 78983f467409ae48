"""Whom tasks can be given to, on pages: a choice while there are few, else a field that finds them by name."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from msgspec import Struct

from crewhall.agents import Agent, AgentStatus, find_agents, find_agents_by_codes, list_agents
from crewhall.conversations import MemberType
from crewhall.faces.plumbing.pages import render
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Person, find_people, find_people_by_handles, list_people
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.work.task_schemas import Assignee

MOST_NAMES = 60
"""As many stand in a choice; of more, one types a part of the name."""
MOST_FOUND = 20
MAX_TYPED = 100
NOBODY, ME = "nobody", "me"
_AT_WORK = {AgentStatus.ACTIVE, AgentStatus.PROBATION}


class Names(Struct, frozen=True):
    """Values with their words, for a choice; `has_more`: there are others, found by typing."""

    options: list[tuple[str, str]]
    has_more: bool


@get("/tasks/assignees")
async def show_assignees(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: FromQuery[str] = "",
) -> Response[str]:
    """Those whose name, handle or code begins like what was typed, as the field offers them."""
    typed = q.strip().removeprefix("@")[:MAX_TYPED].replace("\0", "")
    async with services.db.transaction(actor) as tx:
        people = await list_people(tx, actor, q=typed or None, limit=MOST_FOUND)
        agents = await list_agents(tx, actor, q=typed or None, limit=MOST_FOUND)
    return render("assignees.html", request, found=_options(people.items, agents.items))


async def names_for(tx: Tx, actor: Actor) -> Names:
    """The first of those whom a task can be given to."""
    people = await list_people(tx, actor, limit=MOST_NAMES)
    agents = await list_agents(tx, actor, limit=MOST_NAMES)
    options = _options(people.items, agents.items)
    has_more = people.next is not None or agents.next is not None or len(options) > MOST_NAMES
    return Names(options, has_more)


async def read_whose(tx: Tx, typed: str) -> Assignee | None:
    """Who is meant: `user:<id>`, `agent:<id>`, `@handle` or `@code`; None is nobody. Raises INVALID."""
    name = typed.strip().lower()
    if not name or name == NOBODY:
        return None
    kind, _, identity = name.partition(":")
    if identity:
        try:
            return Assignee(MemberType(kind), UUID(identity))
        except ValueError as error:
            raise _unknown(typed) from error
    handle = name.removeprefix("@")
    if person := (await find_people_by_handles(tx, [handle])).get(handle):
        return Assignee(MemberType.USER, person.id)
    if agent := (await find_agents_by_codes(tx, [handle])).get(handle):
        return Assignee(MemberType.AGENT, agent.id)
    raise _unknown(typed)


async def typed_for(tx: Tx, kind: str, identity: UUID) -> str:
    """Somebody as they are typed into the field; by id where they are out of sight."""
    if kind == MemberType.USER:
        person = (await find_people(tx, [identity])).get(identity)
        return f"@{person.handle}" if person else f"user:{identity}"
    agent = (await find_agents(tx, [identity])).get(identity)
    return f"@{agent.code}" if agent else f"agent:{identity}"


def _options(people: Iterable[Person], agents: Iterable[Agent]) -> list[tuple[str, str]]:
    return [
        *((f"@{one.handle}", one.name) for one in people),
        *((f"@{one.code}", f"{one.name} (agent)") for one in agents if one.status in _AT_WORK),
    ]


def _unknown(typed: str) -> CrewhallError:
    return INVALID(
        f"There is nobody called {typed[:80]}. Choose from the list, or write a handle: @ada.", field="whose"
    )
