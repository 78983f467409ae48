"""A real Chromium for the pages."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.support.server import Server
from tests.web.browser import CLOSE_S, FLAGS, Visitors, find_chromium

expect.set_options(timeout=8000)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for the run; every visitor has a context of its own."""
    found = find_chromium()
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is missing: the page tests need it.")
        pytest.skip("Chromium is missing: set CREWHALL_CHROMIUM to its path.")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield launched
        async with asyncio.timeout(CLOSE_S):
            await launched.close()


@pytest.fixture
async def visitors(browser: Browser, server: Server) -> AsyncIterator[Visitors]:
    """People who look at the running server; a page that complains fails the test."""
    async with server.db.transaction(None) as tx:  # the tests' organizations are made without the first set-up
        await tx.run("update installation set seeded_at = now() where seeded_at is null")
    made = Visitors(browser, server)
    yield made
    await made.close()
    assert made.complaints == []
