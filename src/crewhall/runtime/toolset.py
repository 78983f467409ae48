"""An agent's tools as its model calls them: a call is recorded before it is made, its result before it is used.

A call whose result is recorded is not made again. One whose result is not known (the process died meanwhile) is made
again if its tool is repeatable; otherwise a person is asked. A call that a person has to approve waits by itself: the
others of the same answer are made, then the turn is put aside.
"""

import hashlib
import logging
import time
from typing import Any, Literal
from uuid import UUID

import msgspec

from crewhall.kernel.actor import system_actor
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.tools import Risk
from crewhall.kernel.tracing import NO_SPANS, NoSpans
from crewhall.knowledge.tools import Passages
from crewhall.runtime.approvals import Approval, NewApproval, ask_approval, find_approval, use_approval, void_approval
from crewhall.runtime.citing import Source, as_metadata, given_to, number_found
from crewhall.runtime.endings import Ending, stopped
from crewhall.runtime.explanations import BROKEN_OFF
from crewhall.runtime.guard import acting_for
from crewhall.runtime.journal import Journal, Step
from crewhall.runtime.judging import Judgement, Standing, Verdict, judge
from crewhall.runtime.quotes import find_closed, find_quotes, ids_in
from crewhall.runtime.spans import span_call, tell_result
from crewhall.runtime.storable import storable
from crewhall.runtime.tool_policies import get_tool_policy
from crewhall.runtime.tools import Caller, Tool
from crewhall.runtime.vocabulary import ApprovalStatus, StepKind

log = logging.getLogger(__name__)
EXPIRED = "Nobody decided about this in time, so it counts as refused (expired). Do without it, or ask somebody."


class Asked(msgspec.Struct, frozen=True):
    """A call that a model asks for: `key` names it within the run, `digest` says what exactly was asked."""

    tool: Tool
    key: str
    digest: bytes
    arguments: dict[str, Any]


Ended = Literal["success", "failed", "retried"]
"""How a call ended; `retried` was wrong, and may be made again otherwise."""
UNKNOWN, UNREADABLE = WRONG = ("unknown_tool", "unreadable_arguments")
"""Codes of calls that cannot be made at all."""


class Outcome(msgspec.Struct, frozen=True):
    """What the model reads of a call: its result, or why there is none."""

    content: Any
    kind: Ended = "success"


