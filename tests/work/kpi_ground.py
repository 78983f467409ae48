"""Short ways to what counts for an agent, and what is calculated of it; done at once, not in time."""

from datetime import timedelta
from typing import Any

from crewhall.kernel.actor import system_actor
from crewhall.work.kpis import KpiParts
from tests.identity.hall import Member, Org
from tests.support.server import AgentClient, Server
from tests.work.ground import Who, agent, changed, done, wrote


async def calculated(server: Server, org: Org) -> int:
    """Calculate what there is news of; gives how many rows were made."""
    return await server.services.part(KpiParts).calculator.calculate_all(org.id)


async def age_news(server: Server, org: Org, **ago: float) -> None:
    """Let all that there is news of have happened so long before."""
    async with server.db.transaction(system_actor(org.id)) as tx:
        await tx.run(
            "update kpi_news set created_at = created_at - %(ago)s where org_id = %(org)s",
            {"org": org.id, "ago": timedelta(**ago)},
        )


async def rows(who: Who, of: AgentClient | str) -> list[dict[str, Any]]:
    """An agent's figures, newest first."""
    agent_id = of if isinstance(of, str) else of.id
    found: list[dict[str, Any]] = done(await who.api.get(f"/agents/{agent_id}/kpis")).json()["items"]
    return found


async def figures(server: Server, org: Org, of: AgentClient) -> dict[str, Any]:
    """An agent's newest figures, after everything there is news of."""
    await calculated(server, org)
    return (await rows(org.owner, of))[0]


async def standing(server: Server, org: Org) -> list[tuple[Any, ...]]:
    """What stands in evidence: whose, of which kind, of what, because of what."""
    async with server.db.transaction(system_actor(org.id)) as tx:
        cursor = await tx.connection.execute(
            """
            select agent_id::text, kind, subject, cause, sum(amount)::integer from kpi_evidence
            where org_id = %(org)s and kind <> 'calculation'
            group by 1, 2, 3, 4 having sum(amount) <> 0 order by 1, 2, 3, 4
            """,
            {"org": org.id},
        )
        return list(await cursor.fetchall())


async def completed(org: Org, project: dict[str, Any], who: AgentClient, title: str = "Paint it") -> dict[str, Any]:
    """A task that an agent was given and has completed."""
    task = await wrote(org.owner, project, title, assignee=agent(who))
    return await changed(who, task, status="completed")


async def reviewed(who: Member, verdict: str, *agents: AgentClient, title: str = "The mill") -> None:
    """A person says on the timeline what a review came to."""
    body = {
        "type": "review_response", "content": {"title": title, "verdict": verdict},
        "mentions": [one.id for one in agents],
    }  # fmt: skip
    done(await who.api.post("/timeline", json=body))


async def trust_of(org: Org, of: AgentClient) -> float:
    """How far an agent is trusted now."""
    found = done(await org.owner.api.get(f"/agents/{of.id}")).json()
    return float(found["trust_score"])
