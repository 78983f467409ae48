"""Spans of turns, by the names of OpenTelemetry's conventions for generative AI where it has one.

What people and models wrote stands in them only where CREWHALL_OTEL_CONTENTS says so.
"""

from contextlib import AbstractContextManager
from typing import Any

import msgspec
from pydantic_ai.messages import ModelResponse

from crewhall.kernel.tracing import NoSpans, Span
from crewhall.runtime.journal import Journal


def span_request(
    spans: NoSpans, journal: Journal, provider: str, model: str, settings: dict[str, Any]
) -> AbstractContextManager[Span]:
    """Span one request to a model."""
    return spans.span(
        f"chat {model}",
        is_call=True,
        gen_ai__operation__name="chat",
        gen_ai__provider__name=provider,
        gen_ai__request__model=model,
        gen_ai__request__max_tokens=settings.get("max_tokens"),
        gen_ai__request__temperature=settings.get("temperature"),
        gen_ai__conversation__id=str(journal.run.conversation_id),
        crewhall__run__id=str(journal.run.id),
    )


def tell_answer(span: Span, told: bytes, response: ModelResponse) -> None:
    """Add what a model answered, and what that took."""
    usage = response.usage
    span.set(
        gen_ai__response__model=response.model_name,
        gen_ai__response__id=response.provider_response_id,
        gen_ai__response__finish_reasons=[response.finish_reason] if response.finish_reason else None,
        gen_ai__usage__input_tokens=usage.input_tokens,
        gen_ai__usage__output_tokens=usage.output_tokens,
        gen_ai__usage__cache_read__input_tokens=usage.cache_read_tokens,
    )
    if span.tells_contents:
        span.set(gen_ai__input__messages=told.decode(), gen_ai__output__messages=response.text or "")


def span_call(spans: NoSpans, journal: Journal, tool: str, call_id: str) -> AbstractContextManager[Span]:
    """Span one call of a tool."""
    return spans.span(
        f"execute_tool {tool}",
        gen_ai__operation__name="execute_tool",
        gen_ai__tool__name=tool,
        gen_ai__tool__call__id=call_id,
        crewhall__run__id=str(journal.run.id),
    )


def tell_result(span: Span, arguments: dict[str, Any], body: dict[str, Any]) -> None:
    """Add how a call ended, in a word."""
    if "error" in body:
        span.fail(str(body.get("code") or "tool_failed"))
    if span.tells_contents:
        span.set(
            gen_ai__tool__call__arguments=msgspec.json.encode(arguments).decode(),
            gen_ai__tool__call__result=msgspec.json.encode(body.get("result")).decode(),
        )
