"""Agents on Kafka over HTTP: their topics."""

from uuid import UUID

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.runtime import topics
from crewhall.runtime.lifecycle import RuntimeParts
from crewhall.runtime.schemas_topics import AgentOnKafka


@get(
    "/{agent_id:uuid}/topics",
    summary="Show an agent's topics",
    description="Where it finds at Kafka what is for it, and how that goes; to who manages it, and to itself.",
)
async def get_topics(
    agent_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> AgentOnKafka:
    """Show the topics of an agent."""
    async with services.db.transaction(actor) as tx:
        return await topics.get_topics(tx, actor, agent_id, services.part(RuntimeParts).topics)


@post(
    "/{agent_id:uuid}/topics",
    summary="Give an agent topics",
    description="It finds what is for it in one, and says what it says in another. They are made behind this: `state` "
    "is `ready` when they are there. 409 `no_kafka` where Crewhall is connected to none.",
)
async def give_topics(
    agent_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> AgentOnKafka:
    """Give an agent topics at Kafka."""
    async with services.db.transaction(actor) as tx:
        return await topics.give_topics(tx, actor, agent_id, services.part(RuntimeParts).topics)


@delete(
    "/{agent_id:uuid}/topics",
    summary="Remove an agent's topics",
    description="With what is in them. Nothing that it says there is heard from now on.",
)
async def remove_topics(
    agent_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Take an agent's topics away."""
    async with services.db.transaction(actor) as tx:
        await topics.remove_topics(tx, actor, agent_id, services.part(RuntimeParts).topics)


ROUTERS = [api_router("/agents", [get_topics, give_topics, remove_topics], tags=["Turns"])]
