"""What chaos did, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.chaos.rounds import Round
from tests.support.history import History


@dataclass(frozen=True)
class Report:
    """What was done, and what the history held when nothing was wrong with it."""

    log: str
    seed: int
    seconds: float
    rounds: Mapping[str, list[Round]]
    posts: int
    seen: int
    files: int
    not_kept: Mapping[str, int]

    @property
    def count(self) -> int:
        """How many rounds there were."""
        return sum(map(len, self.rounds.values()))

    def lines(self) -> list[str]:
        """What holds, then a row for each thing that was done."""
        refused = ", ".join(f"{count} {code}" for code, count in sorted(self.not_kept.items())) or "none"
        return [
            f"{self.count} rounds in {self.seconds:.0f} s on the {self.log} log, seed {self.seed}",
            f"  {self.posts} posts acknowledged, each present once, in order",
            f"  {self.seen} records seen by subscribers, each once, none left out",
            f"  {self.files} files acknowledged, each whole; refused: {refused}",
            "",
            f"  {'rounds':>6}  {'what was done':20} {'no post taken for':>18} {'one post waited':>16}",
            *[
                f"  {len(done):6}  {kind:20} {max(one.silence_s for one in done):16.1f} s"
                f" {max(one.wait_s for one in done):14.1f} s"
                for kind, done in sorted(self.rounds.items())
            ],
        ]


def report_of(log: str, seed: int, seconds: float, rounds: Mapping[str, list[Round]], history: History) -> Report:
    """The report of a history in which nothing was wrong."""
    seen = sum(len(entries) for of in history.seen.values() for entries in of.values())
    return Report(log, seed, seconds, rounds, len(history.acks), seen, len(history.kept), history.not_kept)
