"""Traces leave the process when an exporter is set, and only then."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from crewhall.kernel.settings import KernelSettings
from crewhall.kernel.tracing import make_tracing


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
