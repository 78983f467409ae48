"""Identity's small installation with agents in it."""

import asyncio
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import httpx
import msgspec

from crewhall.agents import AgentParts, AgentSettings, create_credential, make_key, start_agents
from crewhall.agents.credential_schemas import CredentialInput
from crewhall.agents.http import ROUTERS as AGENTS
from crewhall.identity.http import ROUTERS as IDENTITY
from crewhall.kernel.ids import new_id
from crewhall.kernel.verified import revoke
from crewhall.ports.live import MemoryLive
from tests.identity.hall import Hall, Member, Org


@dataclass
class AgentMember:
    """An agent with a key, as a client of the API."""

    id: str
    credential_id: str
    key: str
    api: httpx.AsyncClient


@dataclass
class AgentOrg:
    """An organization and what its people do with agents."""

    base: Org
    hall: "AgentHall"

    @property
    def owner(self) -> Member:
        return self.base.owner

    async def project(self, slug: str) -> str:
        """A project, which a later domain has actions for."""
        project_id = new_id()
        async with self.hall.db.transaction(self.owner.actor) as tx:
            await tx.run(
                "insert into projects (id, org_id, name, slug) values (%(id)s, %(org)s, %(slug)s, %(slug)s)",
                {"id": project_id, "org": self.base.id, "slug": slug},
            )
        return str(project_id)

    async def add(self, role: str = "member") -> Member:
        return await self.base.add(role)

    async def create(self, by: Member | None = None, **fields: Any) -> dict[str, Any]:
        """Create an agent and return it as the API shows it."""
        answer = await (by or self.owner).api.post("/agents", json={"name": "Scout", **fields})
        assert answer.status_code == 201, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def make_key(self, agent_id: str, **fields: Any) -> dict[str, Any]:
        """Give the agent a key whose hash costs little: tests make many."""
        data = msgspec.convert(fields, CredentialInput)
        key, owner = await make_key(cost=4), self.owner.actor
        async with self.hall.db.transaction(owner) as tx:
            made = await create_credential(tx, owner, UUID(agent_id), data, key)
        shown: dict[str, Any] = msgspec.to_builtins(made)
        return shown

    async def hire(self, **fields: Any) -> AgentMember:
        """Create an agent and return it as a client with a key of its own."""
        agent = await self.create(**fields)
        made = await self.make_key(agent["id"])
        return AgentMember(agent["id"], made["id"], made["key"], self.hall.client(made["key"]))

    async def audited(self) -> list[dict[str, Any]]:
        """The organization's audit log, newest first."""
        answer = await self.owner.api.get("/audit", params={"limit": 200})
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


class AgentHall(Hall):
    """Identity's hall that also serves agents."""

    routers = (*IDENTITY, *AGENTS)

    def __init__(self, url: str, **settings: Any) -> None:
        super().__init__(url)
        self.agent_settings = AgentSettings(**settings)
        self.live = MemoryLive()
        self.services.live = self.live

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.parts: AgentParts = await start_agents(
            db=self.db,
            verified=self.verified,
            limiter=self.services.limiter,
            live=self.live,
            settings=self.agent_settings,
        )
        self.services.add_part(self.parts)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.parts.close()
        await super().__aexit__(*error)

    async def make_agent_org(self) -> AgentOrg:
        return AgentOrg(await self.make_org(), self)

    async def hear_revocations(self) -> None:
        """Wait until this process has heard of every revocation that was committed by now."""
        heard = asyncio.Event()
        marker = f"heard:{new_id()}"
        self.verified.on_revoked(lambda told: heard.set() if told == marker else None)
        async with self.db.transaction(None) as tx:
            await revoke(tx, marker)
        async with asyncio.timeout(1):
            await heard.wait()
