"""The executor: takes the turn of one run, from its claim to its end.

Whatever dies when, the turn finishes once: what is recorded is not done again, and the answer bears the run's id as
client id, so that it appears once. Remote agents are told of the messages in their inbox, and answer by themselves.
"""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import Error

from crewhall.conversations import Posting
from crewhall.governance import describe_limit, release
from crewhall.kernel.actor import Actor, ActorType, system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.outbound import Outbound
from crewhall.kernel.signals import Signals
from crewhall.kernel.telemetry import turns_under_way
from crewhall.kernel.tools import OnlyParts
from crewhall.kernel.tracing import NO_SPANS, NoSpans, Span
from crewhall.ports.knowledge import Knowledge
from crewhall.ports.live import Live
from crewhall.ports.message_log import MessageLog
from crewhall.runtime.calling import RuntimeCaller
from crewhall.runtime.citing import cite, given_to
from crewhall.runtime.completions import Completion, find_completion
from crewhall.runtime.concluding import Conclusion, record_end, recorded_end
from crewhall.runtime.context import Persona, find_persona
from crewhall.runtime.deliveries import deliver
from crewhall.runtime.endings import Ending, PutAside, TurnEnded, failed, stopped
from crewhall.runtime.endpoints import read_endpoints
from crewhall.runtime.journal import Journal, open_journal
from crewhall.runtime.knowing import HandbookKnowledge
from crewhall.runtime.preparing import Preparation
from crewhall.runtime.runs import FENCED, RUNS_CHANNEL, Begun, Run, begin_run
from crewhall.runtime.server_tools import ToolServers
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.tokens import TokenStream
from crewhall.runtime.tools import TOOLS, Caller, Tool
from crewhall.runtime.vocabulary import Cause, RunStatus
from crewhall.runtime.voice import PASSING, Voice

if TYPE_CHECKING:
    from crewhall.runtime.thinking import Thinker

log = logging.getLogger(__name__)
MOST_ATTEMPTS = 10
"""Attempts after which a run is given up: it kills whoever takes it."""
SILENCE = frozenset({"", "[silent]", "silent", "(silent)", "stay silent", "[stay silent]"})


