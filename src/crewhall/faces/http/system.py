"""Whether the process lives, whether it can serve, and its metrics."""

import contextlib

from litestar import Response, get
from litestar.di import NamedDependency
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from crewhall.faces.plumbing.services import Services
from crewhall.kernel.telemetry import METRICS, waiting_turns
from crewhall.runtime import count_waiting
from crewhall.version import VERSION


@get("/health/live", include_in_schema=False)
async def show_live() -> dict[str, str]:
    """Answer while the process runs."""
    return {"status": "ok", "version": VERSION}


@get("/health/ready", include_in_schema=False)
async def show_ready(services: NamedDependency[Services]) -> Response[dict[str, object]]:
    """Answer 200 when posts can be stored and delivered, 503 with what is missing otherwise."""
    state = services.log.state()
    checks: dict[str, bool] = {"signals": services.signals.listening}
    try:
        async with services.db.transaction(None) as tx:
            checks["database"] = await tx.value("select true")
    except Exception:  # noqa: BLE001 - whatever fails, the answer is "not ready"
        checks["database"] = False
    ready = all(checks.values())
    answer: dict[str, object] = {
        "status": "ok" if ready else "unavailable",
        "checks": checks,
        "log": {"engine": state.engine, "lag": state.lag, "stopped": len(state.stopped)},
    }
    return Response(answer, status_code=200 if ready else 503)


@get("/metrics", include_in_schema=False)
async def show_metrics(services: NamedDependency[Services]) -> Response[bytes]:
    """Metrics in Prometheus' text format; what the database knows is asked now, and left as it was if it is away."""
    with contextlib.suppress(Exception):
        waiting_turns.set(await count_waiting(services.db))
    return Response(generate_latest(METRICS), headers={"content-type": CONTENT_TYPE_LATEST})


SYSTEM = [show_live, show_ready, show_metrics]
