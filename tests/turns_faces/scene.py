"""A group with an agent in it, people of every standing around it, and short ways to its turns."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.identity.hall import Member, Org
from tests.support.openai import MODEL, Say, ScriptedModel
from tests.support.server import AgentClient, Server
from tests.support.waiting import until

THINKS = {"provider": "scripted", "model": MODEL}
ENDED = {"succeeded", "failed", "canceled", "stopped"}


@dataclass
class Scene:
    """The owner and a member share a private group with an agent; an admin and another member do not."""

    server: Server
    model: ScriptedModel
    org: Org
    member: Member
    admin: Member
    stranger: Member
    agent: AgentClient
    circle: str

    @classmethod
    async def make(cls, server: Server, model: ScriptedModel) -> "Scene":
        org = await server.make_org()
        member, admin, stranger = await org.add("member"), await org.add("admin"), await org.add("member")
        agent = await server.hire(org, name="Scout", model_config=THINKS, instructions="Be terse. The word is heron.")
        scene = cls(server, model, org, member, admin, stranger, agent, "")
        scene.circle = await scene.group([("agent", agent.id), ("user", str(member.id))])
        return scene

    @property
    def owner(self) -> httpx.AsyncClient:
        return self.org.owner.api

    async def group(self, members: list[tuple[str, str]], **fields: Any) -> str:
        """Open a group of the owner; returns its id."""
        listed = [{"member_type": kind, "member_id": one} for kind, one in members]
        body = {"kind": "group", "title": "Circle", "members": listed, **fields}
        return str((await self.owner.post("/conversations", json=body)).raise_for_status().json()["id"])

    async def say(self, content: str, api: httpx.AsyncClient | None = None, **fields: Any) -> dict[str, Any]:
        """Post a message in the group."""
        path = f"/conversations/{self.circle}/messages"
        posted: dict[str, Any] = (
            (await (api or self.owner).post(path, json={"content": content, **fields})).raise_for_status().json()
        )
        return posted

    async def runs(self, **query: Any) -> list[dict[str, Any]]:
        """The runs of the group, newest first."""
        answer = await self.owner.get("/runs", params={"conversation": self.circle, **query})
        found: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return found

    async def asked(self, *replies: Any, content: str = "What is it, @{}?") -> dict[str, Any]:
        """Ask the agent, whose model replies so; returns the run when it has ended."""
        self.model.play(*(replies or [Say("A heron.")]))
        before = {run["id"] for run in await self.runs()}
        await self.say(content.format(self.agent.code))
        return await self.ended(before)

    async def ended(self, before: set[str] | None = None) -> dict[str, Any]:
        """Wait for a run that was not there before, and for its end."""

        async def look() -> dict[str, Any] | None:
            found = [run for run in await self.runs() if run["id"] not in (before or set())]
            return found[0] if found and found[0]["status"] in ENDED else None

        return await until(look)

    async def steps(self, run_id: str, api: httpx.AsyncClient | None = None) -> list[dict[str, Any]]:
        """The steps of a run."""
        answer = await (api or self.owner).get(f"/runs/{run_id}/steps")
        found: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return found

    async def decisions(self, **query: Any) -> list[dict[str, Any]]:
        """The decisions of the group, newest first."""
        answer = await self.owner.get(f"/conversations/{self.circle}/decisions", params=query)
        found: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return found
