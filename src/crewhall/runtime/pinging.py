"""Trying a runtime: one signed ping, which asks nothing and posts nothing."""

import contextlib
from uuid import UUID

import msgspec

from crewhall.agents import access_agent
from crewhall.kernel.actor import Actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database
from crewhall.kernel.ids import new_id
from crewhall.runtime.calling import NotReached, RuntimeCaller
from crewhall.runtime.runtimes import get_runtime, read_served
from crewhall.runtime.schemas import RunAgent
from crewhall.runtime.schemas_runtimes import RuntimeCall
from crewhall.runtime.turn_request import Pinged, PingWebhook


async def ping(db: Database, caller: RuntimeCaller, actor: Actor, agent_id: UUID) -> RuntimeCall:
    """Send a ping to where an agent is served, and return how that went. Raises NOT_FOUND, FORBIDDEN.

    No transaction is open meanwhile.
    """
    async with db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id, "credentials")
        runtime = await read_served(tx, (await get_runtime(tx, actor, agent_id)).id)
    asked = Pinged(agent=RunAgent(agent.id, agent.code, agent.name), asked_by=actor.name)
    body = msgspec.json.encode(PingWebhook(timestamp=utc_now(), data=asked))
    webhook_id = f"ping_{new_id()}"
    with contextlib.suppress(NotReached):  # kept with the call
        await caller.call(actor.org, runtime, webhook_id, body)
    async with db.transaction(actor) as tx:
        return await tx.one(
            RuntimeCall,
            """
            select id, run_id, webhook_id, is_ok, status, duration_ms, error, created_at from runtime_calls
            where runtime_id = %(runtime)s and webhook_id = %(webhook)s
            """,
            {"runtime": runtime.id, "webhook": webhook_id},
        )
