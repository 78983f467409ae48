"""Traces by OpenTelemetry, only when an exporter is set: nothing is imported and nothing is spent otherwise."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from crewhall.kernel.settings import BAD_SETTING, KernelSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_ID = re.compile(r"/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?=/|$)")
SERVER_ERROR = 500
LIBRARIES = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter")


class Tracing:
    """Spans of one process, exported in batches beside the work."""

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind, StatusCode

        self._provider = provider
        self._tracer = provider.get_tracer("crewhall")
        self._extract = extract
        self._kind = SpanKind.SERVER
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

    def close(self) -> None:
        """Export what is left."""
        self._provider.shutdown()


def check_tracing(settings: KernelSettings) -> None:
    """Raise BAD_SETTING when the settings name an exporter and the libraries for it are missing."""
    if settings.otel_exporter_otlp_endpoint is not None and any(find_spec(name) is None for name in LIBRARIES):
        raise BAD_SETTING(
            "CREWHALL_OTEL_EXPORTER_OTLP_ENDPOINT needs the telemetry extra: install `crewhall[telemetry]`.",
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
    return Tracing(provider)
