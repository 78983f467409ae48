"""How many records a projector has before it: where its partitions end, and how far it has written them."""

from collections.abc import Mapping

from crewhall.adapters.kafka.producing import Place
from crewhall.kernel.telemetry import log_lag

UNKNOWN = float("nan")


class Lag:
    """The lag of one projector. What nobody knows yet is not taken for nothing."""

    def __init__(self) -> None:
        self._next: dict[Place, int] = {}
        self._ends: dict[Place, int] = {}
        self._is_known = False
        log_lag.set(UNKNOWN)

    def follow(self, read: Mapping[Place, int]) -> None:
        """These partitions are the projector's from now on, written so far."""
        self._next = dict(read)
        self._ends = {place: end for place, end in self._ends.items() if place in self._next}

    def note_read(self, place: Place, offset: int) -> None:
        """A partition is written up to there."""
        if place in self._next:
            self._next[place] = offset

    def note_end(self, place: Place, end: int) -> None:
        """Kafka says that a partition ends there."""
        if place in self._next:
            self._ends[place] = end

    def places(self) -> list[Place]:
        """The partitions that are followed."""
        return list(self._next)

    def unmeasured(self) -> list[Place]:
        """Those of which Kafka has not said yet where they end."""
        return [place for place in self._next if place not in self._ends]

    def show(self) -> None:
        """Bring the metric up to date."""
        self._is_known = self._is_known or not self.unmeasured()
        if self._is_known:
            log_lag.set(sum(self._behind()))

    def records(self) -> int | None:
        """How many records are not written yet; None before it is known for the first time.

        A partition that comes later counts as soon as Kafka has said where it ends.
        """
        return sum(self._behind()) if self._is_known else None

    def _behind(self) -> list[int]:
        return [max(0, end - self._next[place]) for place, end in self._ends.items()]
