"""Schedules: tasks that agents are given again and again."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec

from crewhall.faces.sdk.paging import find_named, walk
from crewhall.faces.sdk.records import Author
from crewhall.faces.sdk.resources import ConversationRef, Page
from crewhall.faces.sdk.runs import Run, RunAgent
from crewhall.faces.sdk.transport import Nothing, Transport, as_body, join


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A task that an agent is given again and again, with its maker's rights as they are each time.

    `upcoming` are the next moments; none while it is paused (`pause_reason`). What may not be read is None.
    `unanswered_reason` is why the agent did not answer the last one, as its decision has it.
    """

    id: str
    name: str
    agent: RunAgent
    maker: Author
    cron: str
    timezone: str
    upcoming: list[datetime]
    created_at: datetime
    conversation: ConversationRef | None = None
    prompt: str | None = None
    pause_reason: str | None = None
    next_due_at: datetime | None = None
    last_due_at: datetime | None = None
    last_outcome: str | None = None
    unanswered_reason: str | None = None
    last_fired_at: datetime | None = None
    run_id: str | None = None
    run_status: str | None = None
    is_mine: bool = False
    may_pause: bool = False


class TurnStarted(msgspec.Struct, frozen=True, kw_only=True):
    """A task that was given. `run` is the turn that it began; without one `explanation` says why not, or not yet."""

    conversation_id: str
    trigger_id: str
    run: Run | None = None
    outcome: str | None = None
    reason: str | None = None
    explanation: str | None = None


class Schedules:
    """The schedules that the signed-in actor may see."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, agent_id: str | None = None, conversation_id: str | None = None) -> AsyncIterator[Schedule]:
        """Give schedules, newest first; of one agent or conversation if asked."""
        query = {"agent": agent_id, "conversation": conversation_id}
        return walk(self._transport, "/schedules", Page[Schedule], query)

    async def get(self, schedule_id: str) -> Schedule:
        """Give one schedule."""
        return await self._transport.call("GET", join("schedules", schedule_id), Schedule)

    async def find(self, named: str) -> Schedule:
        """Give the schedule of this id or name. Raises CrewhallApiError where there is none, or several of the name."""
        return await find_named(self.list(), named, "schedule")

    async def make(
        self,
        agent_id: str,
        *,
        name: str,
        prompt: str,
        cron: str,
        timezone: str = "UTC",
        conversation_id: str | None = None,
    ) -> Schedule:
        """Make a schedule; without a conversation in the signed-in person's direct one with the agent."""
        body = as_body(
            agent_id=agent_id, name=name, prompt=prompt, cron=cron, timezone=timezone, conversation_id=conversation_id
        )
        return await self._transport.call("POST", "/schedules", Schedule, body=body)

    async def change(self, schedule_id: str, **changes: Any) -> Schedule:
        """Change `name`, `prompt`, `cron` or `timezone`; what is left out stays."""
        return await self._transport.call("PATCH", join("schedules", schedule_id), Schedule, body=changes)

    async def pause(self, schedule_id: str) -> Schedule:
        """Let a schedule do nothing until it is resumed."""
        return await self._transport.call("POST", join("schedules", schedule_id, "pause"), Schedule)

    async def resume(self, schedule_id: str) -> Schedule:
        """Let it go on from its next moment."""
        return await self._transport.call("POST", join("schedules", schedule_id, "resume"), Schedule)

    async def run(self, schedule_id: str) -> TurnStarted:
        """Give the agent the schedule's task now."""
        return await self._transport.call("POST", join("schedules", schedule_id, "run"), TurnStarted)

    async def delete(self, schedule_id: str) -> None:
        """Delete a schedule."""
        await self._transport.call("DELETE", join("schedules", schedule_id), Nothing)
