"""Turns of agents: runs, their steps, why agents spoke or stayed silent, asking for one, stopping one."""

from collections.abc import AsyncIterator

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.runs import (
    ConversationRuntime,
    ConversationSummary,
    MessagePreview,
    Run,
    RunAnswered,
    RunStep,
    TurnDecision,
    TurnRequested,
    Woken,
)
from crewhall.faces.sdk.sessions import SessionToken
from crewhall.faces.sdk.transport import Transport, as_body, join


class Turns:
    """The turns in the conversations that the signed-in actor may read."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def runs(
        self, *, conversation_id: str | None = None, agent_id: str | None = None, status: str | None = None
    ) -> AsyncIterator[Run]:
        """Give runs, newest first; of one conversation, one agent, one status if asked."""
        query = {"conversation": conversation_id, "agent": agent_id, "status": status}
        return walk(self._transport, "/runs", Page[Run], query)

    async def run(self, run_id: str) -> Run:
        """Give one run."""
        return await self._transport.call("GET", join("runs", run_id), Run)

    def steps(self, run_id: str) -> AsyncIterator[RunStep]:
        """Give what a run recorded, in order."""
        return walk(self._transport, join("runs", run_id, "steps"), Page[RunStep])

    async def cancel(self, run_id: str) -> Run:
        """Cancel an open run; one that is under way ends within a moment."""
        return await self._transport.call("POST", join("runs", run_id, "cancel"), Run)

    async def answer(self, run_id: str, content: str | None) -> None:
        """Answer a turn that the signed-in agent was asked for at its webhook, later; None says nothing.

        Said again it changes nothing. Refused as `run_ended` when the turn is over.
        """
        body: dict[str, object] = {"silent": True} if content is None else {"content": content}
        path = join("runs", run_id, "answer")
        await self._transport.call("POST", path, RunAnswered, body=body, repeatable=True)

    async def ask(
        self, conversation_id: str, agent_id: str, *, message_id: str | None = None, prompt: str | None = None
    ) -> str:
        """Ask an agent for a turn about a message, by a prompt, or both; gives the id of the request."""
        body = as_body(agent_id=agent_id, message_id=message_id, prompt=prompt)
        path = join("conversations", conversation_id, "turns")
        return (await self._transport.call("POST", path, TurnRequested, body=body)).trigger_id

    def decisions(
        self, conversation_id: str, *, agent_id: str | None = None, message_id: str | None = None
    ) -> AsyncIterator[TurnDecision]:
        """Give what was decided in a conversation, newest first; about one agent or one message if asked."""
        query = {"agent": agent_id, "message": message_id}
        return walk(self._transport, join("conversations", conversation_id, "decisions"), Page[TurnDecision], query)

    def summaries(self, conversation_id: str) -> AsyncIterator[ConversationSummary]:
        """Give what each agent noted of a conversation's older part, the latest first."""
        return walk(self._transport, join("conversations", conversation_id, "summaries"), Page[ConversationSummary])

    async def runtime(self, conversation_id: str) -> ConversationRuntime:
        """Give which process decides about turns in a conversation."""
        path = join("conversations", conversation_id, "runtime")
        return await self._transport.call("GET", path, ConversationRuntime)

    async def session_token(self, conversation_id: str) -> SessionToken:
        """Give a token that says who one is in a conversation to services that verify it by themselves."""
        path = join("conversations", conversation_id, "session-token")
        return await self._transport.call("POST", path, SessionToken, repeatable=True)

    async def preview(self, conversation_id: str, content: str, *, parent_id: str | None = None) -> list[Woken]:
        """Give whom a message would wake if it were posted now, whom not, and why."""
        body = as_body(content=content, parent_id=parent_id)
        path = join("conversations", conversation_id, "messages", "preview")
        return (await self._transport.call("POST", path, MessagePreview, body=body, repeatable=True)).agents
