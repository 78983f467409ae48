"""Two tenants of one server, for tests that only try to reach from the one into the other."""

import logging
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.conversations.ways import all_derived
from tests.support.server import Server
from tests.tenancy.estate import Estate, make_estate


@pytest.fixture(scope="session")
async def estates(server: Server) -> tuple[Estate, Estate]:
    """The one that asks, and the other, all that follows from them derived: it would look like a change."""
    own, other = (
        await make_estate(server, f"own{uuid4().hex[:12]}"),
        await make_estate(server, f"other{uuid4().hex[:12]}"),
    )
    await all_derived(server.db)
    return own, other


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A thousand requests a test: their log lines take longer than they do."""
    with caplog.at_level(logging.WARNING, "httpx"), caplog.at_level(logging.WARNING, "uvicorn.access"):
        yield
