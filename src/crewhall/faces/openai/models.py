"""Models: the agents that a caller may see, by their code, or by organization and code."""

from crewhall.agents import Agent, AgentDetail, access_agent, answers, find_agents_by_codes, list_agents
from crewhall.faces.openai.answers import Body, model_of
from crewhall.faces.openai.callers import Caller
from crewhall.faces.openai.errors import MODEL_NOT_FOUND
from crewhall.faces.plumbing.services import Services
from crewhall.identity import get_organization
from crewhall.kernel.errors import FORBIDDEN, NOT_FOUND, CrewhallError
from crewhall.kernel.paging import MAX_LIMIT

MOST_MODELS = 1_000


async def list_models(services: Services, caller: Caller) -> list[Body]:
    """Every agent that the caller may ask, oldest first: those of the directory that take turns, but itself."""
    found: list[Agent] = []
    async with services.db.transaction(caller.actor) as tx:
        organization = await get_organization(tx, caller.actor.org)
        after: str | None = None
        while len(found) < MOST_MODELS:
            page = await list_agents(tx, caller.actor, after=after, limit=MAX_LIMIT)
            found += [agent for agent in page.items if answers(agent.status) and agent.id != caller.actor.id]
            after = page.next
            if after is None:
                break
    return [model_of(agent, agent.code, organization.slug) for agent in found]


async def get_model(services: Services, caller: Caller, name: str) -> Body:
    """One agent as a model. Raises MODEL_NOT_FOUND."""
    caller, agent = await find_model(services, caller, name)
    async with services.db.transaction(caller.actor) as tx:
        organization = await get_organization(tx, caller.actor.org)
    return model_of(agent, name, organization.slug)


async def find_model(services: Services, caller: Caller, name: str) -> tuple[Caller, AgentDetail]:
    """Return the agent that a model's name means, and the caller within its organization.

    Raises MODEL_NOT_FOUND, the same for what is not there, not visible, not the caller's, or takes no turns.
    """
    slug, _, code = name.rpartition("/")
    try:
        if slug:
            caller = await _within(services, caller, slug.lower())
        async with services.db.transaction(caller.actor) as tx:
            found = (await find_agents_by_codes(tx, [code])).get(code)
            agent = await access_agent(tx, caller.actor, found.id) if found else None
    except CrewhallError as error:
        if error.kind not in {NOT_FOUND, FORBIDDEN}:
            raise
        agent = None
    if agent is None or agent.id == caller.actor.id or not answers(agent.status):
        raise MODEL_NOT_FOUND(
            f"There is no model {name!r} that you can ask. `GET /v1/models` lists the agents that there are.",
            field="model",
        )
    return caller, agent


async def _within(services: Services, caller: Caller, slug: str) -> Caller:
    """The caller in the organization that a model's name names. Raises FORBIDDEN."""
    async with services.db.transaction(caller.actor) as tx:
        own = await get_organization(tx, caller.actor.org)
    if slug in {own.slug, str(own.id)}:
        return caller
    found = await caller.within(services, slug)
    if found.actor.org_id in {None, own.id}:  # an agent's key is good in its own organization, whatever is named
        raise FORBIDDEN("You are not a member of this organization.")
    return found
