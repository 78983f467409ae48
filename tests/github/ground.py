"""A connection and a repository of a test, and ways to do at once what the workers do in time."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec

from crewhall.kernel.actor import system_actor
from crewhall.work.github import GithubParts
from crewhall.work.github.deliveries import claim_delivery, do_delivery
from crewhall.work.github.signing import sign
from tests.github.hub import TOKEN
from tests.identity.hall import Org
from tests.support.server import Server


class Wired(msgspec.Struct):
    """A connection, and what its webhooks are signed with."""

    server: Server
    org: Org
    id: str
    secret: str

    async def add(self, name: str = "octo/hall") -> UUID:
        """Mirror a repository; nobody reads it before the test does."""
        body = {"connection_id": self.id, "full_name": name}
        made = (await self.org.owner.api.post("/github/repositories", json=body)).raise_for_status().json()
        return UUID(made["id"])

    async def deliver(
        self, event: str, body: bytes, *, delivery: str | None = None, secret: str | None = None, **headers: str
    ) -> httpx.Response:
        """Deliver as GitHub does."""
        signed = {
            "x-github-event": event,
            "x-github-delivery": delivery or str(uuid4()),
            "x-hub-signature-256": sign(secret or self.secret, body),
            "content-type": "application/json",
        }
        return await self.server.client().post(f"/github/hooks/{self.id}", content=body, headers=signed | headers)

    async def do_all(self) -> None:
        """Do what was delivered."""
        async with self.server.db.transaction(system_actor(self.org.id)) as tx:
            waiting = await tx.values("select id from github_deliveries where state = 'waiting' order by id")
        for one in waiting:
            claimed = await claim_delivery(self.server.db, self.org.id, one)
            assert claimed is not None
            await do_delivery(self.server.db, claimed)

    async def became(self) -> dict[str, tuple[str, str | None]]:
        """What became of each delivery."""
        found = (await self.org.owner.api.get("/github/deliveries")).raise_for_status().json()["items"]
        return {one["delivery"]: (one["state"], one["reason"]) for one in found}


async def wire(server: Server, org: Org, **fields: Any) -> Wired:
    """Connect an organization, with a token unless told otherwise."""
    made = await org.owner.api.post("/github/connections", json={"token": TOKEN} | fields)
    found = made.raise_for_status().json()
    return Wired(server, org, found["id"], found["webhook_secret"])


def parts_of(server: Server) -> GithubParts:
    return server.services.part(GithubParts)
