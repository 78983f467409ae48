"""Turns are traced by the conventions' names, without what anybody wrote; and counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from crewhall.kernel.telemetry import METRICS
from crewhall.kernel.tracing import NoSpans, Span, Value
from crewhall.runtime.executor import Executor
from tests.support.openai import Fail, Say, Use


class Noted(Span):
    """A span that keeps what it is told."""

    def __init__(self, name: str, *, tells: bool) -> None:
        self.name = name
        self.failure: str | None = None
        self.attributes: dict[str, Any] = {}
        self.tells_contents = tells

    def set(self, **attributes: Value | None) -> None:
        given = {name.replace("__", "."): value for name, value in attributes.items() if value is not None}
        self.attributes |= given

    def fail(self, kind: str) -> None:
        self.failure = kind


class NotedSpans(NoSpans):
    """Keeps spans in the order in which they began."""

    def __init__(self, *, tells: bool = False) -> None:
        self.found: list[Noted] = []
        self.tells = tells

    @contextmanager
    def span(self, name: str, *, is_call: bool = False, **attributes: Value | None) -> Iterator[Span]:
        span = Noted(name, tells=self.tells)
        span.set(**attributes)
        self.found.append(span)
        try:
            yield span
        except Exception as error:
            span.fail(type(error).__name__)
            raise


def traced(hall, spans: NoSpans) -> Executor:
    parts = (hall.db, hall.log, hall.posting, hall.live, hall.signals, hall.turn_settings)
    return Executor(*parts, tools=hall.tools, spans=spans)


def metric(name: str, **labels: str) -> float:
    return METRICS.get_sample_value(name, labels) or 0.0


@pytest.mark.rule("X9")
@pytest.mark.parametrize("tells", [False, True])
async def test_a_turn_its_requests_and_its_calls_are_spans(hall, org, model, tells):
    answered = metric("crewhall_turns_total", status="succeeded", reason="answered")
    read = metric("crewhall_model_tokens_total", provider="scripted", kind="input")
    asked_before = metric("crewhall_model_request_seconds_count", provider="scripted", outcome="answered")
    model.play(Use([("weather", {"city": "Oslo"})]), Say("Blue, secretly.", cached=4))
    asked = await hall.ask(org, "weather, @{}?", tools=["weather"])
    spans = NotedSpans(tells=tells)
    executor = traced(hall, spans)
    run = await asked.take(executor)
    await executor.close()
    turn, first, call, second = spans.found
    assert turn.name == f"invoke_agent {asked.agent.name}"
    operations = [span.attributes["gen_ai.operation.name"] for span in spans.found]
    assert operations == ["invoke_agent", "chat", "execute_tool", "chat"]
    assert turn.attributes["gen_ai.agent.id"] == str(asked.agent.id)
    assert turn.attributes["gen_ai.agent.name"] == asked.agent.name
    assert (first.attributes["gen_ai.request.model"], call.attributes["gen_ai.tool.name"]) == ("scripted-1", "weather")
    assert second.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert turn.attributes["gen_ai.conversation.id"] == str(asked.circle)
    assert turn.attributes["crewhall.run.id"] == str(run.id)
    assert (first.name, call.name, second.name) == ("chat scripted-1", "execute_tool weather", "chat scripted-1")
    assert first.attributes["gen_ai.provider.name"] == "scripted"
    assert (first.attributes["gen_ai.usage.input_tokens"], second.attributes["gen_ai.usage.output_tokens"]) == (13, 7)
    assert [one.attributes["gen_ai.usage.cache_read.input_tokens"] for one in (first, second)] == [0, 4]
    told = str([span.attributes for span in spans.found])
    assert all((word in told) == tells for word in ("Oslo", "Blue, secretly.", "blue"))
    assert metric("crewhall_turns_total", status="succeeded", reason="answered") == answered + 1
    assert metric("crewhall_model_tokens_total", provider="scripted", kind="input") == read + 13 + 11
    after = metric("crewhall_model_request_seconds_count", provider="scripted", outcome="answered")
    assert after == asked_before + 2


async def test_what_fails_is_marked_so(hall, org, model):
    model.play(Fail(401))
    asked = await hall.ask(org)
    spans = NotedSpans()
    executor = traced(hall, spans)
    await asked.take(executor)
    await executor.close()
    turn, request = spans.found
    assert request.failure == "ModelAuthenticationError"
    assert turn.attributes["crewhall.run.ending"] == "model_failed"
