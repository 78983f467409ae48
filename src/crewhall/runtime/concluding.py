"""Concluding a turn: its last step recorded, the conversation told once if there is anything to tell, its run ended."""

from typing import Any
from uuid import UUID

import msgspec

from crewhall.conversations import escape_markdown
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.runtime.endings import Ending, TurnEnded
from crewhall.runtime.explanations import BROKEN_OFF
from crewhall.runtime.journal import Journal
from crewhall.runtime.runs import Run, end_run, put_aside
from crewhall.runtime.vocabulary import Cause, RunStatus, StepKind
from crewhall.runtime.voice import Voice

ASKED_BY_PROGRAMS = frozenset({Cause.API, Cause.TRY})
"""Turns whose caller sees for itself that they were stopped."""
AGAIN = " again: it had begun and was broken off, and whether it was done is not known"


class Conclusion:
    """Concludes the turns of a process."""

    def __init__(self, db: Database, voice: Voice, base_url: str) -> None:
        self._db = db
        self._voice = voice
        self._base_url = base_url

    async def finish(
        self, journal: Journal, reason: Ending, body: dict[str, Any] | None = None, answer_id: UUID | None = None
    ) -> None:
        """Record the last step and end the run, in one transaction."""
        async with journal.transaction(lazily=True) as tx:
            if body is not None:
                await journal.write_in(tx, StepKind.POST, body)
            await end_run(tx, journal.run, RunStatus.SUCCEEDED, reason, answer_id=answer_id)

    async def end(self, journal: Journal, agent: Actor, ended: TurnEnded) -> None:
        """Record why the turn ended, tell the conversation once if there is something to tell, end the run."""
        run = journal.run
        if recorded_end(journal) is None:
            async with journal.transaction() as tx:
                await record_end(tx, journal, ended)
        if ended.detail is not None:
            await self._voice.tell(
                run, f"**{escape_markdown(agent.name)} did not answer.** {escape_markdown(ended.detail)}"
            )
        elif ended.reason is Ending.CANCELED and run.cause not in ASKED_BY_PROGRAMS:
            await self._tell_stopped(run, agent.name)
        async with self._db.transaction(system_actor(run.org_id)) as tx:
            await end_run(tx, run, ended.status, ended.reason, detail=ended.detail)

    async def tell_canceled(self, org_id: UUID, run_id: UUID) -> None:
        """Tell the conversation, once, of a run that was canceled while no process had it; of any other nothing."""
        async with self._db.transaction(system_actor(org_id)) as tx:
            run = await tx.find(Run, "select * from runs where id = %(id)s and status = 'canceled'", {"id": run_id})
            if run is None or run.cause in ASKED_BY_PROGRAMS:
                return
            name = await tx.value("select name from agents where id = %(id)s", {"id": run.agent_id})
        await self._tell_stopped(run, name)

    async def put_aside(self, journal: Journal, agent: Actor, approvals: list[UUID]) -> None:
        """Put the run aside, and tell the conversation once of each call that a person has to decide about."""
        run = journal.run
        async with self._db.transaction(system_actor(run.org_id)) as tx:
            await put_aside(tx, run, approvals)
            waiting = await tx.all(
                _Waiting,
                "select id, tool, why from approvals where run_id = %(run)s and status = 'waiting' order by id",
                {"run": run.id},
            )
        name = escape_markdown(agent.name)
        for one in waiting:
            there = f"{self._base_url}/approvals/{one.id}"
            again = AGAIN if one.why == BROKEN_OFF else ""
            text = f"**{name} asked** to use `{one.tool}`{again}. A person decides. [How it stands]({there})"
            await self._voice.tell(run, text, f"approval:{one.id}")

    async def _tell_stopped(self, run: Run, name: str) -> None:
        there = f"{self._base_url}/runs/{run.id}"
        who = await self._who_stopped(run)
        await self._voice.tell(run, f"**{escape_markdown(name)} was stopped**{who}. [What it had done]({there})")

    async def _who_stopped(self, run: Run) -> str:
        async with self._db.transaction(system_actor(run.org_id)) as tx:
            name = await tx.value(
                """
                select coalesce(u.name, a.name) from runs r
                left join users u on u.id = r.canceled_by left join agents a on a.id = r.canceled_by
                where r.id = %(id)s
                """,
                {"id": run.id},
            )
        return f" by {escape_markdown(name)}" if name else ""


async def record_end(tx: Tx, journal: Journal, ended: TurnEnded) -> None:
    """Record why a turn ends before it does."""
    body = {"status": str(ended.status), "reason": str(ended.reason), "detail": ended.detail}
    await journal.write_in(tx, StepKind.FAILURE, body, key="end")


def recorded_end(journal: Journal) -> TurnEnded | None:
    """Why the turn ended, if an earlier attempt has recorded it."""
    step = journal.find(StepKind.FAILURE, "end")
    if step is None:
        return None
    found = msgspec.convert(step.body, _Recorded)
    return TurnEnded(found.status, found.reason, found.detail)


class _Waiting(msgspec.Struct):
    id: UUID
    tool: str
    why: str


class _Recorded(msgspec.Struct):
    status: RunStatus
    reason: str
    """Not `Ending`: it may have been recorded by a version that knew another one."""
    detail: str | None
