"""Agents and their keys."""

import builtins
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from typing import Any

import msgspec

from crewhall.faces.sdk.colleagues import AgentInShort, AgentVersion, Capability, ForkDifferences
from crewhall.faces.sdk.errors import CrewhallApiError
from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.resources import (
    AgentInfo,
    AgentState,
    AgentTemplate,
    Credential,
    CredentialUse,
    Page,
    QuickTask,
    TryEvent,
)
from crewhall.faces.sdk.schedules import TurnStarted
from crewhall.faces.sdk.transport import Nothing, Transport, as_body, join


class Agents:
    """The agents of the organization, as far as the signed-in actor may see them."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        text: str | None = None,
        capability: str | None = None,
        status: str | None = None,
        kind: str | None = None,
        presence: str | None = None,
        visibility: str | None = None,
    ) -> AsyncIterator[AgentInfo]:
        """Give agents, found by text and capability if asked; hidden ones only with `visibility="hidden"`."""
        query = {
            "q": text,
            "capability": capability,
            "status": status,
            "kind": kind,
            "presence": presence,
            "visibility": visibility,
        }
        return walk(self._transport, "/agents", Page[AgentInfo], query)

    def templates(self) -> AsyncIterator[AgentTemplate]:
        """Give what a new agent may start from."""
        return walk(self._transport, "/agents/templates", Page[AgentTemplate])

    async def capabilities(self) -> builtins.list[Capability]:
        """Give what agents can do, the most frequent first."""
        return (await self._transport.call("GET", "/agents/capabilities", Page[Capability])).items

    async def get(self, agent_id: str) -> AgentInfo:
        """Give one agent."""
        return await self._transport.call("GET", join("agents", agent_id), AgentInfo)

    async def find(self, code: str) -> AgentInfo:
        """Give the agent with this code (with or without `@`)."""
        wanted = code.removeprefix("@").lower()
        for visibility in (None, "hidden"):
            async for agent in self.list(visibility=visibility):
                if agent.code == wanted:
                    return await self.get(agent.id)
        raise CrewhallApiError("not_found", 404, f"There is no agent @{wanted} that you can see.")

    async def create(self, name: str, **fields: Any) -> AgentInfo:
        """Create an agent; fields as in the API (`code`, `instructions`, `kind`, `template`, …)."""
        return await self._transport.call("POST", "/agents", AgentInfo, body={"name": name, **fields})

    async def update(self, agent_id: str, **changes: Any) -> AgentInfo:
        """Change an agent; what is left out stays."""
        return await self._transport.call("PATCH", join("agents", agent_id), AgentInfo, body=changes)

    async def fork(self, agent_id: str, name: str, *, code: str | None = None) -> AgentInfo:
        """Copy an agent under a name of its own; the fork remembers where it comes from."""
        body = as_body(name=name, code=code)
        return await self._transport.call("POST", join("agents", agent_id, "fork"), AgentInfo, body=body)

    def forks(self, agent_id: str) -> AsyncIterator[AgentInShort]:
        """Give the agents that were made from this one."""
        return walk(self._transport, join("agents", agent_id, "forks"), Page[AgentInShort])

    async def differences(self, agent_id: str) -> ForkDifferences:
        """Give what a fork does otherwise than its parent."""
        return await self._transport.call("GET", join("agents", agent_id, "differences"), ForkDifferences)

    def versions(self, agent_id: str) -> AsyncIterator[AgentVersion]:
        """Give what an agent thought with over time, newest first."""
        return walk(self._transport, join("agents", agent_id, "versions"), Page[AgentVersion])

    async def delete(self, agent_id: str) -> None:
        """Delete an agent: it stops answering and its keys stop working."""
        await self._transport.call("DELETE", join("agents", agent_id), Nothing)

    async def try_out(self, agent_id: str, prompt: str, **instead: Any) -> AsyncGenerator[TryEvent, None]:
        """Have an agent answer a prompt without posting anything; give what happens while it does.

        `instructions` and `model_config` are used in the place of its own, where they are given.
        """
        async with self._transport.stream(join("agents", agent_id, "try"), {"prompt": prompt, **instead}) as lines:
            async for line in lines:
                if line.startswith("data: "):
                    yield msgspec.json.decode(line[6:], type=TryEvent)

    async def memory(self, agent_id: str) -> AgentState:
        """Give what an agent remembers of the signed-in person."""
        return await self._transport.call("GET", join("agents", agent_id, "state"), AgentState)

    async def set_memory(self, agent_id: str, state: dict[str, Any], *, version: int) -> AgentState:
        """Change it as a whole; `version` is the one that was read. Refused as `stale_state` when it has changed."""
        body = {"state": state, "version": version}
        return await self._transport.call("PUT", join("agents", agent_id, "state"), AgentState, body=body)

    async def quick_tasks(self, agent_id: str) -> builtins.list[QuickTask]:
        """Give what an agent is often asked, in order."""
        path = join("agents", agent_id, "quick-tasks")
        return (await self._transport.call("GET", path, Page[QuickTask])).items

    async def add_quick_task(self, agent_id: str, title: str, prompt: str, **fields: Any) -> QuickTask:
        """Give an agent a quick task; fields as in the API (`icon`, `category`, `order_index`, `enabled`)."""
        body = as_body(title=title, prompt=prompt, **fields)
        return await self._transport.call("POST", join("agents", agent_id, "quick-tasks"), QuickTask, body=body)

    async def change_quick_task(self, agent_id: str, task_id: str, **changes: Any) -> QuickTask:
        """Change a quick task; what is left out stays."""
        path = join("agents", agent_id, "quick-tasks", task_id)
        return await self._transport.call("PATCH", path, QuickTask, body=changes)

    async def remove_quick_task(self, agent_id: str, task_id: str) -> None:
        """Take a quick task away."""
        await self._transport.call("DELETE", join("agents", agent_id, "quick-tasks", task_id), Nothing)

    async def run_quick_task(self, agent_id: str, task_id: str, *, conversation_id: str | None = None) -> TurnStarted:
        """Give an agent a quick task; in one's direct conversation with it, unless one is named."""
        path = join("agents", agent_id, "quick-tasks", task_id, "run")
        body = as_body(conversation_id=conversation_id)
        return await self._transport.call("POST", path, TurnStarted, body=body)

    def keys(self, agent_id: str) -> AsyncIterator[Credential]:
        """Give an agent's keys, without their secrets."""
        return walk(self._transport, join("agents", agent_id, "credentials"), Page[Credential])

    async def create_key(self, agent_id: str, *, label: str = "", expires_at: datetime | None = None) -> Credential:
        """Make a key. `key` of the answer is the secret, shown this once."""
        path = join("agents", agent_id, "credentials")
        return await self._transport.call("POST", path, Credential, body=as_body(label=label, expires_at=expires_at))

    async def rotate_key(self, agent_id: str, credential_id: str, *, overlap_seconds: int = 0) -> Credential:
        """Replace a key; the old one works for `overlap_seconds` more."""
        path = join("agents", agent_id, "credentials", credential_id, "rotate")
        return await self._transport.call("POST", path, Credential, body={"overlap_seconds": overlap_seconds})

    async def revoke_key(self, agent_id: str, credential_id: str) -> None:
        """Stop a key now, everywhere."""
        await self._transport.call("DELETE", join("agents", agent_id, "credentials", credential_id), Nothing)

    def key_usage(self, agent_id: str, credential_id: str) -> AsyncIterator[CredentialUse]:
        """Give the uses of a key, newest first."""
        path = join("agents", agent_id, "credentials", credential_id, "usage")
        return walk(self._transport, path, Page[CredentialUse])
