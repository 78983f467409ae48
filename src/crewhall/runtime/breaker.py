"""Circuit breakers: a provider that fails again and again is left alone for a while, and whoever asks is told."""

import time
from collections.abc import Callable

FAILURES = 5
OPEN_S = 60.0


class Breaker:
    """Counts failures in a row of one provider. Open: nothing is asked; then one request tries it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0

    def closed_in(self) -> float:
        """Seconds until the provider may be asked again; 0 means now.

        Once the time is over the first to ask is let through; the others wait until it is known how that went.
        """
        if self._failures < FAILURES:
            return 0.0
        left = self._open_until - self._clock()
        if left <= 0:
            self._open_until = self._clock() + OPEN_S
            return 0.0
        return left

    def failed(self) -> None:
        """Count a failure of the provider (not of who asked)."""
        self._failures += 1
        if self._failures >= FAILURES:
            self._open_until = self._clock() + OPEN_S

    def succeeded(self) -> None:
        """Forget the failures."""
        self._failures = 0


class Breakers:
    """The breakers of one process, by organization's provider name."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_provider: dict[str, Breaker] = {}

    def of(self, provider: str) -> Breaker:
        """The breaker of a provider."""
        return self._by_provider.setdefault(provider, Breaker(self._clock))
