"""The page of an agent at Kafka: its topics, and what to grant its program."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from crewhall.agents import access_agent
from crewhall.faces.plumbing.forms import Form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError
from crewhall.runtime import topics
from crewhall.runtime.lifecycle import RuntimeParts
from crewhall.runtime.schemas_topics import AgentOnKafka, TopicsState

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect


async def _page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    agent_id: UUID,
    *,
    form: Form | None = None,
    status: int = 200,
) -> Page:
    of_kafka = services.part(RuntimeParts).topics
    async with services.db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id, "credentials")
        found = await topics.find_topics(tx, agent_id, of_kafka)
    return await render_in_hall(
        "kafka.html",
        request,
        services,
        actor,
        status=status,
        agent=agent,
        topics=found,
        tone=_tone_of(found),
        is_connected=bool(of_kafka.bootstrap),
        grants=_commands(found) if found else "",
        form=form or Form(),
    )


def _commands(found: AgentOnKafka) -> str:
    where = found.bootstrap or "HOST:PORT"
    return "\n".join(f"kafka-acls.sh --bootstrap-server {where} {one}" for one in found.grants)


def _tone_of(found: AgentOnKafka | None) -> str:
    if found is None or found.failures:
        return "danger" if found else ""
    return "accent" if found.state is TopicsState.READY else "brass"


@get("/agents/{agent_id:uuid}/kafka")
async def show_kafka(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
) -> Page:
    """The topics of an agent, and how it goes with them."""
    return await _page(request, services, actor, agent_id)


@post("/agents/{agent_id:uuid}/kafka")
async def give_topics(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
) -> Page:
    """Give an agent topics."""
    try:
        async with services.db.transaction(actor) as tx:
            await topics.give_topics(tx, actor, agent_id, services.part(RuntimeParts).topics)
    except CrewhallError as error:
        form = Form()
        form.refuse(error)
        return await _page(request, services, actor, agent_id, form=form, status=error.kind.status)
    return go(f"/agents/{agent_id}/kafka", "Kafka makes its topics now.")


@post("/agents/{agent_id:uuid}/kafka/remove")
async def remove_topics(
    services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Redirect:
    """Take an agent's topics away."""
    async with services.db.transaction(actor) as tx:
        await topics.remove_topics(tx, actor, agent_id, services.part(RuntimeParts).topics)
    return go(f"/agents/{agent_id}", "Its topics at Kafka are removed.")


PAGES = page_router([show_kafka, give_topics, remove_topics])
