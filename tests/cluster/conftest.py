"""One home for the tests that run several processes on it: making its database takes time."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.site import Site


@pytest.fixture(scope="session")
async def site() -> AsyncIterator[Site]:
    """A home of its own (short, for the sockets in it); each test starts the processes that it needs and ends them."""
    home = Path(tempfile.mkdtemp(prefix="crewhall-cluster-"))
    site = Site(home / "home")
    try:
        yield site
    finally:
        await site.close()
        shutil.rmtree(home, ignore_errors=True)
