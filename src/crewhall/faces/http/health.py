"""Whether a process can do its part, and what it measures; and the door of a process that serves nothing else."""

import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from crewhall.faces.plumbing.services import Services
from crewhall.kernel.telemetry import METRICS, waiting_turns
from crewhall.runtime import count_waiting
from crewhall.version import VERSION


async def look_whether_ready(services: Services) -> tuple[int, dict[str, object]]:
    """The status and the words of an answer to who asks whether this process is ready."""
    checks: dict[str, bool] = {"signals": services.signals.listening}
    try:
        async with services.db.transaction(None) as tx:
            checks["database"] = await tx.value("select true")
    except Exception:  # noqa: BLE001 - whatever fails, the answer is "not ready"
        checks["database"] = False
    state = services.log.state()
    said: dict[str, object] = {
        "checks": checks,
        "log": {"engine": state.engine, "lag": state.lag, "stopped": len(state.stopped)},
    }
    if services.departure.has_begun:
        return 503, {"status": "leaving"} | said
    return (200, {"status": "ok"} | said) if all(checks.values()) else (503, {"status": "unavailable"} | said)


async def measure(services: Services) -> bytes:
    """This process's metrics; what the database knows is asked now, and left as it was if it is away."""
    with contextlib.suppress(Exception):
        waiting_turns.set(await count_waiting(services.db))
    return generate_latest(METRICS)


class HealthDoor:
    """The one door of a process that serves nobody: the same addresses, and nothing else."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one request; sockets are refused."""
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close"})
            return
        status, body, media_type = await self._answer(scope["method"], scope["path"])
        headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
        if self._services.departure.has_begun:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(self, method: str, path: str) -> tuple[int, bytes, str]:
        if method not in {"GET", "HEAD"}:
            return 405, b"", "text/plain"
        if path == "/metrics":
            return 200, await measure(self._services), CONTENT_TYPE_LATEST
        if path == "/health/live":
            return 200, msgspec.json.encode({"status": "ok", "version": VERSION}), "application/json"
        if path == "/health/ready":
            status, said = await look_whether_ready(self._services)
            return status, msgspec.json.encode(said), "application/json"
        return 404, b"", "text/plain"
