"""Several rankings made into one. Pure."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

K = 10
"""How little first places count before those that follow. Cormack, Clarke and Büttcher (SIGIR 2009), who fused many
rankings, took 60; with two, what stands first in one says more (chosen on the half of `bench.retrieval` for that)."""
T = TypeVar("T", bound=Hashable)


def fuse(rankings: Iterable[Sequence[T | None]]) -> list[tuple[T, float]]:
    """Everything that stands in one of the rankings, best first, each with its score.

    What stands at place n of a ranking, from 1, gets 1 / (K + n) of it; None holds a place of something that gets
    nothing. Of what is alike, what stood first in the earlier ranking comes first.
    """
    scores: defaultdict[T, float] = defaultdict(float)
    for ranking in rankings:
        for place, one in enumerate(ranking, 1):
            if one is not None:
                scores[one] += 1 / (K + place)
    return sorted(scores.items(), key=lambda scored: -scored[1])
