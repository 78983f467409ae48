"""Pages of where an agent comes from: its versions, its fork's form, what a fork does otherwise than its parent."""

import json
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Struct

from crewhall.agents import actions
from crewhall.agents.access import access_agent, may_read_instructions
from crewhall.agents.forks import ForkDifferences, compare_with_parent
from crewhall.agents.schemas import ForkInput
from crewhall.agents.versions import AgentVersion, list_versions
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor
from crewhall.kernel.differences import Piece, differences, shortened
from crewhall.kernel.errors import CrewhallError

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
PAGE_SIZE = 20
WORDS = {
    "role_title": "Role",
    "description": "What it does",
    "instructions": "Instructions",
    "kind": "Kind",
    "model_config": "Model",
    "tools": "Tools",
    "capabilities": "Capabilities",
    "rag_enabled": "Looks things up",
    "embedding_model": "Embedding model",
    "scheduling_config": "Working hours",
    "visibility": "Visible to",
    "settings": "Settings",
}


class Change(Struct):
    """A field that differs, and how, word by word."""

    name: str
    pieces: list[Piece]


class ShownVersion(Struct):
    """A version and what it changed; nothing for the oldest that is known."""

    version: AgentVersion
    changes: list[Change]


@get("/agents/{agent_id:uuid}/versions")
async def show_versions(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
    after: FromQuery[str | None] = None,
) -> Page:
    """What an agent thought with over time, newest first, each with what it changed."""
    async with services.db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id)
        page = await list_versions(tx, actor, agent_id, after=after, limit=PAGE_SIZE)
        rest = await list_versions(tx, actor, agent_id, after=page.next, limit=1) if page.next else None
    following = [*page.items[1:], *(rest.items if rest else [])]
    shown = [
        ShownVersion(version, _changes(version, following[place]) if place < len(following) else [])
        for place, version in enumerate(page.items)
    ]
    return await render_in_hall(
        "agent_versions.html",
        request,
        services,
        actor,
        agent=agent,
        versions=shown,
        next=page.next,
        may_read=may_read_instructions(actor, agent),
    )


@get("/agents/{agent_id:uuid}/differences")
async def show_differences(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Page:
    """What a fork does otherwise than its parent."""
    async with services.db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id)
        found = await compare_with_parent(tx, actor, agent_id)
    return await render_in_hall(
        "agent_differences.html",
        request,
        services,
        actor,
        agent=agent,
        parent=found.parent,
        apart=_apart(found),
    )


@get("/agents/{agent_id:uuid}/fork")
async def show_fork(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Page:
    """The form of a fork."""
    return await _fork_page(request, services, actor, agent_id, Form())


@post("/agents/{agent_id:uuid}/fork")
async def fork_agent(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Page:
    """Fork an agent, and show the fork."""
    form = await read_form(request)
    try:
        data = form.read(ForkInput, "name", "code")
        async with services.db.transaction(actor) as tx:
            fork = await actions.fork_agent(tx, actor, agent_id, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _fork_page(request, services, actor, agent_id, form, status=error.kind.status)
    return go(f"/agents/{fork.id}", f"{fork.name} is here. Change what it shall do otherwise.")


async def _fork_page(
    request: AnyRequest, services: Services, actor: Actor, agent_id: UUID, form: Form, *, status: int = 200
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id)
        check_permission(actor, Permission.AGENTS_CREATE)
    return await render_in_hall("agent_fork.html", request, services, actor, status=status, agent=agent, form=form)


def _changes(version: AgentVersion, before: AgentVersion) -> list[Change]:
    return [
        Change(WORDS[name], _pieces(getattr(before, name), getattr(version, name)))
        for name in ("instructions", "model_config", "tools")
        if getattr(before, name) != getattr(version, name)
    ]


def _apart(found: ForkDifferences) -> list[Change]:
    """What differs; without pieces where it is not for this reader."""
    return [
        Change(WORDS[one.field], [] if one.parent is None and one.fork is None else _pieces(one.parent, one.fork))
        for one in found.differences
    ]


def _pieces(before: object, after: object) -> list[Piece]:
    """Prose word by word; what is one word as a whole."""
    old, new = _text(before), _text(after)
    if " " in old + new or "\n" in old + new:
        return shortened(differences(old, new))
    return [piece for piece in (Piece("removed", old), Piece("same", " "), Piece("added", new)) if piece.text]


def _text(value: object) -> str:
    """A field as it is compared: text as it is, lists on one line, objects with a line for each key."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        lines = (f"{name}: {one if isinstance(one, str) else _written(one)}" for name, one in sorted(value.items()))
        return "\n".join(lines)
    return str(value)


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


HANDLERS = [show_versions, show_differences, show_fork, fork_agent]