class Executor:
    """What taking turns needs of its process. Give `execute` to the worker; `close` when it has stopped."""

    def __init__(
        self,
        db: Database,
        message_log: MessageLog,
        posting: Posting,
        live: Live,
        signals: Signals,
        settings: TurnSettings,
        *,
        base_url: str = "",
        tools: dict[str, Tool] = TOOLS,
        outbound: Outbound | None = None,
        servers: ToolServers | None = None,
        knowledge: Knowledge | None = None,
        parts: Sequence[object] = (),
        spans: NoSpans = NO_SPANS,
        caller: RuntimeCaller | None = None,
    ) -> None:
        self._servers = servers or ToolServers(db, settings)
        self._db = db
        self._log = message_log
        self._voice = Voice(db, posting, base_url)
        self._conclusion = Conclusion(db, self._voice, base_url)
        self._parts = (posting, outbound or _way_out(settings), *parts)
        self._caller = caller or RuntimeCaller(db, signals, settings, base_url=base_url)
        self._live = live
        self._settings = settings
        self.base_url = base_url
        self.preparation = Preparation(db, settings, base_url, knowledge or HandbookKnowledge(base_url))
        self._tools = tools
        self._spans = spans
        self._endpoints = read_endpoints(settings.model_endpoints)
        self._thinker: Thinker | None = None
        self._waking = asyncio.Lock()
        self._under_way: dict[UUID, asyncio.Task[Any]] = {}
        self._canceled: set[UUID] = set()
        signals.follow(db, RUNS_CHANNEL, self._on_cancel)

    async def close(self) -> None:
        """Close what turns have opened; none is under way."""
        if self._thinker is not None:
            await self._thinker.close()

    async def execute(self, org_id: UUID, run_id: UUID) -> None:
        """Take the turn of a run; returns when the run has ended or another attempt has taken over."""
        task = asyncio.current_task()
        assert task is not None
        self._under_way[run_id] = task
        try:
            if not await self._take(org_id, run_id):
                await self._conclusion.tell_canceled(org_id, run_id)
        except Exception as error:
            if isinstance(error, CrewhallError) and error.kind is FENCED:
                log.info("a turn was taken over", extra={"run": str(run_id)})
                return
            is_passing = isinstance(error, CrewhallError | OSError | Error)
            told = {"run": str(run_id), "reason": str(error).strip()}
            log.warning("a turn broke off, and is taken again", extra=told, exc_info=not is_passing)
            raise
        finally:
            self._under_way.pop(run_id, None)
            self._canceled.discard(run_id)

    async def _take(self, org_id: UUID, run_id: UUID) -> bool:
        """Take the turn; tells whether there was one to take: a run that has ended has none."""
        async with self._db.transaction(system_actor(org_id), lazily=True) as tx:
            run = await begin_run(tx, run_id)
            if run is None:
                return False
            refusal = await _refusal(tx, run)
            persona = await find_persona(tx, run.agent_id)
            journal = await open_journal(self._db, tx, run)
            if refusal is not None:  # recorded with the count: whoever takes over asks for no second admission
                await record_end(tx, journal, stopped(Ending.BUDGET, refusal))
        agent = Actor(type=ActorType.AGENT, id=persona.id, org_id=org_id, name=persona.name)
        tokens = TokenStream(self._live, agent, run)
        with turns_under_way.track_inprogress(), span_turn(self._spans, run, agent) as span:
            try:
                async with self._cancelable(run):
                    await self._go(run, journal, persona, agent, tokens)
            except TurnEnded as ended:
                span.set(crewhall__run__ending=str(ended.reason))
                await self._conclusion.end(journal, agent, ended)
            except PutAside as waiting:
                await self._conclusion.put_aside(journal, agent, waiting.approvals)
            finally:
                tokens.end()
        return True

    async def _go(self, run: Run, journal: Journal, persona: Persona, agent: Actor, tokens: TokenStream) -> None:
        """Take the turn. Raises TurnEnded when it ends otherwise than with an answer, PutAside when it waits."""
        if ended := recorded_end(journal):
            raise ended
        if run.cancel_requested_at is not None:
            raise TurnEnded(RunStatus.CANCELED, Ending.CANCELED, None)
        if persona.is_gone or persona.status not in {"active", "probation"}:
            raise stopped(Ending.INACTIVE, None)
        if run.attempt - run.waits > MOST_ATTEMPTS:
            raise failed(Ending.CRASHED, f"{persona.name} broke off {MOST_ATTEMPTS} times over this. Ask otherwise.")
        if run.is_remote:
            await self._deliver(journal, persona)
            return
        try:
            if run.runtime_id is not None:
                tokens.begin(1)
                context = await self.preparation.context(
                    run, journal, persona, agent, await self._completion(run), None
                )
                text = await self._caller.ask(journal, persona, context)
            else:
                async with asyncio.timeout(self._settings.turn_time_s):
                    text = await self._answer(run, journal, persona, agent, tokens)
        except TimeoutError:
            raise failed(
                Ending.TIMED_OUT,
                f"{persona.name} did not come to an answer within {self._settings.turn_time_s:g} s. Ask for something "
                "smaller, or again.",
            ) from None
        if text.strip().lower() in SILENCE:
            await self._conclusion.finish(journal, Ending.SILENT)
        else:
            await self._post(run, journal, agent, text)

    async def _deliver(self, journal: Journal, persona: Persona) -> None:
        """Tell an agent that thinks elsewhere; the run has ended, its answer is the agent's own doing."""
        if journal.run.message_id is None:
            raise failed(
                Ending.REFUSED, f"{persona.name} thinks elsewhere and hears of messages alone: mention it in one."
            )
        await deliver(self._db, self._log, journal.run)
        await self._conclusion.finish(journal, Ending.DELIVERED)

    async def _answer(self, run: Run, journal: Journal, persona: Persona, agent: Actor, tokens: TokenStream) -> str:
        thinker = await self.wake_thinker()
        completion = await self._completion(run)
        context = await self.preparation.context(run, journal, persona, agent, completion, thinker)
        tools = [self._tools[name] for name in persona.tools if name in self._tools]
        tools += await self._servers.tools_of(run.org_id, persona.tools, held=run.attempt > 1)
        caller = Caller(
            db=self._db, actor=agent, parts=OnlyParts(*self._parts), here=run.conversation_id, run_id=run.id
        )
        return await thinker.think(journal, persona, context, tokens, caller, tools, completion)

    async def _completion(self, run: Run) -> Completion | None:
        """What a caller asked for beside its message, if one did."""
        if run.cause is not Cause.API:
            return None
        async with self._db.transaction(system_actor(run.org_id)) as tx:
            return await find_completion(tx, run)

    async def _post(self, run: Run, journal: Journal, agent: Actor, text: str) -> None:
        """Post the answer and end the run. A second time it is the same message, by its client id."""
        self._under_way.pop(run.id, None)  # too late to cancel
        try:
            answer_id, seq = await self._voice.answer(agent, run, cite(text, given_to(journal.steps)))
        except CrewhallError as error:
            if error.kind.status in PASSING:
                raise
            raise stopped(Ending.REFUSED, None) from error
        await self._conclusion.finish(journal, Ending.ANSWERED, {"message_id": str(answer_id), "seq": seq}, answer_id)

    # -- cancelling

    def _on_cancel(self, payload: str) -> None:
        run_id = UUID(payload)
        task = self._under_way.get(run_id)
        if task is not None and run_id not in self._canceled:
            self._canceled.add(run_id)
            task.cancel()

    @asynccontextmanager
    async def _cancelable(self, run: Run) -> AsyncIterator[None]:
        """Within, a person's cancellation ends the turn; the process's own stop passes through."""
        try:
            yield
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if run.id not in self._canceled or task is None or task.uncancel() > 0:
                raise
            raise TurnEnded(RunStatus.CANCELED, Ending.CANCELED, None) from None

    # -- thinking

    @property
    def is_warm(self) -> bool:
        """Whether thinking can begin at once."""
        return self._thinker is not None

    async def wake_thinker(self) -> "Thinker":
        """The thinker, imported with the first turn, off the loop."""
        async with self._waking:
            if self._thinker is None:
                module = await asyncio.to_thread(_load)
                self._thinker = module.Thinker(self._settings, self._endpoints, self._spans)
            return self._thinker


