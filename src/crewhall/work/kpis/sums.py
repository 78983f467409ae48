"""What a calculation begins with, adds and comes to."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from crewhall.agents import AgentStatus
from crewhall.work.kpis.formulas import Counts, Figures, Past
from crewhall.work.kpis.vocabulary import COUNTED_WORDS, SESSION_END, Concern, EvidenceKind


class Measured(Struct, frozen=True):
    """The agent that is calculated, locked."""

    id: UUID
    code: str
    name: str
    status: AgentStatus
    role_title: str
    trust: float
    owner_user_id: UUID | None


class Sums(Counts, frozen=True, kw_only=True):
    """What was counted so far."""

    position: int
    ripe_at: datetime | None
    recorded_at: datetime | None
    past: list[Past]
    custom: dict[str, float]
    start: float
    start_evidence: int
    concerns: list[Concern]
    excused: list[Concern]
    now: datetime


class Growth(Counts, frozen=True, kw_only=True):
    """What adds to it."""

    counted: dict[str, int]


class Calculated(Struct, frozen=True, kw_only=True):
    """What a calculation came to."""

    agent: Measured
    recorded_at: datetime
    counts: Counts
    before: Past | None
    past: list[Past]
    figures: Figures
    counted: dict[str, int]
    asked_by: str
    excused: list[Concern]


def grown(sums: Counts, growth: Counts) -> Counts:
    """The counts after what is new; what is looked at anew each time is as it is now."""
    added = {name: getattr(sums, name) + getattr(growth, name) for name in Counts.__struct_fields__}
    return Counts(**added | {"rejected_in_row": growth.rejected_in_row, "recent_bugs": growth.recent_bugs})


def past_of(figures: Figures, counts: Counts) -> Past:
    """What later rows need of this one."""
    return Past(figures.overall, figures.quality, counts.tasks_completed, figures.overall_trend)


def row_of(figures: Figures) -> dict[str, Any]:
    """The columns of a row that are calculated."""
    return structs.asdict(figures) | {
        "tasks_trend": str(figures.tasks_trend), "quality_trend": str(figures.quality_trend),
        "overall_trend": str(figures.overall_trend), "concerns": [str(one) for one in figures.concerns],
    }  # fmt: skip


def reason_of(counted: dict[str, int], asked_by: str = "") -> str:
    """Why a row was made, in words: what was counted, and who asked for it."""
    told = [_said(EvidenceKind(kind), amount) for kind, amount in sorted(counted.items())]
    who = SESSION_END.lower() if asked_by == SESSION_END else asked_by
    asked = [f"{who} asked for it"] if asked_by else []
    said = ", ".join(told + asked) or "nothing new was counted"
    return f"{said[0].upper()}{said[1:]}."[:500]


def _said(kind: EvidenceKind, amount: int) -> str:
    one, several = COUNTED_WORDS[kind]
    return f"{'less ' if amount < 0 else ''}{abs(amount)} {one if abs(amount) == 1 else several}"
