"""Pages of KPIs: an agent's figures and how its trust came about, agents beside each other, metrics of roles."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.agents import AgentStatus, access_agent
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render, render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, check_permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.paging import MAX_LIMIT
from crewhall.work import timeline_kinds
from crewhall.work.kpis import KpiParts, charts, metrics, queries
from crewhall.work.kpis.schemas import Evidence, KpiShown, Metric, NewMetric
from crewhall.work.kpis.vocabulary import CONCERN_WORDS, COUNTED_WORDS, MetricSource

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
SHOWN, STEPS, COUNTED, RANKED = 60, 20, 12, 50
METRICS = "/settings/metrics"
STATUSES = [
    ("", "Any standing"),
    *((str(one), str(one).capitalize()) for one in AgentStatus if one is not AgentStatus.TERMINATED),
]


class Step(msgspec.Struct):
    """A row among others: from which trust to which."""

    row: KpiShown
    before: float
    terms: list[charts.Term]

    @property
    def moved(self) -> float:
        """How far trust moved."""
        return round(self.row.trust - self.before, 2)


class Said(msgspec.Struct):
    """A thing that counts, in words; `link` leads to it where it is here."""

    one: Evidence
    words: str
    link: str | None


@get("/agents/{agent_id:uuid}/kpis")
async def show_kpis(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
    after: FromQuery[str | None] = None,
) -> Page:
    """An agent's figures over time, and every step of its trust."""
    async with services.db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id)
        newest = (await queries.list_kpis(tx, actor, agent_id, limit=SHOWN)).items
        page = await queries.list_kpis(tx, actor, agent_id, after=after, limit=STEPS + 1)
        counted = (await queries.list_evidence(tx, actor, agent_id, limit=COUNTED)).items
        own = await metrics.metrics_of(tx, agent.role_title)
    steps = steps_of(page.items)
    cut = queries.place_of(page.items[STEPS - 1]) if len(page.items) > STEPS else None
    older = f"/agents/{agent_id}/kpis?{urlencode({'after': cut})}#steps" if cut else None
    latest = newest[0] if newest else None
    return await render_in_hall(
        "agent_kpis.html", request, services, actor,
        agent=agent, latest=latest, lines=_lines(newest), steps=steps[:STEPS], older=older, is_newest=after is None,
        scores=charts.scores_of(latest) if latest else [], terms=charts.terms_of(latest) if latest else [],
        said=[_said(one) for one in counted], measured=_measured(own, latest),
        concerns=[CONCERN_WORDS[one] for one in latest.concerns] if latest else [],
        may_calculate=is_allowed(actor, Permission.AGENTS_UPDATE),
    )  # fmt: skip


@get("/agents/{agent_id:uuid}/kpis/summary")
async def show_summary(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
) -> Page:
    """The figures on the agent's page: a frame of it."""
    async with services.db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id)
        newest = (await queries.list_kpis(tx, actor, agent_id, limit=SHOWN)).items
    latest = newest[0] if newest else None
    return render("agent_kpis_summary.html", request, agent=agent, latest=latest, lines=_lines(newest)[:1])


