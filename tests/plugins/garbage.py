"""Looks for garbage less often than Python does by itself: a worker holds half a million objects that stay.

By itself Python looks at all of them dozens of times in a run; each time it finds next to nothing.
"""

import gc

import pytest

THRESHOLDS = (10_000, 20, 20)
"""New objects before a look at the young, looks at the young before one at the older, and at those before all."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    gc.set_threshold(*THRESHOLDS)
