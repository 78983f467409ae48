"""An agent's figures worked out from its evidence alone, from the beginning: another way to the same rows. Pure.

The calculation adds to sums and asks the database what is newest; here everything is held, and counted anew.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from crewhall.work.kpis.formulas import RIPE_DAYS, STEADY_ROWS, Counts, Past, Start, calculate
from crewhall.work.kpis.sums import past_of, row_of
from crewhall.work.kpis.vocabulary import EvidenceKind

MOST_IN_ROW, LAST_TASKS = 10, 10
K = EvidenceKind
_SUMMED = {
    K.TASK_ASSIGNED: "tasks_assigned", K.TASK_COMPLETED: "tasks_completed", K.APPROVED_FIRST: "first_approvals",
    K.APPROVED: "approvals", K.CHANGES_REQUESTED: "change_requests", K.CHECKS_FAILED: "failing_pulls", K.BUG: "bugs",
    K.DEPLOYMENT_FAILED: "deployment_failures", K.REWORKED: "reworks",
}  # fmt: skip


class EvidenceRow(Struct, frozen=True):
    """A row of evidence, as it is stored."""

    position: int
    kind: EvidenceKind
    about: str
    subject: str
    amount: int
    value: float | None
    since: datetime | None
    at: datetime


class Replay:
    """Takes evidence in its order; at each calculation it gives the row that was made then."""

    def __init__(self) -> None:
        self._held: Counter[tuple[EvidenceKind, datetime, str]] = Counter()
        self._since: Counter[tuple[EvidenceKind, datetime]] = Counter()
        self._sums: Counter[str] = Counter()
        self._counted: Counter[str] = Counter()
        self._custom: dict[str, float] = {}
        self._set_to: float | None = None
        self._start = Start()
        self._past: list[Past] = []

    def rows(self, evidence: Iterable[EvidenceRow]) -> Iterator[dict[str, Any]]:
        """The rows that the evidence makes, one for each of its calculations."""
        for one in evidence:
            if one.kind is K.CALCULATION:
                yield self._calculate(one)
            else:
                self._take(one)

    def _take(self, one: EvidenceRow) -> None:
        self._counted[str(one.kind)] += one.amount
        if name := _SUMMED.get(one.kind):
            self._sums[name] += one.amount
            self._held[one.kind, one.at, one.subject] += one.amount
        elif one.kind in {K.PULL_MERGED, K.PULL_REJECTED}:
            self._held[one.kind, one.at, one.subject] += one.amount
        elif one.kind is K.METRIC:
            self._custom[one.about.removeprefix("metric:")] = one.value or 0.0
        elif one.kind is K.TRUST_SET:
            self._set_to = one.value
        if one.since is not None:
            self._since[one.kind, one.since] += one.amount
        if one.kind is K.TASK_COMPLETED and one.value is not None:
            self._sums["minutes"] += one.amount * round(one.value)
            self._sums["timed"] += one.amount

    def _calculate(self, at: EvidenceRow) -> dict[str, Any]:
        counts = self._counts(at.at - timedelta(days=RIPE_DAYS))
        if self._set_to is not None:
            self._start, self._set_to = Start(self._set_to, counts.evidence), None
        figures = calculate(counts, self._past, self._start)
        self._past = [*self._past, past_of(figures, counts)][1 - STEADY_ROWS :]
        counted = {kind: amount for kind, amount in self._counted.items() if amount}
        self._counted.clear()
        named = {name: getattr(counts, name) for name in Counts.__struct_fields__ if name not in {"minutes", "timed"}}
        return named | row_of(figures) | {
            "recorded_at": at.at, "position": at.position, "asked_by": at.subject or None, "counted": counted,
            "custom": dict(self._custom), "average_task_minutes": counts.average_task_minutes,
        }  # fmt: skip

    def _counts(self, ripe_to: datetime) -> Counts:
        ripe = Counter[EvidenceKind]()
        for (kind, since), amount in self._since.items():
            ripe[kind] += amount if since <= ripe_to else 0
        return Counts(
            **self._sums, tasks_ripe=ripe[K.TASK_ASSIGNED], ripe_completed=ripe[K.TASK_COMPLETED],
            rejected_in_row=self._rejected_in_row(), recent_bugs=self._recent_bugs(),
        )  # fmt: skip

    def _standing(self, *kinds: EvidenceKind) -> list[tuple[EvidenceKind, datetime, str]]:
        """What stands of these kinds, the newest first."""
        held = (key for key, amount in self._held.items() if amount > 0 and key[0] in kinds)
        return sorted(held, key=lambda key: (key[1], key[2]), reverse=True)

    def _rejected_in_row(self) -> int:
        count = 0
        for kind, _, _ in self._standing(K.PULL_MERGED, K.PULL_REJECTED):
            if kind is K.PULL_MERGED or count == MOST_IN_ROW:
                break
            count += 1
        return count

    def _recent_bugs(self) -> int:
        done = self._standing(K.TASK_COMPLETED)[:LAST_TASKS]
        first = done[-1][1] if len(done) == LAST_TASKS else None
        return sum(
            amount
            for (kind, at, _), amount in self._held.items()
            if kind is K.BUG and (first is None or at >= first)
        )  # fmt: skip
