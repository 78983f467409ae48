"""What every row is."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from bench.ground import Ground
from bench.table import Figure


class Scale(msgspec.Struct, frozen=True):
    """How much a row does: `seconds` per run, `runs` of product and floor each, `messages` in the large data set."""

    seconds: float
    runs: int
    messages: int


SMALL = 10_000
"""Messages in the small data set, against which growth is measured."""
QUICK = Scale(seconds=1.0, runs=1, messages=100_000)
FULL = Scale(seconds=4.0, runs=3, messages=1_000_000)


class Row(Protocol):
    """A row of benches. Its measurements return figures by key."""

    name: str
    figures: Sequence[Figure]
    ground: str
    """`data` is the large data set, kept between runs, `many` one of as many messages in very many conversations;
    `small` has 10,000 messages; `turns` is an empty home with a model beside it, `kafka` one with a broker; any other
    name is an empty home."""
    floor_ground: str
    """Where the floor is measured: nearly always the same."""

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Make what both sides need, and warm them up. Raises Skip."""

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Measure Crewhall once."""

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Measure the floor once; empty where there is none."""
