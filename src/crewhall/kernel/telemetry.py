"""Logs, metrics and traces: JSON log lines with request ids, Prometheus metrics, OpenTelemetry when asked."""

import logging
import sys
from contextvars import ContextVar
from functools import cache
from typing import TextIO

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from crewhall.kernel.clock import utc_now
from crewhall.kernel.settings import KernelSettings

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request being served: shown in its answer and in each log line it causes."""

METRICS = CollectorRegistry()
ProcessCollector(registry=METRICS)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}

requests_total = Counter(
    "crewhall_requests_total", "HTTP requests by method and status", ["method", "status"], registry=METRICS
)
requests_answered = cache(requests_total.labels)
"""The counter of one method and status."""
request_seconds = Histogram("crewhall_request_seconds", "Time to answer an HTTP request", registry=METRICS)
posts_total = Counter("crewhall_posts_total", "Log records appended by this process", registry=METRICS)
append_batch_size = Histogram(
    "crewhall_append_batch_size", "Records per commit", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256), registry=METRICS
)
deliveries_total = Counter("crewhall_deliveries_total", "Frames given to live sockets", registry=METRICS)
live_sockets = Gauge("crewhall_live_sockets", "Open live sockets and streams", registry=METRICS)
slow_readers_total = Counter("crewhall_slow_readers_total", "Sockets cut off for reading too slowly", registry=METRICS)
consumer_lag_seconds = Gauge(
    "crewhall_consumer_lag_seconds", "Age of the oldest record a consumer has not seen", ["consumer"], registry=METRICS
)
turns_total = Counter("crewhall_turns_total", "Turns ended by this process", ["status", "reason"], registry=METRICS)
turns_under_way = Gauge("crewhall_turns_under_way", "Turns that this process takes now", registry=METRICS)
model_request_seconds = Histogram(
    "crewhall_model_request_seconds",
    "Time until a model had answered, or failed",
    ["provider", "outcome"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
    registry=METRICS,
)
model_tokens_total = Counter(
    "crewhall_model_tokens_total", "Tokens of models, input, cached (of the input) and output", ["provider", "kind"],
    registry=METRICS,
)  # fmt: skip
waiting_turns = Gauge("crewhall_waiting_turns", "Turns that wait for a process to take them", registry=METRICS)


log_lag = Gauge(
    "crewhall_log_lag", "Records in the topics that this process projects, not yet in the read model", registry=METRICS
)
log_refused_total = Counter(
    "crewhall_log_refused_total", "Records of topics that the read model refused", registry=METRICS
)


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, request id, extra fields, error."""

    def format(self, record: logging.LogRecord) -> str:
        """Render the record."""
        line: dict[str, object] = {
            "time": utc_now().isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := request_id.get():
            line["request_id"] = current
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


class TextFormatter(logging.Formatter):
    """For a terminal: time, level, message, extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Render the record."""
        extra = "".join(f" {key}={value}" for key, value in vars(record).items() if key not in _STANDARD)
        text = f"{utc_now():%H:%M:%S} {record.levelname.lower():7} {record.getMessage()}{extra}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def configure_logging(settings: KernelSettings, stream: TextIO = sys.stderr) -> None:
    """Send every logger's lines to the stream in the format that the settings ask for."""
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter() if as_text else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for noisy in ("httpx", "httpcore", "httpx2", "httpcore2", "psycopg.pool", "asyncio", "alembic", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
