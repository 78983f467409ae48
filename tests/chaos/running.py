"""So many rounds of chaos on a cluster under load, then the proof that nothing was lost, doubled or out of order."""

import random
from collections import Counter
from dataclasses import dataclass

from tests.chaos.rounds import Chaos
from tests.support.cluster import running
from tests.support.load import load_on
from tests.support.site import Site


@dataclass(frozen=True)
class Report:
    """What was done, and what the history held when nothing was wrong with it."""

    rounds: Counter[str]
    posts: int
    seen: int

    def lines(self) -> list[str]:
        """The report, a line for each thing that was done."""
        done = [f"  {count:4} {kind}" for kind, count in sorted(self.rounds.items())]
        told = (
            f"{self.rounds.total()} rounds: {self.posts} posts acknowledged and present once, in order; "
            f"{self.seen} records seen by subscribers, each once"
        )
        return [told, *done]


async def run_chaos(site: Site, rounds: int, seed: int) -> Report:
    """Run; raises AssertionError that says what was wrong with the history, or who hangs."""
    async with running(site) as cluster, load_on(site, seed, through=cluster) as load:
        chaos = Chaos(cluster, load)
        kinds = (chaos.kinds * (rounds // len(chaos.kinds) + 1))[:rounds]
        random.Random(seed).shuffle(kinds)
        for kind in kinds:
            await chaos.round(kind)
        await load.progress(100)
    seen = sum(len(entries) for of in load.history.seen.values() for entries in of.values())
    return Report(chaos.done, len(load.history.acks), seen)
