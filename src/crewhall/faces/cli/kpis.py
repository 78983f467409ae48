"""KPIs and trust: an agent's figures, what counts for it, agents beside each other; for the operator, the rebuild."""

from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.administering import administrator
from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.months import add_months
from crewhall.faces.cli.output import Exit, ago, first_of, say, say_facts, say_json, say_list
from crewhall.faces.cli.serving import Home

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client
    from crewhall.faces.sdk.kpis import Evidence, Kpi, Metric, RankedAgent

kpis = typer.Typer(
    name="kpis", help="KPIs and trust: what counts for agents, and how they stand.", no_args_is_help=True
)
Code = Annotated[str, typer.Argument(help="The agent's code.", metavar="AGENT")]
Most = Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many at most.")]
TERMS = (
    ("Trust of quality", "term_quality"), ("Trust of completion", "term_completion"), ("Trust of bugs", "term_bugs"),
    ("Trust of deployments", "term_deployments"), ("Trust of the trend", "term_trend"),
    ("Trust of steadiness", "term_steadiness"),
)  # fmt: skip


@kpis.command("show")
def show_kpis(context: typer.Context, agent: Code, as_json: Json = False) -> None:
    """Print an agent's latest figures, with every term of its trust."""

    async def work(client: "Client") -> "Kpi | None":
        async for one in client.kpis.list((await client.agents.find(agent)).id):
            return one
        return None

    one = act(context, work)
    if wants_json(context, as_json):
        say_json(one)
    elif one is None:
        say("Nothing was calculated yet: nothing has counted for it.")
    else:
        _say_kpi(one)


@kpis.command("list")
def list_kpis(context: typer.Context, agent: Code, limit: Most = 20, as_json: Json = False) -> None:
    """List an agent's figures, newest first."""

    async def work(client: "Client") -> "list[Kpi]":
        return await first_of(client.kpis.list((await client.agents.find(agent)).id), limit)

    found = act(context, work)
    say_list(
        found,
        ("When", "Trust", "Overall", "Quality", "Why"),
        lambda one: [ago(one.recorded_at), f"{one.trust:g}", f"{one.overall:.2f}", f"{one.quality:g}", one.reason],
        "Nothing was calculated yet.",
        as_json=wants_json(context, as_json),
    )


@kpis.command("calculate")
def calculate_kpis(context: typer.Context, agent: Code, as_json: Json = False) -> None:
    """Calculate an agent's figures now, not only after what counts."""

    async def work(client: "Client") -> "Kpi":
        return await client.kpis.calculate((await client.agents.find(agent)).id)

    one = act(context, work)
    if wants_json(context, as_json):
        say_json(one)
    else:
        _say_kpi(one)


@kpis.command("evidence")
def list_evidence(
    context: typer.Context,
    agent: Code,
    kind: Annotated[str | None, typer.Option("--kind", help="Only this kind, such as bug.")] = None,
    limit: Most = 30,
    as_json: Json = False,
) -> None:
    """List what counts for an agent and against it, what was noted last first."""

    async def work(client: "Client") -> "list[Evidence]":
        return await first_of(client.kpis.evidence((await client.agents.find(agent)).id, kind=kind), limit)

    found = act(context, work)
    say_list(
        found,
        ("When", "", "Kind", "Of"),
        lambda one: [ago(one.at), "taken back" if one.amount < 0 else "", one.kind, one.about],
        "Nothing has counted yet.",
        as_json=wants_json(context, as_json),
    )


@kpis.command("leaderboard")
def list_ranked(
    context: typer.Context,
    role: Annotated[str | None, typer.Option("--role", help="Only agents with this role.")] = None,
    status: Annotated[str | None, typer.Option("--status", help="Only with this standing.")] = None,
    query: Annotated[str | None, typer.Option("--query", "-q", help="Part of name, code or role.")] = None,
    limit: Most = 30,
    as_json: Json = False,
) -> None:
    """List agents, the most trusted first."""

    async def work(client: "Client") -> "list[RankedAgent]":
        return await first_of(client.kpis.leaderboard(role=role, status=status, q=query), limit)

    found = act(context, work)
    say_list(
        found,
        ("Agent", "Trust", "Standing", "Overall", "Tasks done"),
        lambda one: [one.code, f"{one.trust:g}", one.status, _or_dash(one.overall), _or_dash(one.tasks_completed)],
        "No agents.",
        as_json=wants_json(context, as_json),
    )


