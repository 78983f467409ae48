"""People who look at the pages."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.support.server import Server
from tests.support.waiting import PATIENCE
from tests.web.browser import Visitors

expect.set_options(timeout=20_000 * PATIENCE)


@pytest.fixture
async def visitors(browser: Browser, server: Server) -> AsyncIterator[Visitors]:
    """People who look at the running server; a page that complains fails the test."""
    async with server.db.transaction(None) as tx:  # the tests' organizations are made without the first set-up
        await tx.run("update installation set seeded_at = now() where seeded_at is null")
    made = Visitors(browser, server)
    yield made
    await made.close()
    assert made.complaints == []
