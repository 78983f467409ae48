"""Whether the process lives, whether it can do its part, and its metrics."""

from litestar import Response, get
from litestar.di import NamedDependency
from prometheus_client import CONTENT_TYPE_LATEST

from crewhall.faces.http.health import look_whether_ready, measure
from crewhall.faces.plumbing.services import Services
from crewhall.version import VERSION


@get("/health/live", include_in_schema=False)
async def show_live() -> dict[str, str]:
    """Answer while the process runs."""
    return {"status": "ok", "version": VERSION}


@get("/health/ready", include_in_schema=False)
async def show_ready(services: NamedDependency[Services]) -> Response[dict[str, object]]:
    """Answer 200 when posts can be stored and delivered, 503 with what is missing otherwise, or when it is leaving."""
    status, said = await look_whether_ready(services)
    return Response(said, status_code=status)


@get("/metrics", include_in_schema=False)
async def show_metrics(services: NamedDependency[Services]) -> Response[bytes]:
    """Metrics in Prometheus' text format."""
    return Response(await measure(services), headers={"content-type": CONTENT_TYPE_LATEST})


SYSTEM = [show_live, show_ready, show_metrics]
