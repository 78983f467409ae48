"""The description as the running server gives it."""

from typing import Any

import pytest

from tests.support.description import Operation, read_operations
from tests.support.server import Server


@pytest.fixture(scope="session")
async def description(server: Server) -> dict[str, Any]:
    """The whole OpenAPI document."""
    document: dict[str, Any] = (await server.client().get("/openapi.json")).raise_for_status().json()
    return document


@pytest.fixture(scope="session")
async def operations(server: Server) -> list[Operation]:
    """Every operation of it."""
    return await read_operations(server.client())
