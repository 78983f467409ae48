"""The journaled model: each request is recorded before it is made, each answer before it is used.

A request whose answer is recorded is not made again. One that fails for a reason that may pass is repeated a few times,
no sooner than the provider asks for, and counts for the provider's breaker.
"""

import asyncio
import hashlib
import logging
import math
import random
import time
from typing import Any

import msgspec
from pydantic_ai.direct import model_request_stream
from pydantic_ai.exceptions import (
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelRequestTimeout,
    ModelServerError,
    ModelUnavailableError,
    UnexpectedModelBehavior,
)
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from crewhall.governance import Estimate, Taken, release, reserve
from crewhall.kernel.db import Tx
from crewhall.kernel.telemetry import model_request_seconds, model_tokens_total
from crewhall.kernel.tracing import NO_SPANS, NoSpans
from crewhall.runtime.breaker import Breaker
from crewhall.runtime.endings import Ending, TurnEnded, failed, stopped
from crewhall.runtime.journal import Journal
from crewhall.runtime.quotes import may_quote
from crewhall.runtime.runs import fenced
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.spans import span_request, tell_answer
from crewhall.runtime.storable import as_json, storable
from crewhall.runtime.tokens import Words
from crewhall.runtime.vocabulary import StepKind

log = logging.getLogger(__name__)
PASSING = (
    ModelRateLimitError,
    ModelUnavailableError,
    ModelServerError,
    ModelConnectionError,
    ModelRequestTimeout,
)
"""Failures that may be over in a moment."""
STUMBLES = (AttributeError, LookupError, TypeError, ValueError)
"""How the library fails over what no provider should say."""
FIRST_WAIT_S = 0.5
BYTES_PER_TOKEN = 2
"""Fewer than models read of any script, so that what a request holds is not less than what it takes."""


