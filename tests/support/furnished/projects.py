"""What the company works on: a project with tasks of every kind, and one that is archived."""

from datetime import timedelta
from typing import Any

from crewhall.kernel.clock import utc_now
from tests.identity.hall import Member
from tests.support.furnished.company import Company
from tests.support.server import AgentClient

ABOUT = """Cafés order by themselves: what they had last week, changed where they want it changed.

Tomás decides what comes first; the old form is switched off when the last café has moved.
"""
MOVE = """The form that we have today is a sheet. Take its rows over **once**, on a Sunday, and keep the sheet.

- names of cafés as they stand in the invoices
- orders of the last twelve weeks
"""


async def plan_work(company: Company) -> None:
    """Plan it; `company.ids` then names the project and a task."""
    mara, tomas, priya, scout = company.org.owner, company.admin, company.member, company.scout
    project = await _made(tomas, "/projects", name="Café orders", description=ABOUT,
                          repository_url="https://git.larkfield.example/orders")  # fmt: skip
    for who, kind in ((priya, "user"), (scout, "agent"), (company.ledger, "agent")):
        await tomas.api.put(f"/projects/{project['id']}/members/{kind}/{who.id}")
    in_it = {"project_id": project["id"]}
    move = await _made(
        mara, "/tasks", **in_it, title="Take the orders of the sheet over", description=MOVE, priority="P1",
        message={"conversation_id": company.talk.general, "message_id": company.talk.edited},
        deadline=_in(6), labels=["data"], assignee={"type": "agent", "id": company.ledger.id},
        success_criteria=[{"text": "Every café of the sheet is there", "is_met": True},
                          {"text": "Sums of twelve weeks are the same"}],
    )  # fmt: skip
    late = await _made(tomas, "/tasks", **in_it, title="Orders of Café Nord arrive twice", priority="P0",
                       deadline=_in(-1), labels=["bug"], assignee={"type": "agent", "id": scout.id})  # fmt: skip
    await _changed(scout, late, status="in_progress")
    blocked = await _made(priya, "/tasks", **in_it, title="Send a receipt by mail", labels=["mail"])
    await _changed(priya, blocked, status="blocked", blocked_reason="The mail account is Jonas's, who is away.")
    for title, priority, labels in (
        ("Order what one had last week", "P1", ["cafés"]),
        ("Say until when an order can be changed", "P2", ["cafés"]),
        ("Prices in the order's own currency", "P3", []),
    ):
        await _made(priya, "/tasks", **in_it, title=title, priority=priority, labels=labels)
    await _made(mara, "/tasks", **in_it, title="Switch the old form off", waits_for=[move["id"]])
    done = await _made(priya, "/tasks", **in_it, title="A page for each café")
    await _changed(priya, done, status="completed")
    for who, words in ((mara, "Which sheet is it, the one of the year?"), (company.ledger, "Both: they overlap.")):
        (await who.api.post(f"/tasks/{move['id']}/comments", json={"content": words})).raise_for_status()
    over = await _made(mara, "/projects", name="Christmas market")
    (await mara.api.put(f"/projects/{over['id']}/archive")).raise_for_status()
    company.ids |= {"project": project["slug"], "work": move["id"]}


def _in(days: int) -> str:
    return (utc_now() + timedelta(days=days)).isoformat()


async def _made(who: Member | AgentClient, path: str, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = (await who.api.post(path, json=fields)).raise_for_status().json()
    return made


async def _changed(who: Member | AgentClient, task: dict[str, Any], **fields: Any) -> None:
    (await who.api.patch(f"/tasks/{task['id']}", json=fields)).raise_for_status()
