"""Figures over time as pictures, and trust as a sum that one can follow. Pure.

A line is drawn on a plane of a thousand units across and a hundred high.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from crewhall.work.kpis.schemas import KpiShown

WIDE, HIGH = 1000, 100


class Dot(Struct, frozen=True):
    """A row in a line: where it stands, and what it says."""

    x: int
    y: int
    when: str
    said: str


class Line(Struct, frozen=True):
    """A figure over time. `said` tells it in a sentence; `points` joins the dots."""

    name: str
    said: str
    dots: list[Dot]

    @property
    def points(self) -> str:
        """What an SVG polyline takes."""
        return " ".join(f"{dot.x},{dot.y}" for dot in self.dots)


class Term(Struct, frozen=True):
    """A term of trust: how it is made, and what it comes to."""

    name: str
    how: str
    value: float


def line(name: str, rows: Sequence[KpiShown], value: Callable[[KpiShown], float], most: float, unit: str = "") -> Line:
    """A figure of rows, oldest first, between nothing and the most that it can be."""
    given = [value(row) for row in rows]
    step = WIDE / max(1, len(rows) - 1)
    dots = [
        Dot(
            x=round(number * step) if len(rows) > 1 else WIDE // 2,
            y=HIGH - round(HIGH * amount / most),
            when=f"{row.recorded_at:%Y-%m-%d %H:%M}",
            said=f"{amount:g}{unit}",
        )
        for number, (row, amount) in enumerate(zip(rows, given, strict=True))
    ]
    if not given:
        return Line(name, "Nothing yet.", [])
    moved = "It is" if len(given) == 1 else f"From {given[0]:g}{unit} it went to"
    spread = f"the lowest of these {len(given)} was {min(given):g}{unit}, the highest {max(given):g}{unit}"
    said = f"{moved} {given[-1]:g}{unit}{'; ' + spread if len(given) > 1 else ''}."
    return Line(name, said, dots)


def terms_of(row: KpiShown) -> list[Term]:
    """How trust was made, term by term, with the numbers that stood."""
    moves = f"overall {row.overall_trend}, quality {row.quality_trend}, tasks {row.tasks_trend}"
    steady = (
        f"max(0, 5 − {row.deviation:g} ÷ 0.06), of how much overall varied in the last ten rows"
        if row.deviation is not None
        else "nothing before there are three rows"
    )
    return [
        Term("Quality", f"0.4 × {row.quality:g}", row.term_quality),
        Term("Completion", f"30 × {row.completion:g}", row.term_completion),
        Term("Bugs", f"max(0, 20 − 4 × {row.bugs})", row.term_bugs),
        Term("Deployments", f"max(0, 10 − 3.33 × {row.deployment_failures})", row.term_deployments),
        Term("Trend", f"±5, ±2, ±1: {moves}", row.term_trend),
        Term("Steadiness", steady, row.term_steadiness),
    ]


def scores_of(row: KpiShown) -> list[Term]:
    """How the scores were made."""
    done = (
        f"{row.ripe_completed} of {row.tasks_ripe} tasks that were assigned more than 7 days ago"
        if row.tasks_ripe
        else "no task was assigned more than 7 days ago"
    )
    quality = (
        f"50 + 10 × {row.first_approvals} − 5 × {row.change_requests} − 10 × {row.failing_pulls}, within 0 and 100"
    )
    overall = (
        f"0.4 × {row.quality:g} ÷ 100 + 0.3 × {row.completion:g} + 0.2 × max(0, 100 − 10 × {row.bugs}) ÷ 100"
        f" + 0.1 × max(0, 100 − 10 × {row.deployment_failures}) ÷ 100"
    )
    return [
        Term("Quality", quality, row.quality),
        Term("Completion", done, row.completion),
        Term("Overall", overall, row.overall),
    ]
