"""Trying an agent out: who manages it asks it something, with a form's values in effect, and nothing is posted.

A try is a run (cause `try`) in the agent's own inbox: journaled, priced, budgeted and counted as any turn, taken by the
process that was asked, without tools. Whoever asks hears the words while they come. One at a time for each agent.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from crewhall.agents import AgentDetail, access_agent, check_model_config
from crewhall.conversations import render_markdown
from crewhall.governance import describe_limit
from crewhall.kernel.actor import Actor, ActorType, system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CONFLICT, INVALID, CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.kernel.tools import OnlyParts
from crewhall.runtime.citing import Answer, as_metadata, cite, given_to, links_of
from crewhall.runtime.context import Context, Persona, Place, Reading, find_persona
from crewhall.runtime.endings import Ending, TurnEnded, failed, stopped
from crewhall.runtime.executor import Executor
from crewhall.runtime.journal import Journal
from crewhall.runtime.runs import FENCED, INSERT, Begun, NewRun, Run, begin_run, end_run, run_values
from crewhall.runtime.schemas import TryBegan, TryFailed, TryRequest, TryResult, TryWords
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.tools import Caller
from crewhall.runtime.vocabulary import Cause, RunStatus

LONGEST_S = 300.0
FORGOTTEN_S = 600.0
"""After so long a try that has not ended died with its process."""
Event = TryBegan | TryWords | TryResult | TryFailed


class Trials:
    """Lets agents be tried out in this process."""

    def __init__(self, db: Database, executor: Executor, settings: TurnSettings) -> None:
        self._db = db
        self._executor = executor
        self._settings = settings

    async def begin(self, actor: Actor, agent_id: UUID, asked: TryRequest) -> "Trial":
        """Begin to try an agent out.

        Raises NOT_FOUND, FORBIDDEN (the actor does not manage it), INVALID (no model), CONFLICT (it is being tried).
        """
        async with self._db.transaction(actor) as tx:
            agent = await access_agent(tx, actor, agent_id, "update")
        config = agent.model_config
        if asked.model_config is not msgspec.UNSET:
            check_model_config(config := asked.model_config)
        if not (config.get("provider") and config.get("model")):
            raise INVALID("Choose a provider and a model first.", field="model_config")
        if agent.inbox_id is None:
            raise CONFLICT("This agent has no inbox any more: it is deleted.")
        async with self._db.transaction(system_actor(actor.org)) as tx:
            run = await _open_run(tx, actor, agent, agent.inbox_id, asked.prompt)
            refusal = None if run.refused_by is None else await describe_limit(tx, run.refused_by)
            persona = await find_persona(tx, agent_id)
            organization = await tx.value("select name from organizations where id = %(id)s", {"id": actor.org})
        persona = msgspec.structs.replace(persona, model_config=config)
        if asked.instructions is not msgspec.UNSET:
            persona = msgspec.structs.replace(persona, instructions=asked.instructions)
        return Trial(self._db, self._executor, self._settings, run, persona, str(organization), refusal)


class Trial:
    """One try, to be heard once."""

    def __init__(
        self,
        db: Database,
        executor: Executor,
        settings: TurnSettings,
        run: Run,
        persona: Persona,
        organization: str,
        refusal: str | None,
    ) -> None:
        self._db = db
        self._executor = executor
        self._limit_s = min(settings.turn_time_s, LONGEST_S)
        self._run = run
        self._persona = persona
        self._organization = organization
        self._refusal = refusal
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._has_ended = False
        self._taking = asyncio.create_task(self._take(), name="try")  # it ends though nobody should come to listen

    async def events(self) -> AsyncGenerator[Event]:
        """Give what happens until it ends; who stops listening stops it."""
        config = self._persona.model_config
        try:
            yield TryBegan(run_id=self._run.id, model=f"{config['provider']}:{config['model']}")
            while (event := await self._events.get()) is not None:
                yield event
        finally:
            self._taking.cancel()
            try:
                with contextlib.suppress(asyncio.CancelledError):
                    await self._taking
            finally:
                await asyncio.shield(self._end(RunStatus.CANCELED, Ending.CANCELED))

    # -- the words, as Words has it

    def begin(self, request: int) -> None:
        """See Words."""
        self._events.put_nowait(TryWords(text="", request=request))

    def feed(self, text: str) -> None:
        """See Words."""
        if text:
            self._events.put_nowait(TryWords(text=text))

    def flush(self) -> None:
        """See Words."""

    # -- the turn

    async def _take(self) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._limit_s):
                answer = await self._think()
            await self._end(RunStatus.SUCCEEDED, Ending.TRIED)
            self._events.put_nowait(await self._result(answer, time.monotonic() - began))
        except TurnEnded as ended:
            await self._fail(ended)
        except TimeoutError:
            await self._fail(failed(Ending.TIMED_OUT, f"There was no answer within {self._limit_s:g} s."))
        except CrewhallError as error:
            await self._fail(failed(Ending.INTERNAL, error.detail))
        except Exception:
            await self._fail(failed(Ending.INTERNAL, "It failed. The server's log says why."))
            raise
        finally:
            self._events.put_nowait(None)

    async def _think(self) -> Answer:
        if self._refusal is not None:
            raise stopped(Ending.BUDGET, self._refusal)
        run, persona = self._run, self._persona
        thinker = await self._executor.wake_thinker()
        journal = Journal(self._db, run, [])
        context = await self._context(journal)
        agent = Actor(type=ActorType.AGENT, id=persona.id, org_id=run.org_id, name=persona.name)
        caller = Caller(db=self._db, actor=agent, parts=OnlyParts(), here=run.conversation_id, run_id=run.id)
        text = await thinker.think(journal, persona, context, self, caller, [])
        return cite(text, given_to(journal.steps))

    async def _context(self, journal: Journal) -> Context:
        place = Place(kind="direct", name=None, title=None, organization=self._organization, last_seq=0, members=[])
        reading = Reading(place=place, seen_seq=0, lines=[], summary=None, is_cut=False)
        return await self._executor.preparation.alone(self._run, journal, self._persona, reading)

    async def _fail(self, ended: TurnEnded) -> None:
        detail = ended.detail or "It ended without an answer."
        await self._end(ended.status, ended.reason, detail)
        self._events.put_nowait(TryFailed(run_id=self._run.id, reason=str(ended.reason), detail=detail))

    async def _end(self, status: RunStatus, reason: str, detail: str | None = None) -> None:
        """End the run, unless it has ended."""
        if self._has_ended:
            return
        try:
            async with self._db.transaction(system_actor(self._run.org_id)) as tx:
                await end_run(tx, self._run, status, reason, detail=detail)
        except CrewhallError as error:
            if error.kind is not FENCED:
                raise
        self._has_ended = True

    async def _result(self, answer: Answer, seconds: float) -> TryResult:
        async with self._db.transaction(system_actor(self._run.org_id)) as tx:
            used = await tx.one(
                _Used,
                "select model, input_tokens, cached_tokens, output_tokens, cost, currency from runs where id = %(id)s",
                {"id": self._run.id},
            )
        return TryResult(
            run_id=self._run.id,
            text=answer.text,
            html=render_markdown(answer.text, (), links_of(answer.sources, self._executor.base_url)),
            sources=as_metadata(answer.sources),
            seconds=round(seconds, 3),
            **msgspec.structs.asdict(used),
        )


async def end_forgotten_tries(tx: Tx, after_s: float = FORGOTTEN_S) -> None:
    """End the tries of every organization that have not ended for so long; what they hold of budgets is stray then."""
    await tx.run("select end_forgotten_tries(make_interval(secs => %(after)s))", {"after": after_s})


class _Used(msgspec.Struct):
    model: str | None
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost: Decimal | None
    currency: str | None


async def _open_run(tx: Tx, actor: Actor, agent: AgentDetail, inbox_id: UUID, prompt: str) -> Begun:
    """Insert the run of a try and begin it. One that died with its process is ended first."""
    await end_forgotten_tries(tx)
    run_id = new_id()
    new = NewRun(
        org_id=actor.org,
        conversation_id=inbox_id,
        agent_id=agent.id,
        cause=Cause.TRY,
        author_type=actor.type,
        author_id=actor.id,
        exchange_id=run_id,
        prompt=prompt,
        behalf_of=[actor.id],
    )
    values: dict[str, Any] = run_values(new, run_id)
    if not await tx.run(INSERT, values):
        raise CONFLICT(f"Somebody is trying {agent.name} out just now. Wait until it has answered.")
    run = await begin_run(tx, run_id)
    assert run is not None
    return run
