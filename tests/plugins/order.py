"""Runs the slow folders first, so that no worker is left alone with them at the end of a run in parallel."""

from pathlib import Path

import pytest

SLOW = (
    "chaos", "cluster", "tenancy", "openapi", "web", "turns_faces", "crash", "cli", "taking", "live", "mcp", "sdk",
    "kafka_agents", "log", "permissions", "postgres", "scripts", "turns", "bench",
)  # fmt: skip
"""Folders of tests whose files take longest, those first."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order by folder; within one everything stays as collected."""
    items.sort(key=lambda item: _place(item.path))


def _place(path: Path) -> int:
    return SLOW.index(path.parent.name) if path.parent.name in SLOW else len(SLOW)
