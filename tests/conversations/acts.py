"""Administrative acts: writing them, and reading what #audit tells of them."""

from typing import Any

from crewhall.kernel import audit
from tests.conversations.ways import caught_up
from tests.identity.hall import Member, Org
from tests.support.server import Server


async def audit_of(org: Org) -> str:
    """The id of the organization's #audit, as its owner lists it."""
    items = (await org.owner.api.get("/conversations", params={"kind": "channel"})).json()["items"]
    return next(str(item["id"]) for item in items if item["type"] == "system")


async def told(server: Server, org: Org, reader: Member | None = None) -> list[dict[str, Any]]:
    """The messages of #audit, when all acts are told."""
    await caught_up(server.db, "audit")
    path = f"/conversations/{await audit_of(org)}/messages"
    found: list[dict[str, Any]] = []
    while True:
        after = found[-1]["seq"] if found else 0
        page = (await (reader or org.owner).api.get(path, params={"after": after, "limit": 100})).json()["items"]
        found += page
        if not page:
            return found


async def acts_of(org: Org) -> list[str]:
    """The ids of every act in the audit log, oldest first."""
    ids, after = [], None
    while True:
        page = (await org.owner.api.get("/audit", params={"limit": 200, **({"after": after} if after else {})})).json()
        ids += [item["id"] for item in page["items"]]
        if (after := page["next"]) is None:
            return ids[::-1]


async def write_acts(server: Server, org: Org, count: int, prefix: str = "act") -> None:
    """Write many acts in one transaction."""
    async with server.db.transaction(org.owner.actor) as tx:
        for number in range(count):
            await audit.record(tx, org.owner.actor, "organization.created", details={"name": f"{prefix} {number}"})


async def rewind(server: Server) -> None:
    """As if the process had been killed after posting and before its checkpoint: everything is to be told again."""
    async with server.db.transaction(None) as tx:
        await tx.run("update consumer_checkpoints set position = 0 where consumer = 'audit'")


def client_ids(messages: list[dict[str, Any]]) -> list[str]:
    return [message["client_id"].removeprefix("audit:") for message in messages]
