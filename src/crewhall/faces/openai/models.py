"""Models: the agents that a caller may see, by their code, or by organization and code."""

import msgspec

from crewhall.agents import Agent, AgentDetail, access_agent, answers, find_agents_by_codes, list_agents
from crewhall.faces.openai.answers import Body, model_of
from crewhall.faces.openai.errors import MODEL_NOT_FOUND
from crewhall.faces.plumbing.services import Services
from crewhall.identity import get_organization
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import FORBIDDEN, NOT_FOUND, CrewhallError
from crewhall.kernel.paging import MAX_LIMIT

MOST_MODELS = 1_000


async def list_models(services: Services, actor: Actor) -> list[Body]:
    """Every agent that the actor may ask, oldest first: visible, in no wise hidden, and taking turns."""
    found: list[Agent] = []
    async with services.db.transaction(actor) as tx:
        organization = await get_organization(tx, actor.org)
        after: str | None = None
        while len(found) < MOST_MODELS:
            page = await list_agents(tx, actor, after=after, limit=MAX_LIMIT)
            found += [agent for agent in page.items if answers(agent.status) and agent.id != actor.id]
            after = page.next
            if after is None:
                break
    return [model_of(agent, agent.code, organization.slug) for agent in found]


async def get_model(services: Services, actor: Actor, address: str, token: str, name: str) -> Body:
    """One agent as a model. Raises MODEL_NOT_FOUND."""
    actor, agent = await find_model(services, actor, address, token, name)
    async with services.db.transaction(actor) as tx:
        organization = await get_organization(tx, actor.org)
    return model_of(agent, name, organization.slug)


async def find_model(
    services: Services, actor: Actor, address: str, token: str, name: str
) -> tuple[Actor, AgentDetail]:
    """Return the agent that a model's name means, and the actor within its organization.

    Raises MODEL_NOT_FOUND, the same for what is not there, not visible, not the caller's, or takes no turns.
    """
    slug, _, code = name.rpartition("/")
    if slug:
        actor = await _within(services, actor, address, token, slug.lower(), name)
    try:
        async with services.db.transaction(actor) as tx:
            found = (await find_agents_by_codes(tx, [code])).get(code)
            agent = await access_agent(tx, actor, found.id) if found else None
    except CrewhallError as error:
        if error.kind not in {NOT_FOUND, FORBIDDEN}:
            raise
        agent = None
    if agent is None or agent.id == actor.id or not answers(agent.status):
        raise _absent(name)
    return actor, agent


async def _within(services: Services, actor: Actor, address: str, token: str, slug: str, name: str) -> Actor:
    """The actor in the organization that is named, where it belongs to it: as `X-Crewhall-Org` would have it."""
    async with services.db.transaction(actor) as tx:
        own = await get_organization(tx, actor.org)
    if slug in {own.slug, str(own.id)}:
        return actor
    try:
        verified = await services.verified.resolve(token, slug, address)
    except CrewhallError as error:
        if error.kind is not FORBIDDEN:
            raise
        raise _absent(name) from None
    if verified.actor.org_id in {None, own.id}:
        raise _absent(name)
    return msgspec.structs.replace(verified.actor, address=actor.address)


def _absent(name: str) -> CrewhallError:
    return MODEL_NOT_FOUND(
        f"There is no model {name!r} that you can ask. `GET /v1/models` lists the agents that there are.", field="model"
    )
