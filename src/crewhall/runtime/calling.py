"""Asking a runtime: a turn is POSTed, signed, to where its agent is served, and answered at once or later.

The request is recorded before it is made, and what came of it before it is used. A process that dies in between leaves
a request without result: it is made again under the same webhook id, by which the other side knows it.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NoReturn
from uuid import UUID

import msgspec

from crewhall.kernel.actor import system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.outbound import Answer, Outbound
from crewhall.kernel.reachable import OUTBOUND_REFUSED
from crewhall.kernel.signals import Signals
from crewhall.kernel.webhook_signatures import headers_for
from crewhall.runtime.answers import AnswerWatch, KeptAnswer, content_of, find_answer, keep_answer
from crewhall.runtime.breaker import Breakers
from crewhall.runtime.context import Context, Persona
from crewhall.runtime.derived import read_secret, turn_token
from crewhall.runtime.endings import Ending, failed, stopped
from crewhall.runtime.journal import Journal, Step
from crewhall.runtime.runs import Run
from crewhall.runtime.runtimes import Served, read_served, record_call
from crewhall.runtime.schemas import RunAgent
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.turn_request import WebhookAnswer, WebhookReply, read_triggers, write_turn
from crewhall.runtime.vocabulary import StepKind

KEY = "webhook"
OK, ACCEPTED = 200, 202
PASSING = frozenset({408, 409, 425, 429, *range(500, 600)})
"""Answers that may be others in a moment. 409: it is still at the same request."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 60.0
JSON = {"content-type": "application/json"}


