"""A connection to GitHub, a repository, and a delivery that was kept, for those who try what they may."""

from uuid import UUID

import httpx

from crewhall.kernel.actor import system_actor
from crewhall.kernel.clock import utc_now
from crewhall.work.github.items import Item
from crewhall.work.github.mirror import mirror_items
from crewhall.work.github.signing import sign
from crewhall.work.github.vocabulary import ItemKind
from tests.identity.hall import Org
from tests.support.server import Server


async def mirror(owner: httpx.AsyncClient, name: str = "octo/hall") -> dict[str, str]:
    """The ids of what an organization has of GitHub."""
    made = (await owner.post("/github/connections", json={"token": "ghp_of_nobody"})).raise_for_status().json()
    body = {"connection_id": made["id"], "full_name": name}
    repository = (await owner.post("/github/repositories", json=body)).raise_for_status().json()
    headers = {
        "x-github-event": "ping",
        "x-github-delivery": name,
        "x-hub-signature-256": sign(made["webhook_secret"], b"{}"),
    }
    (await owner.post(f"/github/hooks/{made['id']}", content=b"{}", headers=headers)).raise_for_status()
    kept = (await owner.get("/github/deliveries")).raise_for_status().json()["items"]
    return {"connection_id": made["id"], "repository_id": repository["id"], "delivery_id": kept[0]["id"]}


async def link(server: Server, org: Org, repository: str, project: str, task: str) -> None:
    """The repository linked to a project, and a pull request to a task of it."""
    owner, system = org.owner.api, system_actor(org.id)
    pull = Item(
        kind=ItemKind.PULL_REQUEST, key="1", number=1, state="open", title="Tried", moment=utc_now(),
        data={"closes": [], "reviewers": [], "is_draft": False, "created_at": None, "merged_at": None},
    )  # fmt: skip
    async with server.db.transaction(system) as tx:
        await mirror_items(tx, system, UUID(repository), [pull])
    body = {"project_id": project}
    (await owner.put(f"/github/repositories/{repository}/project", json=body)).raise_for_status()
    (await owner.post(f"/tasks/{task}/pull-requests", json={"url": "octo/hall#1"})).raise_for_status()
