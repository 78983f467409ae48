"""Answers of runtimes that come later than their turn was asked: kept once, then posted by whoever takes the turn."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CONFLICT, INVALID, define_error
from crewhall.kernel.signals import Signals
from crewhall.runtime.runs import Run, absent
from crewhall.runtime.schemas_runtimes import RunAnswer
from crewhall.runtime.storable import storable
from crewhall.runtime.vocabulary import RunStatus

ANSWERS_CHANNEL = "crewhall_answers"
"""Carries the id of a run whose runtime has answered, or was removed."""
RUN_ENDED = define_error("run_ended", 409, "The run has ended")


class KeptAnswer(msgspec.Struct):
    """What a runtime answered; None: it has nothing to say."""

    content: str | None


async def take_answer(tx: Tx, actor: Actor, run_id: UUID, answer: RunAnswer) -> None:
    """Keep what the agent answers to a run that was asked of its runtime; the same once more changes nothing.

    Raises NOT_FOUND (no such run of this agent's), INVALID (neither content nor silent, or both), RUN_ENDED, CONFLICT
    (it was answered otherwise before, or is not answered this way).
    """
    run = await tx.find(Run, "select * from runs where id = %(id)s for update", {"id": run_id})
    if run is None or actor.type is not ActorType.AGENT or actor.id != run.agent_id:
        raise absent()
    content = content_of(answer.content, silent=answer.silent)
    if run.runtime_id is None:
        raise CONFLICT("This run was not asked at an address: post your answer as a message.", run_id=run_id)
    kept = await find_answer(tx, run_id)
    if kept is not None and kept.content == content:
        return
    if run.status is not RunStatus.RUNNING:
        raise RUN_ENDED("This turn is over: it was answered, was stopped, or took too long.", run_id=run_id)
    if kept is not None:
        raise CONFLICT("This turn was answered before, with other words. The first answer counts.", run_id=run_id)
    await keep_answer(tx, run, content)
    await tx.notify(ANSWERS_CHANNEL, str(run_id))


async def keep_answer(tx: Tx, run: Run, content: str | None) -> KeptAnswer:
    """Keep an answer, unless there is one; returns the one that counts."""
    await tx.run(
        """
        insert into runtime_answers (run_id, org_id, content) values (%(run)s, %(org)s, %(content)s)
        on conflict do nothing
        """,
        {"run": run.id, "org": run.org_id, "content": storable(content)},
    )
    return await tx.one(KeptAnswer, "select content from runtime_answers where run_id = %(run)s", {"run": run.id})


async def find_answer(tx: Tx, run_id: UUID) -> KeptAnswer | None:
    """Return what was answered; None so far."""
    return await tx.find(KeptAnswer, "select content from runtime_answers where run_id = %(run)s", {"run": run_id})


def content_of(content: str | None, *, silent: bool) -> str | None:
    """The words of an answer, None for silence. Raises INVALID for one that says neither, or both."""
    if silent:
        if content:
            raise INVALID("Answer with content, or with silent, not with both.", field="silent")
        return None
    if content is None or not content.strip():
        raise INVALID('Answer with {"content": "…"}, or with {"silent": true} to say nothing.', field="content")
    return content


class AnswerWatch:
    """Wakes whoever waits in this process for the answer to a run."""

    def __init__(self, db: Database, signals: Signals) -> None:
        self._waiting: dict[UUID, asyncio.Event] = {}
        signals.follow(db, ANSWERS_CHANNEL, self._hear)
        signals.on_lost(self._wake_all)

    @contextmanager
    def expecting(self, run_id: UUID) -> Iterator[asyncio.Event]:
        """Give what is set when an answer may be there, or none will come.

        Look after having begun to wait, and each time it is set.
        """
        event = self._waiting.setdefault(run_id, asyncio.Event())
        try:
            yield event
        finally:
            self._waiting.pop(run_id, None)

    def _hear(self, payload: str) -> None:
        if event := self._waiting.get(UUID(payload)):
            event.set()

    def _wake_all(self) -> None:
        for event in self._waiting.values():
            event.set()
