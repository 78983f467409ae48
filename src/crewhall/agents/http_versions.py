"""An agent's versions and forks over HTTP."""

from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from crewhall.agents import forks, versions
from crewhall.agents.forks import ForkDifferences
from crewhall.agents.schemas import AgentRef
from crewhall.agents.versions import AgentVersion
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page


@get(
    "/{agent_id:uuid}/versions",
    summary="List an agent's versions",
    description="What it thought with over time, newest first. `instructions` are null for whoever may not read them.",
)
async def list_versions(
    agent_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[AgentVersion]:
    """List what an agent thought with over time."""
    async with services.db.transaction(actor) as tx:
        return await versions.list_versions(tx, actor, agent_id, after=after, limit=limit)


@get("/{agent_id:uuid}/forks", summary="List an agent's forks", description="Hidden ones are left out.")
async def list_forks(
    agent_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[AgentRef]:
    """List the agents that were made from this one."""
    async with services.db.transaction(actor) as tx:
        return await forks.list_forks(tx, actor, agent_id, after=after, limit=limit)


@get(
    "/{agent_id:uuid}/differences",
    summary="Compare a fork with its parent",
    description="Field by field, as both are now. To who may not read the instructions of both, they are null: "
    "that they differ is said, not how. `parent` is null where the agent is no fork of one that the caller may see.",
)
async def compare_with_parent(
    agent_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> ForkDifferences:
    """Show what a fork does otherwise than its parent."""
    async with services.db.transaction(actor) as tx:
        return await forks.compare_with_parent(tx, actor, agent_id)


HANDLERS = [list_versions, list_forks, compare_with_parent]
