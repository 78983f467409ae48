"""Makes the time limit of every test, and of a request that names none, as much longer as all bounds are."""

import inspect

import httpx
import pytest

from tests.support.waiting import PATIENCE

REQUEST_S = 20.0
"""By itself httpx gives up after five seconds, which on a busy machine is no reason to."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    usual = inspect.signature(httpx.AsyncClient).parameters["timeout"].default
    for part in ("connect", "read", "write", "pool"):
        setattr(usual, part, REQUEST_S * PATIENCE)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A limit on the command line is taken as it is, for tests that have none of their own."""
    usual = None if config.getoption("timeout") is not None else float(config.getini("timeout") or 0)
    for item in items:
        marked = item.get_closest_marker("timeout")
        limit = marked.args[0] if marked and marked.args else usual
        if limit:
            item.add_marker(pytest.mark.timeout(limit * PATIENCE), append=False)