def span_turn(spans: NoSpans, run: Run, agent: Actor) -> AbstractContextManager[Span]:
    """Span one attempt of a turn; see spans.py, which only turns import."""
    return spans.span(
        f"invoke_agent {agent.name}",
        gen_ai__operation__name="invoke_agent",
        gen_ai__agent__id=str(agent.id),
        gen_ai__agent__name=agent.name,
        gen_ai__conversation__id=str(run.conversation_id),
        crewhall__run__id=str(run.id),
        crewhall__run__attempt=run.attempt,
        crewhall__run__cause=str(run.cause),
    )


def _way_out(settings: TurnSettings) -> Outbound:
    """The way out for tools."""
    private = settings.outbound_private_hosts.split()
    return Outbound(most_bytes=settings.fetch_kb * 1024, time_s=settings.fetch_time_s, private=private)


async def _refusal(tx: Tx, run: Begun) -> str | None:
    """Why a budget refuses a run, if one does; what an earlier attempt held for requests is given back."""
    if run.attempt > 1:
        await release(tx, run.id)
    return None if run.refused_by is None else await describe_limit(tx, run.refused_by)


def _load() -> ModuleType:
    """Import what thinks. The collector is kept off it, then and later: it would stop everybody for 0.1 s."""
    gc.disable()
    try:
        from crewhall.runtime import thinking
    finally:
        gc.freeze()
        gc.enable()
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells of every request
    return thinking
