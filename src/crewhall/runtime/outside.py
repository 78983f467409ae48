"""Outside calls: calls of tools that the caller has. The run is put aside until the caller has done them.

The model sees the caller's tools beside the agent's own. What it calls of them is recorded and told to the caller,
under ids of our own; the results that the caller brings are recorded when the next attempt of the same run reads them.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from crewhall.governance import release
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CONFLICT, INVALID, NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.runtime.endings import Ending, PutAside
from crewhall.runtime.journal import Journal
from crewhall.runtime.runs import TRIGGERS_CHANNEL, close_approvals, go_on
from crewhall.runtime.storable import storable
from crewhall.runtime.vocabulary import RunStatus, StepKind

CUT_OFF = " … (the rest is cut off)"


class OutsideCall(msgspec.Struct, kw_only=True):
    """A call that its caller is to do. `arguments` are JSON as the model wrote it."""

    id: UUID
    run_id: UUID
    key: str
    tool: str
    arguments: str
    result: str | None


_CALLS: LiteralString = """
select id, run_id, key, tool, arguments, result from outside_calls where run_id = %(run)s order by created_at, id
"""
# Only for whoever asked, and only within the conversation where they did.
_OF_CALLER: LiteralString = """
select k.id, k.run_id, k.key, k.tool, k.arguments, k.result
from outside_calls k
join runs r on r.id = k.run_id and r.author_id = %(actor)s
where k.run_id in (select o.run_id from outside_calls o where o.id = any (%(ids)s))
order by k.created_at, k.id
for update of k
"""


class OutsideCalls:
    """The calls of one attempt, to the tools of these names.

    `wait_s` is how long the caller may take, `most_bytes` what a model is shown of a result.
    """

    def __init__(self, db: Database, journal: Journal, tools: Iterable[str], *, wait_s: float, most_bytes: int) -> None:
        self.tools = frozenset(tools)
        self._db = db
        self._journal = journal
        self._wait_s = wait_s
        self._most_bytes = most_bytes

    async def results(self, part: int, asked: list[tuple[str, str, str]]) -> list[str]:
        """Return the result of each call, in order, asked as (id of the model's, tool, arguments as JSON).

        Raises PutAside while the caller has not brought all of them; what is asked of it is recorded by then.
        """
        names = numbered([call_id for call_id, _, _ in asked])
        keyed = {f"{part}/{name}": call for name, (_, *call) in zip(names, asked, strict=True)}
        missing = {key: call for key, call in keyed.items() if self._journal.find(StepKind.RESULT, key) is None}
        if missing:
            async with self._db.transaction(system_actor(self._journal.run.org_id)) as tx:
                await self._read_or_ask(tx, missing)
        found = [self._journal.find(StepKind.RESULT, key) for key in keyed]
        results = [str(step.body["result"]) for step in found if step is not None]
        if len(results) < len(found):
            raise PutAside
        return results

    async def _read_or_ask(self, tx: Tx, asked: dict[str, list[str]]) -> None:
        known = {call.key: call for call in await tx.all(OutsideCall, _CALLS, {"run": self._journal.run.id})}
        if all(key in known and known[key].result is not None for key in asked):
            for key, (tool, arguments) in asked.items():
                body = {"tool": tool, "result": self._fit(known[key].result or ""), "outside": True}
                await self._journal.write_in(tx, StepKind.RESULT, body, key=key, digest=_digest(tool, arguments))
            return
        for key, (tool, arguments) in asked.items():
            if key not in known:
                await self._ask(tx, key, tool, arguments)

    def _fit(self, result: str) -> str:
        """The result, cut to what a model is shown."""
        if len(result.encode()) <= self._most_bytes:
            return result
        return result.encode()[: self._most_bytes].decode("utf-8", "ignore") + CUT_OFF

    async def _ask(self, tx: Tx, key: str, tool: str, arguments: str) -> None:
        body = {"tool": tool, "arguments": _decoded(arguments), "outside": True}
        await self._journal.write_in(tx, StepKind.CALL, body, key=key, digest=_digest(tool, arguments))
        await tx.run(
            """
            insert into outside_calls (id, org_id, run_id, key, tool, arguments, until)
            values (%(id)s, %(org)s, %(run)s, %(key)s, %(tool)s, %(arguments)s, %(until)s)
            """,
            {
                "id": new_id(),
                "org": self._journal.run.org_id,
                "run": self._journal.run.id,
                "key": key,
                "tool": storable(tool),
                "arguments": storable(arguments),
                "until": utc_now() + timedelta(seconds=self._wait_s),
            },
        )


async def find_called_run(tx: Tx, actor: Actor, call_ids: list[UUID]) -> UUID:
    """Return the run that asked the actor for these calls. Raises NOT_FOUND."""
    calls = await tx.all(OutsideCall, _OF_CALLER, {"actor": actor.id, "ids": call_ids})
    if not calls:
        raise NOT_FOUND("There is no such tool call of yours: answer with the ids that you were given.")
    return calls[0].run_id


async def answer_calls(tx: Tx, actor: Actor, results: dict[UUID, str]) -> UUID:
    """Bring results of calls that the actor was asked to do, and let their run go on; returns the run.

    Brought again they change nothing. Raises NOT_FOUND (no such call of the actor's), INVALID (of several runs, or some
    are missing), CONFLICT (nobody waits for them any more, or another result was brought before).
    """
    calls = await tx.all(OutsideCall, _OF_CALLER, {"actor": actor.id, "ids": list(results)})
    known = {call.id: call for call in calls}
    if not calls or set(results) - set(known):
        raise NOT_FOUND("There is no such tool call of yours: answer with the ids that you were given.")
    if len({call.run_id for call in calls}) > 1:
        raise INVALID("These tool calls belong to several turns. Answer one turn at a time.", field="messages")
    run_id = calls[0].run_id
    changed = [call.id for call in calls if call.result not in {None, results.get(call.id, call.result)}]
    if changed:
        raise CONFLICT("A tool call was answered before, with another result.", run_id=run_id)
    missing = [call.tool for call in calls if call.result is None and call.id not in results]
    if missing:
        names = ", ".join(missing)
        raise INVALID(f"Answer all tool calls of the turn at once; missing: {names}.", field="messages")
    if any(call.result is None for call in calls):
        await _bring(tx, run_id, results)
    return run_id


async def _bring(tx: Tx, run_id: UUID, results: dict[UUID, str]) -> None:
    status = await tx.value("select status from runs where id = %(id)s for update", {"id": run_id})
    if status not in {RunStatus.WAITING, RunStatus.RUNNING, RunStatus.QUEUED}:
        raise CONFLICT("Nobody waits for this tool call any more: its turn has ended. Ask anew.", run_id=run_id)
    for call_id, result in results.items():
        await tx.run(
            """
            update outside_calls set result = %(result)s, answered_at = now() where id = %(id)s and result is null
            """,
            {"id": call_id, "result": storable(result)},
        )
    await go_on(tx, run_id)


async def list_open_calls(tx: Tx, run_id: UUID) -> list[OutsideCall]:
    """What a run waits for its caller to do, in the order in which it was asked."""
    return [call for call in await tx.all(OutsideCall, _CALLS, {"run": run_id}) if call.result is None]


class _Forsaken(msgspec.Struct):
    org_id: UUID
    run_id: UUID


async def end_forsaken(db: Database) -> None:
    """End the runs whose caller has not come back in time."""
    async with db.transaction(None) as tx:
        forsaken = await tx.all(_Forsaken, "select org_id, run_id from forsaken_runs()")
    for one in forsaken:
        async with db.transaction(system_actor(one.org_id)) as tx:
            shard = await tx.value(
                """
                update runs set status = 'stopped', reason = %(reason)s, detail = %(detail)s, completed_at = now()
                where id = %(run)s and status = 'waiting' returning shard_of(conversation_id)
                """,
                {
                    "run": one.run_id,
                    "reason": str(Ending.FORSAKEN),
                    "detail": "The program that asked did not come back with what its tools gave.",
                },
            )
            if shard is not None:
                await close_approvals(tx, one.run_id)
                await release(tx, one.run_id)
                await tx.notify(TRIGGERS_CHANNEL, str(shard))


def numbered(ids: Sequence[str]) -> list[str]:
    """Ids of a model's calls as names that differ: the second of an id has `#1` behind it, and so on."""
    return [one + f"#{before}" if (before := ids[:at].count(one)) else one for at, one in enumerate(ids)]


def _decoded(arguments: str) -> Any:
    """The arguments as a journal shows them: decoded where they can be."""
    try:
        return msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return arguments


def _digest(tool: str, arguments: str) -> bytes:
    return hashlib.blake2b(msgspec.json.encode((tool, arguments)), digest_size=16).digest()
