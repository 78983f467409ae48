"""Agents at work: a session that is over, with its log and what it left, and one that is under way."""

from datetime import timedelta
from typing import Any

from crewhall.kernel.clock import utc_now
from tests.support.furnished.company import Company
from tests.support.server import AgentClient

ENTRIES = (
    ("Read the sheet: 212 rows, 31 cafés. Two of them are named twice, with another spelling.", {"rows": 212}),
    (
        "Wrote the rows into the test form. Sums of eleven weeks are the same; week 40 differs by 12 bags.",
        {"weeks": 11},
    ),
    ("Week 40 was corrected by hand after it was invoiced. I take the invoice's numbers.", {}),
)
LEFT = """Eleven of twelve weeks are over, and checked against the invoices.

Next: week 40, by the invoices. Café Nord stands in the sheet twice; keep the one with the accent."""


async def work_on(company: Company) -> None:
    """Let them work; `company.ids` then names the session that is over."""
    ledger, scout = company.ledger, company.scout
    task = (await ledger.api.get(f"/tasks/{company.ids['work']}")).raise_for_status().json()
    project = task["project"]["id"]
    session = await _begun(ledger, goal="Take the sheet's orders over", project_id=project)
    await _worked(ledger, company.ids["work"])
    for message, context in ENTRIES:
        body = {"message": message, "context": context}
        (await ledger.api.post(f"/sessions/{session}/log", json=body)).raise_for_status()
    (await ledger.api.post(f"/sessions/{session}/stop", json={"hand_off": LEFT})).raise_for_status()
    now = await _begun(scout, goal="Why orders of Café Nord arrive twice", project_id=project)
    body = {"message": "Both orders come from the old form: its button can be pressed while it is sent."}
    (await scout.api.post(f"/sessions/{now}/log", json=body)).raise_for_status()
    company.ids["session_id"] = session
    for title, priority, days in (("Tell the cafés when they move", "P1", 3), ("Choose the bags for spring", "P2", 12)):
        body = {
            "project_id": project,
            "title": title,
            "priority": priority,
            "assignee": {"type": "user", "id": str(company.org.owner.id)},
            "deadline": (utc_now() + timedelta(days=days)).isoformat(),
        }
        (await company.admin.api.post("/tasks", json=body)).raise_for_status()


async def _begun(who: AgentClient, **fields: Any) -> str:
    return str((await who.api.post("/sessions", json=fields)).raise_for_status().json()["session"]["id"])


async def _worked(who: AgentClient, task: str) -> None:
    (await who.api.patch(f"/tasks/{task}", json={"status": "in_progress"})).raise_for_status()
