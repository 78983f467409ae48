"""A channel with an agent in it, and waiting for what they do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from crewhall.sdk import Agent, Client, Message, RecordEvent
from tests.identity.hall import Org
from tests.support.server import AgentClient, Server
from tests.support.waiting import bounded, in_time, until


@asynccontextmanager
async def serving(agent: Agent) -> AsyncIterator[asyncio.Event]:
    """Run the agent in this process; asked to stop at the end."""
    stop = asyncio.Event()
    task = asyncio.create_task(agent.serve(stop))
    try:
        yield stop
    finally:
        stop.set()
        await in_time(task, 20)


async def messages(client: Client, channel: str, done: Callable[[list[Message]], bool]) -> list[Message]:
    """Follow a channel from its beginning until enough was said."""
    said: list[Message] = []
    async with bounded(20), client.live() as live:
        await live.subscribe(channel, after=0)
        async for event in live:
            if isinstance(event, RecordEvent) and isinstance(event.record, Message):
                said.append(event.record)
                if done(said):
                    break
    return said


async def until_online(client: Client, agent: AgentClient) -> None:
    """Wait until others see the agent online."""

    async def is_online() -> bool:
        return (await client.agents.get(agent.id)).presence == "online"

    await until(is_online)


async def read_to(client: Client, agent: AgentClient, seq: int) -> None:
    """Wait until the agent's own marker stands at a seq of its inbox."""

    async def is_there() -> bool:
        shown = (await agent.api.get(f"/conversations/{agent.inbox_id}")).json()
        return int(shown["last_read_seq"]) >= seq

    await until(is_there)


def answers_of(said: list[Message], agent: AgentClient) -> list[str]:
    return [message.content for message in said if message.author.id == agent.id]


async def scene(server: Server, org: Org) -> tuple[str, AgentClient]:
    """A channel with an agent in it."""
    channel, hired = await server.channel(org.owner), await server.hire(org)
    await hired.api.post(f"/conversations/{channel}/join")
    return channel, hired