class NotReached(Exception):
    """A call went wrong. `sentence` is for managers; `again_in`: the other side may be asked again, after so long."""

    def __init__(self, sentence: str, *, may_pass: bool, again_in: float | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.may_pass = may_pass
        self.again_in = again_in


class Reply(msgspec.Struct, frozen=True):
    """What came back at once. `is_later`: the answer comes by itself."""

    status: int
    content: str | None = None
    is_later: bool = False


class RuntimeCaller:
    """What asking runtimes needs of a process."""

    def __init__(
        self,
        db: Database,
        signals: Signals,
        settings: TurnSettings,
        *,
        base_url: str,
        outbound: Outbound | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._db = db
        self._settings = settings
        self._base_url = base_url.rstrip("/")
        self.outbound = outbound or Outbound(
            most_bytes=settings.webhook_kb * 1024,
            time_s=settings.webhook_timeout_s,
            private=settings.outbound_private_hosts.split(),
        )
        self._answers = AnswerWatch(db, signals)
        self._breakers = Breakers()
        self._sleep = sleep

    async def ask(self, journal: Journal, persona: Persona, context: Context) -> str:
        """Return what the agent's runtime answers; nothing, where it has nothing to say.

        Raises TurnEnded when there will be no answer: it failed, or none came in time.
        """
        if recorded := journal.find(StepKind.ANSWER, KEY):
            return str(recorded.body["response"]["parts"][0]["content"])
        asked = journal.find(StepKind.CALL, KEY) or await self._record_call(journal)
        until = asked.created_at + timedelta(seconds=self._settings.webhook_time_s)
        left = (until - utc_now()).total_seconds()
        try:
            async with asyncio.timeout(max(left, 0)):
                with self._answers.expecting(journal.run.id) as stirred:
                    return await self._come_to_answer(journal, persona, context, until, stirred)
        except TimeoutError:
            raise failed(
                Ending.TIMED_OUT,
                f"{persona.name} thinks elsewhere and did not answer within {self._settings.webhook_time_s:g} s. "
                "Ask for something smaller, or again.",
            ) from None

    async def _record_call(self, journal: Journal) -> Step:
        runtime = await self._served(journal)
        arguments = {"address": runtime.base_url, "webhook_id": webhook_id_of(journal.run.id)}
        return await journal.write(StepKind.CALL, {"tool": KEY, "arguments": arguments}, key=KEY)

    async def _come_to_answer(
        self, journal: Journal, persona: Persona, context: Context, until: datetime, stirred: asyncio.Event
    ) -> str:
        kept = await self._look(journal)
        if journal.find(StepKind.RESULT, KEY) is None:
            if kept is None:
                body = await self._body(journal, persona, context, until)
                reply = await self._deliver(journal, persona, body, until)
            else:  # it answered before the process died that had asked it
                reply = Reply(ACCEPTED, is_later=True)
            async with journal.transaction() as tx:
                result = {"status": reply.status, "answers": "later" if reply.is_later else "at once"}
                await journal.write_in(tx, StepKind.RESULT, {"tool": KEY, "result": result}, key=KEY)
                if not reply.is_later:
                    await _served(tx, journal.run)
                    kept = await keep_answer(tx, journal.run, reply.content)
        while kept is None:
            kept = await self._look(journal)
            if kept is None:
                await stirred.wait()
                stirred.clear()
        text = kept.content or ""
        part = {"part_kind": "text", "content": text}
        await journal.write(StepKind.ANSWER, {"response": {"parts": [part]}}, key=KEY)
        return text

    async def _look(self, journal: Journal) -> KeptAnswer | None:
        """The answer that was kept; None while one may come. Raises TurnEnded when none will: its runtime is gone."""
        async with journal.transaction() as tx:
            kept = await find_answer(tx, journal.run.id)
            if kept is None:
                await _served(tx, journal.run)
        return kept

    async def _served(self, journal: Journal) -> Served:
        async with journal.transaction() as tx:
            return await _served(tx, journal.run)

    async def _body(self, journal: Journal, persona: Persona, context: Context, until: datetime) -> bytes:
        run = journal.run
        async with journal.transaction() as tx:
            triggers, root = await read_triggers(tx, run), await read_secret(tx, self._settings)
        api = f"{self._base_url}/api/v1"
        reply = WebhookReply(
            answer_url=f"{api}/runs/{run.id}/answer",
            messages_url=f"{api}/conversations/{run.conversation_id}/messages",
            token=turn_token(root, run.id),
            answer_until=until,
        )
        return write_turn(
            run,
            RunAgent(persona.id, persona.code, persona.name),
            context,
            triggers,
            reply,
            asked_at=until - timedelta(seconds=self._settings.webhook_time_s),
            most_bytes=self._settings.webhook_kb * 1024,
        )

    # -- delivering

    async def _deliver(self, journal: Journal, persona: Persona, body: bytes, until: datetime) -> Reply:
        """Make the request, again and again where that may help in time, and return what came back."""
        run, tries = journal.run, 0
        breaker = self._breakers.of(str(run.runtime_id))
        while True:
            if wait := breaker.closed_in():
                raise failed(
                    Ending.RUNTIME_PAUSED,
                    f"{persona.name} thinks elsewhere, and its program failed again and again. It is left alone for "
                    f"{wait:.0f} s: ask again then.",
                )
            runtime = await self._served(journal)
            tries += 1
            try:
                reply = await self.call(run.org_id, runtime, webhook_id_of(run.id), body, run_id=run.id)
            except NotReached as problem:
                breaker.failed()
                again_in = _wait_before(tries, problem)
                body_of = {"message": problem.sentence, "error": "webhook", "retry_after": problem.again_in}
                await journal.write(StepKind.FAILURE, body_of, key=f"{KEY}:{tries}")
                is_late = utc_now() + timedelta(seconds=again_in) > until
                if not problem.may_pass or is_late or tries >= self._settings.webhook_tries:
                    _give_up(persona.name, tries)
                await self._sleep(again_in)
            else:
                breaker.succeeded()
                return reply

    async def call(
        self, org_id: UUID, runtime: Served, webhook_id: str, body: bytes, *, run_id: UUID | None = None
    ) -> Reply:
        """Make one request, signed now; keep how it went. Raises NotReached."""
        async with self._db.transaction(system_actor(org_id)) as tx:
            secrets = runtime.secrets(await read_secret(tx, self._settings))
        begun, status, problem, reply = time.perf_counter(), None, None, Reply(0)
        try:
            answer = await self._post(runtime, headers_for(secrets, webhook_id, int(time.time()), body), body)
            status = answer.status
            reply = _read(answer, self._settings.webhook_kb, is_ping=run_id is None)
        except NotReached as error:
            problem = error
        took = round((time.perf_counter() - begun) * 1000)
        async with self._db.transaction(system_actor(org_id)) as tx:
            await record_call(
                tx, org_id, runtime.id, run_id, webhook_id,
                status=status, duration_ms=took, error=None if problem is None else problem.sentence,
            )  # fmt: skip
        if problem is not None:
            raise problem
        return reply

    async def _post(self, runtime: Served, headers: dict[str, str], body: bytes) -> Answer:
        try:
            self.check(runtime.base_url)
            return await self.outbound.request(
                "POST", runtime.base_url, hosts=None, content=body, headers=JSON | headers
            )
        except CrewhallError as error:
            raise NotReached(error.detail, may_pass=error.kind is not OUTBOUND_REFUSED) from None

    def check(self, base_url: str) -> None:
        """Refuse an address that will never be asked. Raises OUTBOUND_REFUSED."""
        self.outbound.check(base_url)
        if base_url.lower().startswith("http:") and not self.outbound.is_private(base_url):
            raise OUTBOUND_REFUSED("Only https addresses are asked: others could listen.", field="base_url")


async def _served(tx: Tx, run: Run) -> Served:
    """Where the run is asked. Raises TurnEnded when that was removed."""
    assert run.runtime_id is not None
    runtime = await read_served(tx, run.runtime_id)
    if runtime.is_gone:
        raise stopped(Ending.RUNTIME_FAILED, "Its webhook was removed meanwhile. Ask again.")
    return runtime


def webhook_id_of(run_id: UUID) -> str:
    """The id of a run's request, the same at each attempt."""
    return f"run_{run_id}"


def _read(answer: Answer, most_kb: int, *, is_ping: bool) -> Reply:
    """What an answer says. Raises NotReached."""
    if is_ping and OK <= answer.status < 300:  # noqa: PLR2004
        return Reply(answer.status)
    if answer.status == ACCEPTED:
        return Reply(ACCEPTED, is_later=True)
    if 300 <= answer.status < 400:  # noqa: PLR2004
        raise NotReached(f"It answered {answer.status}: redirects are not followed.", may_pass=False)
    if answer.status != OK:
        again = _retry_after(answer.headers.get("retry-after"))
        raise NotReached(f"It answered {answer.status}.", may_pass=answer.status in PASSING, again_in=again)
    if answer.is_cut:
        raise NotReached(f"Its answer is larger than {most_kb} KiB.", may_pass=False)
    try:
        found = msgspec.json.decode(answer.body or b"", type=WebhookAnswer)
        return Reply(OK, content_of(found.content, silent=found.silent))
    except (msgspec.MsgspecError, UnicodeDecodeError, CrewhallError) as error:
        detail = error.detail if isinstance(error, CrewhallError) else str(error)
        raise NotReached(f"It answered 200 with something that is no answer: {detail}", may_pass=False) from None


def _retry_after(value: str | None) -> float | None:
    """The seconds that a Retry-After asks for, as a number or as a date."""
    if value is None:
        return None
    try:
        return max(0.0, float(int(value)))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - utc_now()).total_seconds())


def _wait_before(tries: int, problem: NotReached) -> float:
    """Seconds until the next try: growing, never sooner than the other side asks for."""
    wait = min(FIRST_WAIT_S * 2.0 ** (tries - 1), LONGEST_WAIT_S) * random.uniform(0.8, 1.2)  # noqa: S311
    return float(max(wait, problem.again_in or 0.0))


def _give_up(name: str, tries: int) -> NoReturn:
    times = "" if tries == 1 else f" {tries} times"
    raise failed(
        Ending.RUNTIME_FAILED,
        f"{name} thinks elsewhere, and its program could not be asked{times}. Who manages it sees why on the page "
        "Agents, under “How they answer”.",
    )
