"""Short ways to work sessions."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from crewhall.agents import AgentParts
from crewhall.kernel.actor import system_actor
from crewhall.work.session_ending import SESSIONS_CHANNEL
from tests.identity.hall import Org
from tests.support.server import AgentClient, Server
from tests.work.ground import Who, done


async def started(who: AgentClient, **fields: Any) -> dict[str, Any]:
    """What a start told."""
    told: dict[str, Any] = done(await who.api.post("/sessions", json=fields)).json()
    return told


async def logged(who: AgentClient, session: str, message: str = "Done.", **fields: Any) -> dict[str, Any]:
    """An entry of the log."""
    made: dict[str, Any] = done(
        await who.api.post(f"/sessions/{session}/log", json={"message": message, **fields})
    ).json()
    return made


async def stopped(who: Who, session: str, **fields: Any) -> dict[str, Any]:
    """A session that is over."""
    over: dict[str, Any] = done(await who.api.post(f"/sessions/{session}/stop", json=fields)).json()
    return over


async def shown(who: Who, session: str) -> dict[str, Any]:
    """A session as somebody sees it."""
    one: dict[str, Any] = done(await who.api.get(f"/sessions/{session}")).json()
    return one


async def let_time_pass(server: Server, org: Org, who: AgentClient, *, minutes: int, heard: int | None = None) -> None:
    """Let the agent's open session, and all that was heard of the agent, be so long ago; `heard`: but for one sign.

    What the server counted of its keys is written first: nothing that it writes by itself comes between.
    """
    await server.services.part(AgentParts).uses.flush()
    values = {
        "agent": UUID(who.id), "ago": timedelta(minutes=minutes),
        "heard": timedelta(minutes=minutes if heard is None else heard),
    }  # fmt: skip
    async with server.db.transaction(system_actor(org.id)) as tx:
        await tx.run("update agents set last_heartbeat_at = null where id = %(agent)s", values)
        await tx.run("update agent_credentials set last_used_at = now() - %(heard)s where agent_id = %(agent)s", values)
        await tx.run(
            """
            update work_sessions set heard_at = now() - %(ago)s, silent_at = now() - interval '1 second'
            where agent_id = %(agent)s and stopped_at is null
            """,
            values,
        )
        await tx.notify(SESSIONS_CHANNEL, str(org.id))
