"""What a tenant's agent has: a turn that was taken, and what hangs on it."""

from typing import Any

import httpx
import msgspec
from psycopg.types.json import Jsonb

from crewhall.kernel.ids import new_id
from crewhall.runtime.offers import Offer
from tests.identity.hall import Org
from tests.support.server import AgentClient, Server
from tests.support.waiting import until
from tests.tenancy.asking import ask


async def delivered(agent: AgentClient) -> str:
    """Wait for the agent's delivery; returns the id of its record."""
    async with agent.api.stream("GET", f"/conversations/{agent.inbox_id}/stream", params={"after": 0}) as answer:
        async for line in answer.aiter_lines():
            if '"type":"record"' in line:
                return line.partition('"record":{"id":"')[2][:36]
    raise AssertionError("the stream ended without the delivery")


async def ended_run(owner: httpx.AsyncClient) -> str:
    """Wait until the run that delivered has ended, so that nothing changes any more; returns its id."""

    async def look() -> list[Any]:
        found: list[Any] = (await ask(owner, "GET", "/runs?status=succeeded"))["items"]
        return found

    (run,) = await until(look)
    return str(run["id"])


async def keep_steps(server: Server, org: Org, run: str) -> None:
    """A step of the run, and a trigger that waits until tomorrow."""
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(
            """
            insert into run_steps (run_id, ordinal, org_id, attempt, kind, body)
            select id, 900, org_id, attempt, 'failure', '{}' from runs where id = %(run)s
            """,
            {"run": run},
        )
        await tx.run(
            """
            insert into turn_triggers (id, org_id, conversation_id, agent_id, cause, author_type, author_id,
                                       message_seq, prompt, due_at)
            select id, org_id, conversation_id, agent_id, 'run_now', author_type, author_id, message_seq, 'later',
                   now() + interval '1 day'
            from runs where id = %(run)s
            """,
            {"run": run},
        )
        await tx.run(
            """
            insert into conversation_summaries (id, org_id, conversation_id, agent_id, from_seq, up_to_seq, messages,
                                                is_whole, summary, tokens, model, run_id)
            select %(id)s, org_id, conversation_id, agent_id, 1, 1, 1, true, %(org)s::text || ' said', 12, 'm', id
            from runs where id = %(run)s
            """,
            {"run": run, "id": new_id(), "org": org.slug},
        )


async def offered_tool(server: Server, org: Org, server_id: str) -> str:
    """The name of a tool that the tool server has offered."""
    name, offer = f"mcp-tracker-{new_id().hex[-12:]}", Offer(tool="list_issues", description=f"Of {org.slug}.")
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(
            """
            insert into server_tools (org_id, server_id, tool, name, offered, digest, accepted, accepted_digest)
            values (%(org)s, %(server)s, 'list_issues', %(name)s, %(offer)s, 'd', %(offer)s, 'd')
            """,
            {"org": org.id, "server": server_id, "name": name, "offer": Jsonb(msgspec.to_builtins(offer))},
        )
    return name


async def keep_approval(server: Server, org: Org, run: str, approval: str) -> None:
    """Something that the run asks for, and nobody has decided."""
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(
            """
            insert into approvals (id, org_id, run_id, conversation_id, agent_id, key, tool, risk, effect, why,
                                   arguments, expires_at)
            select %(id)s, org_id, id, conversation_id, agent_id, '1', 'fetch', 'outside', 'Sends.', 'So.',
                   jsonb_build_object('url', %(org)s::text), now() + interval '1 day'
            from runs where id = %(run)s
            """,
            {"id": approval, "run": run, "org": org.slug},
        )


async def keep_schedule(server: Server, org: Org, run: str, schedule: str) -> None:
    """A schedule that is due tomorrow."""
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(
            """
            insert into schedules (id, org_id, agent_id, conversation_id, maker_id, name, prompt, cron, timezone,
                                   next_due_at)
            select %(id)s, org_id, agent_id, conversation_id, %(maker)s, %(org)s, %(org)s, '0 9 * * *', 'UTC',
                   now() + interval '1 day'
            from runs where id = %(run)s
            """,
            {"id": schedule, "run": run, "org": org.slug, "maker": org.owner.id},
        )


async def serve(server: Server, org: Org, agent: AgentClient, run: str) -> None:
    """The agent is served where nothing is, has been asked there, and has answered."""
    address = {"base_url": f"https://localhost/{org.slug}"}
    runtime = await ask(org.owner.api, "POST", f"/agents/{agent.id}/runtime", **address)
    values = {"call": new_id(), "runtime": runtime["id"], "run": run, "mark": org.slug}
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run(
            """
            insert into agent_topics (id, org_id, agent_id, inbox_id, state, fed_seq, last_refusal)
            select %(id)s, org_id, owner_agent_id, id, 'ready', 0, %(mark)s from conversations
            where owner_agent_id = %(agent)s and kind = 'agent'
            """,
            {"id": new_id(), "agent": agent.id, "mark": org.slug},
        )
        await tx.run(
            """
            insert into runtime_calls (id, org_id, runtime_id, run_id, webhook_id, is_ok, duration_ms, error)
            select %(call)s, org_id, %(runtime)s, id, 'run_1', false, 1, %(mark)s from runs where id = %(run)s
            """,
            values,
        )
        await tx.run(
            "insert into runtime_answers (run_id, org_id, content) select id, org_id, %(mark)s from runs"
            " where id = %(run)s",
            values,
        )
