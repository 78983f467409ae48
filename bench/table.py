"""Figures, their targets, and the one table of ratios."""

import statistics
from collections.abc import Sequence

import msgspec

RATE = "/s"


class Target(msgspec.Struct, frozen=True):
    """What a figure must reach; every given part must hold. Ratios are product to floor and product to peer."""

    at_least: float | None = None
    at_most: float | None = None
    floor_share: float | None = None
    """At least this share of the floor (for rates)."""
    floor_times: float | None = None
    """At most this many times the floor (for times)."""
    peer_times: float | None = None
    """At least this many times the peer (for rates)."""

    def judge(self, value: float, floor: float | None, peer: float | None) -> dict[str, bool]:
        """Each part of the target in words, and whether it is met; parts whose yardstick is missing are left out."""
        parts: dict[str, bool] = {}
        if self.at_least is not None:
            parts[f"≥ {number(self.at_least)}"] = value >= self.at_least
        if self.at_most is not None:
            parts[f"≤ {number(self.at_most)}"] = value <= self.at_most
        if self.floor_share is not None and floor:
            parts[f"≥ {self.floor_share:.0%} of floor"] = value >= self.floor_share * floor
        if self.floor_times is not None and floor:
            parts[f"≤ {self.floor_times:g} × floor"] = value <= self.floor_times * floor
        if self.peer_times is not None and peer:
            parts[f"≥ {self.peer_times:g} × peer"] = value >= self.peer_times * peer
        return parts


class Figure(msgspec.Struct, frozen=True):
    """One figure of a row: `key` is its name in the product's runs, `floor_key` in the floor's."""

    key: str
    what: str
    unit: str
    target: Target = Target()
    floor_key: str | None = None
    peer: float | None = None
    note: str = ""


class Line(msgspec.Struct):
    """One line of the table: medians over the runs, ratios, and the verdict."""

    row: str
    key: str
    what: str
    unit: str
    value: float
    floor: float | None
    floor_ratio: float | None
    peer: float | None
    peer_gain: float | None
    """How many times better than the peer: product ÷ peer for rates, peer ÷ product for times and sizes."""
    target: dict[str, bool]
    is_met: bool | None
    runs: list[float]
    floor_runs: list[float]
    is_noisy: bool
    note: str


Runs = Sequence[dict[str, float]]


def line_of(row: str, figure: Figure, product: Runs, floor: Runs, *, noisy: bool = False) -> Line | None:
    """Reduce the runs of one figure to its line; None when no run of the product gave the figure."""
    runs = [run[figure.key] for run in product if figure.key in run]
    if not runs:
        return None
    floor_runs = [run[figure.floor_key] for run in floor if figure.floor_key in run] if figure.floor_key else []
    value = statistics.median(runs)
    base = statistics.median(floor_runs) if floor_runs else None
    verdict = figure.target.judge(value, base, figure.peer)
    return Line(
        row=row,
        key=figure.key,
        what=figure.what,
        unit=figure.unit,
        value=value,
        floor=base,
        floor_ratio=ratio(value, base),
        peer=figure.peer,
        peer_gain=gain(value, figure.peer, figure.unit),
        target=verdict,
        is_met=all(verdict.values()) if verdict else None,
        runs=runs,
        floor_runs=floor_runs,
        is_noisy=noisy,
        note=figure.note,
    )


def ratio(value: float, base: float | None) -> float | None:
    """The value as a multiple of the base; None without a base."""
    return value / base if base else None


def gain(value: float, peer: float | None, unit: str) -> float | None:
    """How many times better the value is than the peer's; more is better only for rates (`/s`)."""
    if peer is None:
        return None
    return ratio(value, peer) if unit == RATE else ratio(peer, value)


def number(value: float) -> str:
    """A number as a person reads it: three significant digits, thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


HEADS = ("what", "Crewhall", "floor", "of floor", "peer", "better", "target", "")


def as_table(lines: Sequence[Line]) -> str:
    """The table as Markdown, which also reads well on a terminal."""
    rows = [HEADS, *(_cells(line) for line in lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADS))]
    shown = [_row(row, widths) for row in rows]
    shown.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(shown)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def _cells(line: Line) -> tuple[str, ...]:
    verdict = "" if line.is_met is None else "met" if line.is_met else "MISSED"
    failed = [part for part, met in line.target.items() if not met]
    if failed and len(line.target) > 1:
        verdict += f" ({'; '.join(failed)})"
    if line.is_noisy:
        verdict = f"{verdict} noisy".strip()
    return (
        line.what,
        f"{number(line.value)} {line.unit}".strip(),
        "" if line.floor is None else number(line.floor),
        ""
        if line.floor_ratio is None
        else f"{line.floor_ratio:.0%}"
        if line.floor_ratio < 2
        else f"{line.floor_ratio:.1f} ×",
        "" if line.peer is None else number(line.peer),
        "" if line.peer_gain is None else f"{number(line.peer_gain)} ×",
        "; ".join(line.target),
        verdict,
    )
