"""Waiting times between tries: they double up to a limit, and each is blurred so that clients do not come in step."""

import random
from collections.abc import Iterator


def delays(first: float = 0.1, last: float = 10.0) -> Iterator[float]:
    """Seconds to wait before the second try, the third, …; without end."""
    delay = first
    while True:
        yield random.uniform(delay / 2, delay)  # noqa: S311 - spreads load, guards nothing
        delay = min(delay * 2, last)
