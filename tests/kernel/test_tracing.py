"""Traces leave the process when an exporter is set, and only then."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from crewhall.kernel.settings import KernelSettings
from crewhall.kernel.tracing import Tracing, make_tracing


class Collector(BaseHTTPRequestHandler):
    """A receiver of OTLP over HTTP."""

    received: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append((self.path, body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def test_without_an_exporter_there_is_no_tracing() -> None:
    assert make_tracing(KernelSettings()) is None


def test_requests_are_exported_with_their_route_and_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        serving = threading.Thread(target=collector.serve_forever)
        serving.start()
        endpoint = f"http://127.0.0.1:{collector.server_port}"
        monkeypatch.setenv("CREWHALL_OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        tracing = make_tracing(KernelSettings())
        assert tracing
        parent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        path = "/api/v1/conversations/01a20201-6f77-7004-866d-a0a00e11cca0/messages"
        with tracing.request("POST", path, {b"traceparent": parent}) as found:
            found["status"] = 201
        tracing.close()
        collector.shutdown()
        serving.join()
    (address, body), *_ = Collector.received
    assert address == "/v1/traces"
    assert b"POST /api/v1/conversations/{id}/messages" in body
    assert bytes.fromhex("0af7651916cd43dd8448eb211c80319c") in body


def test_a_span_is_kept_with_its_attributes_beneath_the_one_around_it() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = Tracing(provider)
    with tracing.span("outer") as outer, pytest.raises(ZeroDivisionError):
        outer.set(gen_ai__agent__name="Scout", none=None)
        with tracing.span("inner", is_call=True):
            raise ZeroDivisionError
    inner, kept = exporter.get_finished_spans()
    assert dict(kept.attributes or {}) == {"gen_ai.agent.name": "Scout"}
    assert kept.status.is_ok or kept.status.is_unset
    assert inner.parent
    assert inner.parent.span_id == kept.context.span_id
    assert dict(inner.attributes or {}) == {"error.type": "ZeroDivisionError"}
    assert not inner.status.is_ok
    tracing.close()