@kpis.command("metrics")
def list_metrics(context: typer.Context, as_json: Json = False) -> None:
    """List what roles are measured by besides."""

    async def work(client: "Client") -> "list[Metric]":
        return [one async for one in client.kpis.metrics()]

    found = act(context, work)
    say_list(
        found,
        ("Name", "Label", "Unit", "Role", "From"),
        lambda one: [one.name, one.label, one.unit, one.role_title or "every role", one.event_type or "posted"],
        "No metrics.",
        as_json=wants_json(context, as_json),
    )


@kpis.command("metric")
def name_metric(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Such as deals_won.")],
    label: Annotated[str, typer.Argument(help="As people read it.")],
    unit: Annotated[str, typer.Option("--unit", help="What it is counted in.")] = "",
    role: Annotated[str, typer.Option("--role", help="Only of agents with this role.")] = "",
    events: Annotated[str | None, typer.Option("--events", help="Counts events of this type, of 30 days.")] = None,
    lowest: Annotated[float | None, typer.Option("--lowest", help="Nothing below it is posted.")] = None,
    highest: Annotated[float | None, typer.Option("--highest", help="Nothing above it is posted.")] = None,
    as_json: Json = False,
) -> None:
    """Name what a role is measured by besides."""

    async def work(client: "Client") -> "Metric":
        return await client.kpis.name_metric(
            name, label, unit=unit, role_title=role, event_type=events, lowest=lowest, highest=highest
        )

    one = act(context, work)
    if wants_json(context, as_json):
        say_json(one)
    else:
        say(f"{one.role_title or 'Every role'} is measured by {one.label}. {one.id}")


@kpis.command("post")
def post_reading(
    context: typer.Context,
    agent: Code,
    name: Annotated[str, typer.Argument(help="The metric's name.")],
    value: Annotated[float, typer.Argument(help="What it reads now.")],
) -> None:
    """Post what a metric of an agent reads now."""

    async def work(client: "Client") -> None:
        await client.kpis.post((await client.agents.find(agent)).id, name, value)

    act(context, work)
    say(f"{name} of {agent} reads {value:g}.")


@kpis.command("rebuild")
def rebuild_kpis(
    context: typer.Context,
    home: Home = None,
    write: Annotated[bool, typer.Option("--write", help="Put right what differs; else it is only said.")] = False,
    as_json: Json = False,
) -> None:
    """For the operator: work every agent's figures out again, from the evidence alone, and compare."""
    from crewhall.work import rebuild_kpis as rebuild

    found = []
    with administrator(home) as connection:
        for one in rebuild(connection, write=write):
            found.append(one)
            if not wants_json(context, as_json):
                said = f"{one.different} differ" + (", put right" if write else "") if one.different else "the same"
                say(f"{len(found)}. {one.agent}: {one.rows} rows, {said}.")
    if wants_json(context, as_json):
        say_json(found)
    elif not found:
        say("There is no evidence yet.")
    if not write and any(one.different for one in found):
        raise typer.Exit(code=Exit.ERROR)


add_months(kpis, "kpis", "kpis", "figures")


def _say_kpi(one: "Kpi") -> None:
    said = f"{one.start:g} + ({one.term_sum:g} - {one.start:g}) x {one.evidence} / ({one.evidence} + 10)"
    say(f"Trust {one.trust:g}: {said}\n")
    say_facts({
        "When": one.recorded_at.isoformat(), "Why": one.reason,
        **{name: f"{getattr(one, term):g}" for name, term in TERMS},
        "Overall": f"{one.overall:.4f}, {one.overall_trend}", "Quality": f"{one.quality:g}, {one.quality_trend}",
        "Completed": f"{one.completion:.4f}: {one.ripe_completed} of {one.tasks_ripe} tasks of more than 7 days ago",
        "Tasks completed": f"{one.tasks_completed}, {one.tasks_trend}", "Bugs found": one.bugs,
        "Deployments failed": one.deployment_failures, "Concerns": ", ".join(one.concerns) or None,
        **{name: f"{value:g}" for name, value in one.custom.items()},
    })  # fmt: skip


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