class JournaledModel:
    """A model within one attempt of one run. `keys` begins the keys of requests that do not answer anybody.

    `is_overheard`: others than who asked read along there. They hear nothing on its way that may quote what is not for
    them: what is meant for them is posted.
    """

    def __init__(
        self,
        wrapped: Model,
        *,
        journal: Journal,
        tokens: Words,
        breaker: Breaker,
        provider: str,
        settings: TurnSettings,
        keys: str = "",
        is_overheard: bool = True,
        spans: NoSpans = NO_SPANS,
    ) -> None:
        self._wrapped = wrapped
        self._keys = keys
        self._spans = spans
        self._journal = journal
        self._tokens = tokens
        self._breaker = breaker
        self._asks = provider
        self._limits = settings
        self.requests = 0
        """Requests of this attempt, those taken from the journal among them."""
        self._is_overheard = is_overheard

    async def request(
        self, messages: list[ModelMessage], asked: ModelSettings, parameters: ModelRequestParameters
    ) -> ModelResponse:
        """Give the recorded answer, or ask for it. Raises TurnEnded when there is none to be had."""
        self.requests += 1
        told = _told_as_json(messages)
        key, digest = f"{self._keys}{self.requests}", hashlib.blake2b(told, digest_size=16).digest()
        recorded = self._journal.find(StepKind.ANSWER, key)
        if recorded is None:
            return await self._ask(key, digest, told, messages, asked, parameters)
        if recorded.digest != digest:
            raise stopped(Ending.DIVERGED, "The agent or Crewhall was changed meanwhile. Ask again.")
        return _read(recorded.body["response"])

    async def _ask(
        self,
        key: str,
        digest: bytes,
        told: bytes,
        messages: list[ModelMessage],
        model_settings: ModelSettings,
        parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Ask until there is an answer, at most `model_tries` times."""
        body: dict[str, Any] = {
            "provider": self._asks,
            "model": self._wrapped.model_name,
            "settings": {name: value for name, value in model_settings.items() if name != "max_retries"},
            "messages": len(messages),
            "tools": [tool.name for tool in parameters.function_tools],
        }
        most = self._most(len(told), model_settings, parameters)
        for attempt in range(1, self._limits.model_tries + 1):
            self._check_breaker()
            async with self._journal.transaction(lazily=True) as tx:
                await self._reserve(tx, key, most)
                await self._journal.write_in(tx, StepKind.REQUEST, body | {"try": attempt}, key=key, digest=digest)
            began = time.monotonic()
            try:
                with span_request(
                    self._spans, self._journal, self._asks, self._wrapped.model_name, body["settings"]
                ) as span:
                    response = await self._stream(messages, model_settings, parameters)
                    tell_answer(span, told, response)
            except ModelAPIError as error:
                model_request_seconds.labels(self._asks, "failed").observe(time.monotonic() - began)
                await self._note_failure(key, error, began)
                if not isinstance(error, PASSING) or attempt == self._limits.model_tries:
                    raise explained(self._asks, error) from error
                await asyncio.sleep(self._wait(attempt, error))
            except STUMBLES as error:
                log.warning("an answer cannot be read", extra={"provider": self._asks}, exc_info=True)
                raise UnexpectedModelBehavior("The answer cannot be read.") from error
            else:
                self._breaker.succeeded()
                model_request_seconds.labels(self._asks, "answered").observe(time.monotonic() - began)
                return await self._record(key, digest, response, began)
        raise AssertionError("unreachable")

    async def _stream(
        self, messages: list[ModelMessage], model_settings: ModelSettings, parameters: ModelRequestParameters
    ) -> ModelResponse:
        """Let the model answer, and pass its words on while they come."""
        self._tokens.begin(self.requests)
        is_sealed = self._is_overheard and may_quote(self._journal.steps)
        async with model_request_stream(
            self._wrapped, messages, model_settings=model_settings, model_request_parameters=parameters
        ) as stream:
            async for event in stream:
                if is_sealed:
                    continue
                if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
                    self._tokens.feed(event.part.content)
                elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
                    self._tokens.feed(event.delta.content_delta)
        self._tokens.flush()
        return stream.get()

    async def _record(self, key: str, digest: bytes, response: ModelResponse, began: float) -> ModelResponse:
        """Record an answer; gives it as whoever takes over reads it."""
        (shown,) = ModelMessagesTypeAdapter.dump_python([response], mode="json")
        kept = storable(shown)
        usage = response.usage
        taken = Taken(usage.input_tokens, min(usage.cache_read_tokens, usage.input_tokens), usage.output_tokens)
        for kind, count in msgspec.structs.asdict(taken).items():
            model_tokens_total.labels(self._asks, kind.removesuffix("_tokens")).inc(count)
        async with self._journal.transaction(lazily=True) as tx:
            await self._journal.write_in(
                tx,
                StepKind.ANSWER,
                {"response": kept},
                key=key,
                digest=digest,
                duration_ms=_since(began),
                took=taken,
                model=f"{self._asks}:{self._wrapped.model_name}",
            )
        return response if kept == shown else _read(kept)

    def _most(self, told: int, asked: ModelSettings, parameters: ModelRequestParameters) -> Estimate:
        """What a request may take that tells so many bytes: more than that is not read, nor written."""
        tools = [[tool.name, tool.description, tool.parameters_json_schema] for tool in parameters.function_tools]
        return Estimate(
            provider=self._asks,
            model=self._wrapped.model_name,
            input_tokens=math.ceil((told + len(msgspec.json.encode(tools))) / BYTES_PER_TOKEN),
            output_tokens=asked.get("max_tokens") or self._limits.model_answer_tokens,
        )

    async def _reserve(self, tx: Tx, key: str, most: Estimate) -> None:
        """Hold what the request may take. Raises TurnEnded where a budget has no room for it, FENCED."""
        run = self._journal.run
        reserved = await reserve(tx, run.id, run.attempt, key, most)
        if reserved.is_fenced:
            raise fenced()
        if reserved.refusal is not None:
            raise stopped(Ending.BUDGET, reserved.refusal)

    async def _note_failure(self, key: str, error: ModelAPIError, began: float) -> None:
        if isinstance(error, PASSING):
            self._breaker.failed()
        else:  # it answers, if only to refuse
            self._breaker.succeeded()
        body = {"error": type(error).__name__, "message": str(error)[:2000], "retry_after": error.retry_after}
        async with self._journal.transaction() as tx:
            await self._journal.write_in(tx, StepKind.FAILURE, body, key=key, duration_ms=_since(began))
            await release(tx, self._journal.run.id, key)

    def _wait(self, attempt: int, error: ModelAPIError) -> float:
        """How long to wait before the next try: what the provider asks for, else longer each time."""
        asked = error.retry_after
        if asked is not None and asked > self._limits.model_wait_s:
            raise explained(self._asks, error) from error
        return float(asked) if asked is not None else FIRST_WAIT_S * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)  # noqa: S311

    def _check_breaker(self) -> None:
        left = self._breaker.closed_in()
        if left > 0:
            raise failed(
                Ending.PROVIDER_PAUSED,
                f"The model provider {self._asks} has failed again and again, so it is left alone for another "
                f"{max(1, round(left))} s. Ask again then.",
            )


def explained(provider: str, error: ModelAPIError) -> TurnEnded:
    """The failure as people are told it: what happened, and who can mend it."""
    if isinstance(error, ModelAuthenticationError):
        what = f"{provider} refused our key. An administrator of the server should check it."
    elif isinstance(error, ModelNotFoundError):
        what = f"{provider} knows no model {error.model_name}. Choose another one in the agent's settings."
    elif isinstance(error, ModelQuotaExceededError):
        what = f"Our account at {provider} is used up. An administrator of the server can raise its limit."
    elif isinstance(error, ModelRateLimitError):
        wait = f" It asks us to wait {round(error.retry_after)} s." if error.retry_after else ""
        what = f"{provider} has too many requests from us.{wait} Ask again later."
    elif isinstance(error, ModelRequestRejectedError):
        what = f"{provider} refused the request: {_first_line(error)}"
    elif isinstance(error, ModelConnectionError | ModelRequestTimeout):
        what = f"{provider} cannot be reached. Ask again in a moment."
    else:
        what = f"{provider} failed: {_first_line(error)} Ask again in a moment."
    return failed(Ending.MODEL_FAILED, what)


def _first_line(error: ModelAPIError) -> str:
    """What the provider itself says, in one line."""
    said = error.body.get("message") if isinstance(error.body, dict) else None
    lines = str(said or error).strip().splitlines() or ["no reason given"]
    return lines[0][:300].rstrip(".") + "."


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _read(kept: Any) -> ModelResponse:
    (answer,) = ModelMessagesTypeAdapter.validate_python([kept])
    assert isinstance(answer, ModelResponse)
    return answer


def _told_as_json(messages: list[ModelMessage]) -> bytes:
    """What must be equal for two requests to be the same one: what is said in them, without ids and times of ours."""
    return as_json([_told(message) for message in messages])


def _told(message: ModelMessage) -> list[Any]:
    told: list[Any] = [message.instructions] if isinstance(message, ModelRequest) else []
    for part in message.parts:
        if isinstance(part, ToolCallPart):
            told.append([part.part_kind, part.tool_call_id, part.tool_name, part.args_as_dict()])
        elif isinstance(part, ToolReturnPart):
            told.append([part.part_kind, part.tool_call_id, part.outcome, part.content])
        else:
            told.append([part.part_kind, getattr(part, "content", None)])
    return [message.kind, *told]