class JournaledToolset:
    """The tools of one run. `most_bytes` bounds what of a result the model is shown."""

    def __init__(
        self,
        journal: Journal,
        tools: list[Tool],
        most_bytes: int,
        *,
        approval_hours: float,
        spans: NoSpans = NO_SPANS,
    ) -> None:
        self._journal = journal
        self._spans = spans
        self.tools = {tool.name: tool for tool in tools}
        self._most_bytes = most_bytes
        self._approval_hours = approval_hours
        self.waits_for: set[UUID] = set()
        """The approvals without which the turn does not go on."""

    async def call(self, key: str, name: str, tool_args: dict[str, Any] | None, caller: Caller) -> Outcome | None:
        """Call a tool, or take its result from the journal; None when a person has to decide first. Raises TurnEnded.

        `key` names the call within its run; `tool_args` is None where they are no object. Calls are made one after the
        other, so that the journal tells which came first.
        """
        arguments = None if tool_args is None else storable(tool_args)
        digest, tool = _digest(name, arguments), self.tools.get(name)
        recorded = self._journal.find(StepKind.RESULT, key)
        if recorded is None and arguments is None:
            recorded = await self._record_wrong(key, name, digest, UNREADABLE, "The arguments are not a JSON object.")
        elif recorded is None and tool is None:
            recorded = await self._record_unknown(key, name, digest)
        elif recorded is None and tool is not None and arguments is not None:
            recorded = await self._use(Asked(tool, key, digest, arguments), caller)
        if recorded is None:
            return None
        if recorded.digest != digest:
            raise stopped(Ending.DIVERGED, "The agent or Crewhall was changed meanwhile. Ask again.")
        body = recorded.body
        if "error" in body:
            return Outcome(body["error"], "retried" if body.get("code") in WRONG else "failed")
        if "approved" in body:
            return Outcome({"a_person_changed_the_arguments_to": body["approved"], "result": body["result"]})
        return Outcome(body["result"])

    async def _use(self, call: Asked, caller: Caller) -> Step | None:
        """Make the call if it may be made; gives its result, recorded; None while a person has to decide."""
        if begun := self._journal.find(StepKind.CALL, call.key):
            return await self._make_again(call, begun, caller)
        judged, has_asked = await self._judge(call, caller), self._journal.find(StepKind.APPROVAL, call.key) is not None
        if judged is not None and (judged.verdict is Verdict.ASK or (has_asked and judged.verdict is Verdict.ALLOW)):
            return await self._go_on(call, await self._approval(call, judged.why), caller)
        if has_asked:
            async with self._journal.transaction() as tx:
                await void_approval(tx, self._journal.run.id, call.key)
        if judged is not None and judged.verdict is Verdict.REFUSE:
            return await self._record_refusal(call, f"This was refused: {judged.why}")
        await self._record_call(call, call.arguments)
        return await self._make(call, call.arguments, caller)

    async def _make_again(self, call: Asked, begun: Step, caller: Caller) -> Step | None:
        """The call was begun by an attempt that died: make it again, as it was begun, if that does no harm; or ask."""
        begun_call = msgspec.structs.replace(call, arguments=begun.body["arguments"])
        if call.tool.is_repeatable or _only_reads(call.tool, begun_call.arguments):
            await self._journal.write(StepKind.CALL, begun.body, key=call.key, digest=call.digest)
            return await self._make(call, begun_call.arguments, caller)
        times = sum(step.kind is StepKind.CALL and step.key == call.key for step in self._journal.steps)
        key = f"{call.key}, begun {times}"
        judged = await self._judge(begun_call, caller)
        if judged is None or judged.verdict is Verdict.REFUSE:
            async with self._journal.transaction() as tx:
                await void_approval(tx, self._journal.run.id, key)
            why = "" if judged is None else f" It was not done again: {judged.why}"
            return await self._record_refusal(call, f"It was broken off: whether it was done is not known.{why}")
        return await self._go_on(call, await self._approval(begun_call, BROKEN_OFF, key), caller)

    # -- judging

    async def _judge(self, call: Asked, caller: Caller) -> Judgement | None:
        """What becomes of the call, by the agent's trust and the policy as they are now; None: it cannot be read.

        Nobody is asked about what cannot be made: that is refused.
        """
        try:
            asked = msgspec.convert(call.arguments, call.tool.takes)
        except msgspec.ValidationError:
            return None  # it is not made; what is wrong is its result
        run, tool = self._journal.run, call.tool
        async with self._journal.transaction() as tx:
            system = system_actor(run.org_id)
            policy = await get_tool_policy(tx, system)
            standing = await tx.one(
                Standing,
                """
                select trust_score::float8 as trust, status <> 'active' as on_probation from agents where id = %(id)s
                """,
                {"id": run.agent_id},
            )
            judged = judge(tool.name, tool.risk_of(asked), standing, policy, asks_from=tool.asks_from)
            if judged.verdict is Verdict.ASK and tool.check is not None:
                try:
                    await tool.check(tx, caller.actor, asked)
                except CrewhallError as error:
                    return Judgement(Verdict.REFUSE, error.detail)
        return judged

    async def _approval(self, call: Asked, why: str, key: str | None = None) -> Approval:
        """What was decided about the call, or is to be; asked for once, in the transaction of its step."""
        run, key = self._journal.run, key or call.key
        async with self._journal.transaction() as tx:
            found = await find_approval(tx, run.id, key)
            if found is not None:
                return found
            asked = msgspec.convert(call.arguments, call.tool.takes)
            new = NewApproval(
                key=key,
                tool=call.tool.name,
                risk=call.tool.risk_of(asked),
                effect=call.tool.effect_of(asked),
                why=why,
                arguments=call.arguments,
            )
            approval = await ask_approval(tx, run, new, hours=self._approval_hours)
            body = {"tool": new.tool, "arguments": new.arguments, "approval_id": str(approval.id), "why": new.why}
            await self._journal.write_in(tx, StepKind.APPROVAL, body, key=key, digest=call.digest)
        return approval

    async def _go_on(self, call: Asked, approval: Approval, caller: Caller) -> Step | None:
        """Do as was decided. The decision is used in the transaction of the step that follows from it."""
        if approval.status is ApprovalStatus.APPROVED:
            approved = approval.approved_arguments
            arguments = approval.arguments if approved is None else approved
            await self._record_call(call, arguments, approval)
            return await self._make(call, arguments, caller)
        before = "" if approval.key == call.key else "It was broken off: whether it was done is not known. "
        if approval.status is ApprovalStatus.REFUSED:
            return await self._record_refusal(call, f"{before}A person refused this: {approval.reason}", approval)
        if approval.status is ApprovalStatus.EXPIRED:
            return await self._record_refusal(call, before + EXPIRED, approval)
        self.waits_for.add(approval.id)
        return None

    # -- recording

    async def _record_call(self, call: Asked, arguments: dict[str, Any], approval: Approval | None = None) -> None:
        body: dict[str, Any] = {"tool": call.tool.name, "arguments": arguments}
        if approval is None:
            await self._journal.write(StepKind.CALL, body, key=call.key, digest=call.digest)
            return
        body |= {"asked": call.arguments, "approval_id": str(approval.id)}
        async with self._journal.transaction() as tx:
            await use_approval(tx, approval)
            await self._journal.write_in(tx, StepKind.CALL, body, key=call.key, digest=call.digest)

    async def _record_unknown(self, key: str, name: str, digest: bytes) -> Step:
        """Answer a call of a tool that is not there (any more): for good, whatever the agent is given later."""
        there_are = ", ".join(sorted(self.tools)) or "none"
        said = f"There is no tool {name!r}. There are: {there_are}."
        return await self._record_wrong(key, name, digest, UNKNOWN, said)

    async def _record_wrong(self, key: str, name: str, digest: bytes, code: str, said: str) -> Step:
        """Answer a call that nobody can make."""
        body = {"tool": name, "error": said, "code": code}
        async with self._journal.transaction() as tx:
            await void_approval(tx, self._journal.run.id, key)
            return await self._journal.write_in(tx, StepKind.RESULT, body, key=key, digest=digest)

    async def _record_refusal(self, call: Asked, said: str, approval: Approval | None = None) -> Step:
        body = {"tool": call.tool.name, "error": said, "code": "refused"}
        async with self._journal.transaction() as tx:
            if approval is not None:
                await use_approval(tx, approval)
                body["approval_id"] = str(approval.id)
            return await self._journal.write_in(tx, StepKind.RESULT, body, key=call.key, digest=call.digest)

    async def _make(self, call: Asked, arguments: dict[str, Any], caller: Caller) -> Step:
        """Make the call, with the rights of the agent and of everybody for whom it acts."""
        began = time.monotonic()
        tool = call.tool
        with span_call(self._spans, self._journal, tool.name, call.key) as span:
            body: dict[str, Any] = {"tool": tool.name, **await self._outcome(call, arguments, caller)}
            tell_result(span, arguments, body)
        if "result" in body and arguments != call.arguments:
            body["approved"] = arguments
        taken = round((time.monotonic() - began) * 1000)
        if tool.is_personal:
            body["persons"] = [str(one) for one in self._journal.run.behalf_of]
        return await self._journal.write(StepKind.RESULT, body, key=call.key, digest=call.digest, duration_ms=taken)

    async def _outcome(self, call: Asked, arguments: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """What came of a call: `result` with the conversations and documents that it quotes, or `error`."""
        run = self._journal.run
        try:
            asked = msgspec.convert(arguments, call.tool.takes)
            async with self._journal.transaction() as tx:
                actor = await acting_for(tx, caller.actor, run.behalf_of)
            result = await call.tool.call(msgspec.structs.replace(caller, actor=actor, key=call.key), asked)
            sources: list[Source] = []
            if isinstance(result, Passages):
                sources = number_found(result, given_to(self._journal.steps))
            shown = storable(msgspec.to_builtins(result))
            quotes: list[UUID] = []
            closed: list[UUID] = []
            if named := ids_in([arguments, shown]) - {run.conversation_id}:
                async with self._journal.transaction() as tx:
                    quotes = await find_quotes(tx, run.conversation_id, named)
                    closed = await find_closed(tx, run.conversation_id, named)
        except msgspec.ValidationError as error:
            return {"error": f"The arguments are not valid: {error}"}
        except CrewhallError as error:
            return {"error": error.detail, "code": error.code}
        except Exception:
            log.exception("a tool failed", extra={"tool": call.tool.name, "run": str(run.id)})
            return {"error": "The tool failed. Do without it, or try something else."}
        also = {"quotes": _texts(quotes), "documents": _texts(closed), "sources": as_metadata(sources)}
        return {"result": self._fit(shown)} | {name: values for name, values in also.items() if values}

    def _fit(self, shown: Any) -> Any:
        """The result, cut to what a model is shown."""
        text = shown if isinstance(shown, str) else msgspec.json.encode(shown).decode()
        if len(text.encode()) <= self._most_bytes:
            return shown
        return text.encode()[: self._most_bytes].decode("utf-8", "ignore") + " … (the rest is cut off)"


def _texts(ids: list[UUID]) -> list[str]:
    return [str(one) for one in ids]


def _only_reads(tool: Tool, arguments: dict[str, Any]) -> bool:
    try:
        return tool.risk_of(msgspec.convert(arguments, tool.takes)) is Risk.READ
    except msgspec.ValidationError:
        return True  # it was never made


def _digest(name: str, arguments: dict[str, Any] | None) -> bytes:
    return hashlib.blake2b(msgspec.json.encode((name, arguments), order="sorted"), digest_size=16).digest()
