"""Schedules: what agents are given again and again."""

from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.messages import find_place
from crewhall.faces.cli.output import minute_in, say, say_json, say_list

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, Schedule, TurnStarted

schedule = typer.Typer(
    name="schedule", help="Schedules: tasks that agents are given by the clock.", no_args_is_help=True
)
Which = Annotated[str, typer.Argument(help="The schedule's name or id (`crewhall schedule list`).")]
Where = Annotated[str | None, typer.Option("--in", help="There: a channel, @handle, @code or id.")]
Cron = Annotated[str, typer.Option("--cron", help="Minute, hour, day of month, month, day of week: '0 9 * * 1-5'.")]
Zone = Annotated[str, typer.Option("--timezone", help="By whose clock, such as Europe/Berlin.")]


@schedule.command("list")
def list_schedules(
    context: typer.Context,
    agent: Annotated[str | None, typer.Option("--agent", help="Only of this agent, by code.")] = None,
    place: Where = None,
    as_json: Json = False,
) -> None:
    """List schedules, newest first, with their next moment."""

    async def work(client: "Client") -> list["Schedule"]:
        who = await client.agents.find(agent) if agent else None
        where = await find_place(client, place) if place else None
        found = client.schedules.list(agent_id=who.id if who else None, conversation_id=where.id if where else None)
        return [one async for one in found]

    found = act(context, work)
    say_list(
        found,
        ("Name", "Agent", "Where", "When", "Next", "Last", "Id"),
        lambda one: [
            one.name,
            f"@{one.agent.code}",
            one.conversation.label if one.conversation else "–",
            one.cron,
            _next(one),
            _last(one),
            one.id,
        ],
        "No schedules yet.",
        as_json=wants_json(context, as_json),
    )


@schedule.command("make")
def make_schedule(
    context: typer.Context,
    agent: Annotated[str, typer.Argument(help="The agent's code, as in @code.")],
    prompt: Annotated[list[str], typer.Argument(help="What it is to do each time.")],
    cron: Cron,
    name: Annotated[str, typer.Option("--name", help="What to call it.")],
    zone: Zone = "UTC",
    place: Where = None,
    as_json: Json = False,
) -> None:
    """Give an agent a task by the clock; in your direct conversation with it, unless said."""

    async def work(client: "Client") -> "Schedule":
        who = await client.agents.find(agent)
        where = await find_place(client, place) if place else None
        return await client.schedules.make(
            who.id, name=name, prompt=" ".join(prompt), cron=cron, timezone=zone,
            conversation_id=where.id if where else None,
        )  # fmt: skip

    _report(context, act(context, work), as_json=as_json)


@schedule.command("change")
def change_schedule(
    context: typer.Context,
    which: Which,
    name: Annotated[str | None, typer.Option("--name", help="What to call it.")] = None,
    prompt: Annotated[str | None, typer.Option("--prompt", help="What the agent is to do.")] = None,
    cron: Annotated[str | None, typer.Option("--cron", help="When.")] = None,
    zone: Annotated[str | None, typer.Option("--timezone", help="By whose clock.")] = None,
    as_json: Json = False,
) -> None:
    """Change a schedule of yours; what is not named stays."""
    given = {"name": name, "prompt": prompt, "cron": cron, "timezone": zone}
    changes = {key: value for key, value in given.items() if value is not None}

    async def work(client: "Client") -> "Schedule":
        return await client.schedules.change((await client.schedules.find(which)).id, **changes)

    _report(context, act(context, work), as_json=as_json)


@schedule.command("pause")
def pause_schedule(context: typer.Context, which: Which, as_json: Json = False) -> None:
    """Let a schedule do nothing until it is resumed."""

    async def work(client: "Client") -> "Schedule":
        return await client.schedules.pause((await client.schedules.find(which)).id)

    _report(context, act(context, work), as_json=as_json)


@schedule.command("resume")
def resume_schedule(context: typer.Context, which: Which, as_json: Json = False) -> None:
    """Let a schedule of yours go on from its next moment."""

    async def work(client: "Client") -> "Schedule":
        return await client.schedules.resume((await client.schedules.find(which)).id)

    _report(context, act(context, work), as_json=as_json)


@schedule.command("run")
def run_schedule(context: typer.Context, which: Which, as_json: Json = False) -> None:
    """Give the agent the task of a schedule of yours now."""

    async def work(client: "Client") -> "TurnStarted":
        return await client.schedules.run((await client.schedules.find(which)).id)

    report_started(context, act(context, work), as_json=as_json)


@schedule.command("delete")
def delete_schedule(
    context: typer.Context,
    which: Which,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a schedule; turns that it set off stay."""
    found = act(context, lambda client: client.schedules.find(which))
    if not yes:
        typer.confirm(f"Delete the schedule {found.name}?", abort=True)
    act(context, lambda client: client.schedules.delete(found.id))
    say("Deleted.")


def report_started(context: typer.Context, started: "TurnStarted", *, as_json: bool) -> None:
    """Say what became of a task that was given."""
    if wants_json(context, as_json):
        say_json(started)
    elif started.run is not None:
        say(f"Begun: crewhall run {started.run.id}")
    else:
        say(started.explanation or "Asked. `crewhall decisions` says what comes of it.")


def _report(context: typer.Context, one: "Schedule", *, as_json: bool) -> None:
    if wants_json(context, as_json):
        say_json(one)
    else:
        say(f"{one.name}: {_next(one)}. {one.id}")


def _next(one: "Schedule") -> str:
    """Its next moment by its own clock, as `cron` is meant."""
    if one.pause_reason:
        return f"paused ({one.pause_reason})"
    return minute_in(one.upcoming[0], one.timezone)


def _last(one: "Schedule") -> str | None:
    """What became of its last moment."""
    return f"{one.last_outcome} ({one.unanswered_reason})" if one.unanswered_reason else one.last_outcome
