"""An agent that thinks with a scripted model, and the official client at the door."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion

from crewhall.runtime import RuntimeParts
from crewhall.runtime.endpoints import Endpoint
from tests.identity.hall import Member, Org
from tests.support.openai import MODEL, ScriptedModel
from tests.support.server import AgentClient, Server, token_of

SCRIPTED = {"provider": "scripted", "model": MODEL}
Visit = Callable[..., AsyncOpenAI]


@pytest.fixture(scope="session")
async def model(server: Server) -> AsyncIterator[ScriptedModel]:
    """The model behind the endpoint `scripted` of the running server."""
    async with ScriptedModel() as serving:
        endpoints = server.services.part(RuntimeParts).executor._endpoints
        endpoints["scripted"] = Endpoint("scripted", serving.url, "sk-test")
        yield serving


@pytest.fixture
async def agent(server: Server, org: Org, model: ScriptedModel) -> AgentClient:
    """An agent that thinks with the scripted model."""
    return await server.hire(org, model_config=SCRIPTED)


@pytest.fixture
async def visit(server: Server) -> AsyncIterator[Visit]:
    """Makes official clients: with a person's token, or a key, and headers."""
    made: list[AsyncOpenAI] = []

    def make(who: Member | str, **headers: str) -> AsyncOpenAI:
        key = who if isinstance(who, str) else token_of(who.api)
        client = AsyncOpenAI(
            base_url=f"{server.address}/v1", api_key=key, max_retries=0, timeout=20, default_headers=headers
        )
        made.append(client)
        return client

    yield make
    for client in made:
        await client.close()


@pytest.fixture
def client(visit: Visit, org: Org) -> AsyncOpenAI:
    """The owner's client."""
    return visit(org.owner)


async def messages_of(member: Member, conversation_id: str) -> list[tuple[str, str]]:
    """Who said what in a conversation: by type of author, in order."""
    found: list[dict[str, Any]] = (
        (await member.api.get(f"/conversations/{conversation_id}/messages")).raise_for_status().json()["items"]
    )
    return [(one["author"]["type"], one["content"]) for one in sorted(found, key=lambda one: one["seq"])]


def place_of(completion: ChatCompletion) -> str:
    """The conversation that a completion stands in."""
    assert completion.metadata is not None
    return completion.metadata["conversation_id"]
