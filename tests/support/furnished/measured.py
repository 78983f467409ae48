"""What counts for the company's agents: tasks done, reviews, a bug; figures of each, and a metric."""

from crewhall.work.kpis import KpiParts
from tests.identity.hall import Member
from tests.support.furnished.company import Company
from tests.support.server import AgentClient


async def measure(company: Company) -> None:
    """Let it happen, step by step, and calculate after each."""
    mara, scout = company.org.owner, company.scout
    made = await mara.api.post("/projects", json={"name": "Harvest reports"})
    project = made.raise_for_status().json()["id"]
    calculator = company.server.services.part(KpiParts).calculator

    async def did(who: AgentClient, title: str) -> int:
        body = {"project_id": project, "title": title, "assignee": {"type": "agent", "id": who.id}}
        task = (await mara.api.post("/tasks", json=body)).raise_for_status().json()
        (await who.api.patch(f"/tasks/{task['id']}", json={"status": "completed"})).raise_for_status()
        await calculator.calculate_all(company.org.id)
        return int(task["number"])

    await _metric(mara)
    for title in ("Prices of Sidama", "Rain in Huila", "Who harvests when"):
        number = await did(scout, title)
    await _reviewed(company, scout, "Who harvests when", "changes_requested")
    await calculator.calculate_all(company.org.id)
    leak = {
        "project_id": project,
        "title": "Two farms stand twice",
        "labels": ["bug"],
        "description": f"Caused by #{number}",
    }
    (await mara.api.post("/tasks", json=leak)).raise_for_status()
    await calculator.calculate_all(company.org.id)
    for title in ("Freight of May", "Freight of June"):
        await did(scout, title)
        await _reviewed(company, scout, title, "approved")
        (await scout.api.post(f"/agents/{scout.id}/metrics/sources_read", json={"value": 12})).raise_for_status()
        await calculator.calculate_all(company.org.id)
    await did(company.ledger, "Invoices of May")


async def _metric(mara: Member) -> None:
    body = {"name": "sources_read", "label": "Sources read", "unit": "a week", "lowest": 0}
    (await mara.api.post("/metrics", json=body)).raise_for_status()


async def _reviewed(company: Company, who: AgentClient, title: str, verdict: str) -> None:
    body = {"type": "review_response", "content": {"title": title, "verdict": verdict}, "mentions": [who.id]}
    (await company.admin.api.post("/timeline", json=body)).raise_for_status()
