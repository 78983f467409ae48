"""Traces by OpenTelemetry, only when an exporter is set: nothing is imported and nothing is spent otherwise."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from crewhall.kernel.settings import BAD_SETTING, KernelSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OtelSpan
    from opentelemetry.trace import StatusCode

_ID = re.compile(r"/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?=/|$)")
SERVER_ERROR = 500
LIBRARIES = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter")


Value = str | int | float | bool | list[str]


class Span:
    """Something that takes time. This one is not kept: no exporter is set."""

    tells_contents = False
    """Whether what people and models wrote may stand in it."""

    def set(self, **attributes: Value | None) -> None:
        """Add attributes; `__` in a name stands for a dot, None is left out."""

    def fail(self, kind: str) -> None:
        """Say that it failed, and how, in a stable word."""


class KeptSpan(Span):
    """One that is exported."""

    def __init__(self, span: "OtelSpan", error: "StatusCode", *, tells_contents: bool) -> None:
        self._span = span
        self._error = error
        self.tells_contents = tells_contents

    def set(self, **attributes: Value | None) -> None:
        """See Span."""
        for name, value in attributes.items():
            if value is not None:
                self._span.set_attribute(name.replace("__", "."), value)

    def fail(self, kind: str) -> None:
        """See Span."""
        self._span.set_attribute("error.type", kind)
        self._span.set_status(self._error)


NOT_KEPT = Span()


class NoSpans:
    """Keeps no spans, and costs nothing."""

    @contextmanager
    def span(self, name: str, *, is_call: bool = False, **attributes: Value | None) -> Iterator[Span]:
        """Span what is done within the block; `is_call`: something outside is asked to do it."""
        yield NOT_KEPT


NO_SPANS = NoSpans()


class Tracing(NoSpans):
    """Spans of one process, exported in batches beside the work."""

    def __init__(self, provider: "TracerProvider", *, tells_contents: bool = False) -> None:
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind, StatusCode

        self._provider = provider
        self._tracer = provider.get_tracer("crewhall")
        self._extract = extract
        self._kind = SpanKind.SERVER
        self._call, self._inside = SpanKind.CLIENT, SpanKind.INTERNAL
        self._tells_contents = tells_contents
        self._error = StatusCode.ERROR

    @contextmanager
    def request(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> Iterator[dict[str, Any]]:
        """Span one HTTP request, as a child of the caller's trace. The block may set `status` in what is given."""
        carrier = {
            name: headers[name.encode()].decode("latin-1")
            for name in ("traceparent", "tracestate")
            if name.encode() in headers
        }
        route = _ID.sub("/{id}", path)
        found: dict[str, Any] = {}
        with self._tracer.start_as_current_span(
            f"{method} {route}", context=self._extract(carrier), kind=self._kind
        ) as span:
            span.set_attribute("http.request.method", method)
            span.set_attribute("http.route", route)
            yield found
            if "status" in found:
                span.set_attribute("http.response.status_code", found["status"])
                if found["status"] >= SERVER_ERROR:
                    span.set_status(self._error)

    @contextmanager
    def span(self, name: str, *, is_call: bool = False, **attributes: Value | None) -> Iterator[Span]:
        """See NoSpans. What is raised within marks it as failed."""
        kind = self._call if is_call else self._inside
        with self._tracer.start_as_current_span(name, kind=kind, record_exception=False) as found:
            kept = KeptSpan(found, self._error, tells_contents=self._tells_contents)
            kept.set(**attributes)
            try:
                yield kept
            except Exception as error:
                kept.fail(type(error).__name__)
                raise

    def close(self) -> None:
        """Export what is left."""
        self._provider.shutdown()


def check_tracing(settings: KernelSettings) -> None:
    """Raise BAD_SETTING when the settings name an exporter and the libraries for it are missing."""
    if settings.otel_exporter_otlp_endpoint is not None and any(find_spec(name) is None for name in LIBRARIES):
        raise BAD_SETTING(
            "CREWHALL_OTEL_EXPORTER_OTLP_ENDPOINT needs the extra `telemetry`, which is not installed: see Extras in"
            " docs/install.md.",
            setting="CREWHALL_OTEL_EXPORTER_OTLP_ENDPOINT",
        )


def make_tracing(settings: KernelSettings) -> Tracing | None:
    """Start tracing when the settings name an exporter. Raises BAD_SETTING as `check_tracing` does."""
    if settings.otel_exporter_otlp_endpoint is None:
        return None
    check_tracing(settings)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    endpoint = settings.otel_exporter_otlp_endpoint.rstrip("/") + "/v1/traces"
    provider = TracerProvider(resource=Resource.create({"service.name": "crewhall"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return Tracing(provider, tells_contents=settings.otel_contents)
