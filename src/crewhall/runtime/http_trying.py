"""Trying an agent out, over HTTP: the answer as server-sent events, while it is written."""

from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.response import Stream

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.limits import RateLimit
from crewhall.runtime.schemas import TryRequest
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.trying import Trial, Trials

BURST = 5
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


async def _told(trial: Trial) -> AsyncIterator[str]:
    async for event in trial.events():
        name = event.__struct_config__.tag
        yield f"event: {name}\ndata: {msgspec.json.encode(event).decode()}\n\n"


@post(
    "/{agent_id:uuid}/try",
    summary="Try an agent out",
    description="For who may change the agent. Its model answers the prompt, without tools, with the instructions and "
    "the model that are given in the place of its own; nothing is posted or saved. It is a run, and budgets count it. "
    "Server-sent events: `began`, `words` as they come, then `done` (model, seconds, tokens, cost) or `failed` (why). "
    "One at a time for each agent (409); `CREWHALL_TRIES_PER_MINUTE` (429).",
    media_type="text/event-stream",
    status_code=200,
)
async def try_agent(
    agent_id: FromPath[UUID],
    data: JSONBody[TryRequest],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Stream:
    """Try an agent out."""
    per_minute = services.settings_of(TurnSettings).tries_per_minute
    services.limiter.check(RateLimit("tries", min(BURST, per_minute), per_minute / 60), actor.id)
    trial = await services.part(Trials).begin(actor, agent_id, data)
    return Stream(_told(trial), media_type="text/event-stream", headers=HEADERS)


ROUTERS = [api_router("/agents", [try_agent], tags=["Agents"])]