@post("/agents/{agent_id:uuid}/kpis")
async def calculate(
    services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Redirect:
    """Calculate now."""
    await services.part(KpiParts).calculator.calculate_now(actor, agent_id)
    return go(f"/agents/{agent_id}/kpis", "Calculated.")


@get("/leaderboard")
async def show_leaderboard(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: FromQuery[str] = "",
    role: FromQuery[str] = "",
    status: FromQuery[str] = "",
    after: FromQuery[str | None] = None,
) -> Page:
    """Agents beside each other, the most trusted first."""
    asked = {"q": q.strip()[:200], "role": role[:255], "status": status if status in set(AgentStatus) else ""}
    async with services.db.transaction(actor) as tx:
        page = await queries.list_ranked(
            tx, actor, q=asked["q"], role=asked["role"], after=after, limit=RANKED,
            status=AgentStatus(asked["status"]) if asked["status"] else None,
        )  # fmt: skip
        roles = await _roles(tx)
    kept = {name: value for name, value in asked.items() if value}
    return await render_in_hall(
        "leaderboard.html", request, services, actor,
        ranked=page.items, asked=asked, roles=[("", "Every role"), *((one, one) for one in roles)],
        statuses=STATUSES,
        more=f"/leaderboard?{urlencode(kept | {'after': page.next})}" if page.next else None,
        may_name=is_allowed(actor, Permission.AGENTS_UPDATE),
    )  # fmt: skip


@get(METRICS)
async def show_metrics(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """What roles are measured by besides, for owners and admins."""
    return await _metrics_page(request, services, actor)


@post(METRICS)
async def name_metric(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Name a metric."""
    form = await read_form(request)
    try:
        given: dict[str, Any] = {
            name: float(form.v(name)) if form.v(name).strip() else None for name in ("lowest", "highest")
        }
    except ValueError:
        given = {"lowest": "", "highest": ""}
    try:
        if form.v("event_type"):
            given |= {"event_type": form.v("event_type"), "source": "events"}
        data = form.read(NewMetric, "name", "label", "unit", "role_title", **given)
        async with services.db.transaction(actor) as tx:
            await metrics.create_metric(tx, actor, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _metrics_page(request, services, actor, form=form, status=error.kind.status)
    return go(METRICS, "It is measured from now on.")


@post(METRICS + "/{metric_id:uuid}/delete")
async def delete_metric(
    services: NamedDependency[Services], actor: NamedDependency[Actor], metric_id: FromPath[UUID]
) -> Redirect:
    """Measure by it no more."""
    async with services.db.transaction(actor) as tx:
        await metrics.delete_metric(tx, actor, metric_id)
    return go(METRICS, "It is not measured any more.")


async def _metrics_page(
    request: AnyRequest, services: Services, actor: Actor, *, form: Form | None = None, status: int = 200
) -> Response[str]:
    check_permission(actor, Permission.AGENTS_UPDATE)
    async with services.db.transaction(actor) as tx:
        found = (await metrics.list_metrics(tx, actor, limit=MAX_LIMIT)).items
        roles = await _roles(tx)
    types = [(kind.name, f"counts: {kind.label.lower()}") for kind in timeline_kinds.event_kinds()]
    return await render_in_hall(
        "settings_metrics.html", request, services, actor, status=status,
        metrics=found, form=form or Form(), roles=[("", "Every role"), *((one, one) for one in roles)],
        types=[("", "Posted by programs and agents"), *types], by_events=MetricSource.EVENTS,
    )  # fmt: skip


def steps_of(items: list[KpiShown]) -> list[Step]:
    """Rows, newest first, each with the trust that the one before it left; the first began with its start."""
    before = [*items[1:], None][: len(items)]
    return [
        Step(row, earlier.trust if earlier else row.start, charts.terms_of(row))
        for row, earlier in zip(items, before, strict=True)
    ]


def _lines(newest: list[KpiShown]) -> list[charts.Line]:
    rows = newest[::-1]
    return [
        charts.line("Trust", rows, lambda row: row.trust, 100),
        charts.line("Overall", rows, lambda row: row.overall, 1),
        charts.line("Quality", rows, lambda row: row.quality, 100),
    ]


def _said(one: Evidence) -> Said:
    words = COUNTED_WORDS[one.kind][0]
    kind, _, rest = one.about.partition(":")
    link = f"/tasks/{rest}" if kind in {"task", "reopened"} else None
    number = f" #{rest.rpartition(':')[2]}" if kind in {"pull", "issue"} else ""
    return Said(one, f"{words[0].upper()}{words[1:]}{number}", link)


def _measured(own: list[Metric], latest: KpiShown | None) -> list[tuple[str, str]]:
    read = latest.custom if latest else {}
    return [
        (one.label, f"{read[one.name]:g} {one.unit}".strip() if one.name in read else "not read yet") for one in own
    ]


async def _roles(tx: Tx) -> list[str]:
    found = await tx.values(
        """
        select a.role_title from agents a
        where a.org_id = any (current_orgs()) and a.deleted_at is null and a.role_title <> ''
          and a.visibility <> 'hidden' and may_see_agent(a)
        group by a.role_title order by lower(a.role_title) limit 200
        """
    )
    return [str(one) for one in found]


PAGES = page_router([show_kpis, show_summary, calculate, show_leaderboard, show_metrics, name_metric, delete_metric])
