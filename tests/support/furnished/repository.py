"""The shop's repository, linked to the project: an issue that is the task, and its pull requests."""

from uuid import UUID

from crewhall.kernel.actor import system_actor
from crewhall.kernel.clock import utc_now
from crewhall.work.github.items import Item
from crewhall.work.github.mirror import mirror_items
from crewhall.work.github.vocabulary import ItemKind
from tests.support.furnished.company import Company

NAME = "roastery/shop"


async def link_shop(company: Company) -> None:
    """Link it; the task of `company.ids` follows an issue then, which two pull requests are about."""
    owner, org = company.org.owner.api, company.org
    listed = (await owner.get("/github/repositories")).raise_for_status().json()["items"]
    shop = next(one["id"] for one in listed if one["full_name"] == NAME)
    task = (await owner.get(f"/tasks/{company.ids['work']}")).raise_for_status().json()
    (
        await owner.put(f"/github/repositories/{shop}/project", json={"project_id": task["project"]["id"]})
    ).raise_for_status()
    system = system_actor(org.id)
    async with company.server.db.transaction(system) as tx:
        await tx.run("update tasks set github_issue_number = 41 where id = %(id)s", {"id": UUID(task["id"])})
        await tx.run("update github_repositories set tasks_look_at = null where project_id is not null")
        await mirror_items(tx, system, UUID(shop), [_issue(task), *_pull(43, "merged"), *_pull(47, "open")])
    change = {"title": "Take over the orders of the sheet"}
    (await owner.patch(f"/tasks/{task['id']}", json=change)).raise_for_status()


def _issue(task: dict[str, object]) -> Item:
    return Item(
        kind=ItemKind.ISSUE, key="9041", number=41, state="open", title=str(task["title"]), author="mara-l",
        body=str(task["description"]), moment=utc_now(), url=f"https://github.com/{NAME}/issues/41",
        data={"labels": ["data"], "assignees": [], "state_reason": None, "closed_at": None, "milestone": None},
    )  # fmt: skip


def _pull(number: int, state: str) -> list[Item]:
    titles = {43: "Read the sheet, write nothing yet", 47: "Take over the orders of twelve weeks"}
    closes = [{"repository": "", "number": 41}] if state == "open" else []
    sha, now = f"{number:040x}", utc_now()
    data = {
        "labels": [], "assignees": [], "reviewers": [], "is_draft": False, "closes": closes,
        "created_at": now.isoformat(), "merged_at": now.isoformat() if state == "merged" else None,
    }  # fmt: skip
    url = f"https://github.com/{NAME}/pull/{number}"
    return [
        Item(kind=ItemKind.PULL_REQUEST, key=f"{number}", number=number, state=state, title=titles[number],
             author="ledger-of-larkfield", sha=sha, url=url, moment=now, step=int(state == "merged"), data=data),
        Item(kind=ItemKind.REVIEW, key=f"7{number}", number=number, state="approved", author="tomas-r", moment=now,
             url=url),
        Item(kind=ItemKind.CHECK_SUITE, key=f"8{number}", sha=sha, state="completed", title="CI", moment=now,
             data={"conclusion": "success" if number == 43 else "failure", "pull_requests": [number]}),
    ]  # fmt: skip
