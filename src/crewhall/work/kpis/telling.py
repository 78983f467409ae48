"""What a calculation is told as: the figures' event, and that trust moved, with every term."""

from typing import Any

from msgspec import structs

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.work.kpis.formulas import Past
from crewhall.work.kpis.sums import Calculated, reason_of
from crewhall.work.timeline import record_event
from crewhall.work.timeline_content import KpisUpdated, TrustChanged

_TERMS = (
    "term_quality", "term_completion", "term_bugs", "term_deployments", "term_trend", "term_steadiness", "term_sum",
    "start", "evidence", "trust",
)  # fmt: skip
_COUNTED = ("tasks_completed", "bugs", "deployment_failures", "change_requests", "first_approvals", "failing_pulls")


async def tell_figures(tx: Tx, system: Actor, done: Calculated) -> None:
    """Say on the timeline that figures were calculated: how they were and are, and of what."""
    counts, figures = structs.asdict(done.counts), done.figures
    new: dict[str, Any] = {
        "overall": figures.overall, "quality": figures.quality, "completion": figures.completion,
        "trust": figures.trust, **{name: counts[name] for name in _COUNTED},
    }  # fmt: skip
    content = KpisUpdated(
        agent_id=done.agent.id, previous=_previous(done.before), new=new, reason=reason_of(done.counted, done.asked_by)
    )
    await record_event(tx, system.org, content, agent_id=done.agent.id)


async def tell_trust(tx: Tx, system: Actor, done: Calculated) -> None:
    """Let the agent have its trust, and say so where that is another than it had."""
    before, after = done.agent.trust, done.figures.trust
    if before == after:
        return
    await tx.run(
        "update agents set trust_score = %(trust)s where org_id = %(org)s and id = %(id)s",
        {"trust": after, "org": system.org, "id": done.agent.id},
    )
    terms = {name: float(getattr(done.figures, name)) for name in _TERMS}
    content = TrustChanged(
        agent_id=done.agent.id, before=before, after=after, reason=reason_of(done.counted, done.asked_by), terms=terms
    )
    await record_event(tx, system.org, content, agent_id=done.agent.id, mentions=[done.agent.id])


def _previous(before: Past | None) -> dict[str, Any]:
    if before is None:
        return {}
    return {"overall": before.overall, "quality": before.quality, "tasks_completed": before.tasks_completed}
