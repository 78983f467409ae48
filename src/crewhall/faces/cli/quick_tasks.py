"""Quick tasks: what an agent is often asked."""

from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.messages import find_place
from crewhall.faces.cli.output import say, say_json, say_list
from crewhall.faces.cli.schedules import report_started

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, QuickTask, TurnStarted

quick_task = typer.Typer(name="quick-task", help="Quick tasks: what agents are often asked.", no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="The agent's code, as in @code.")]
Which = Annotated[str, typer.Argument(help="The quick task's title or id (`crewhall quick-task list`).")]
Icon = Annotated[str | None, typer.Option("--icon", help="An emoji on its button.")]
Category = Annotated[str | None, typer.Option("--category", help="What it belongs to.")]
Place = Annotated[int | None, typer.Option("--at", min=0, help="Its place; lower ones come first.")]


@quick_task.command("list")
def list_quick_tasks(context: typer.Context, agent: Code, as_json: Json = False) -> None:
    """List an agent's quick tasks in order."""

    async def work(client: "Client") -> list["QuickTask"]:
        return await client.agents.quick_tasks((await client.agents.find(agent)).id)

    found = act(context, work)
    say_list(
        found,
        ("Place", "Task", "Category", "", "Id"),
        lambda one: [
            one.order_index,
            f"{one.icon or ''} {one.title}".strip(),
            one.category,
            "" if one.enabled else "off",
            one.id,
        ],
        "No quick tasks yet.",
        as_json=wants_json(context, as_json),
    )


@quick_task.command("run")
def run_quick_task(
    context: typer.Context,
    agent: Code,
    task: Which,
    place: Annotated[str | None, typer.Option("--in", help="There: a channel, @handle, @code or id.")] = None,
    as_json: Json = False,
) -> None:
    """Give an agent one of its quick tasks; in your direct conversation with it, unless said."""

    async def work(client: "Client") -> "TurnStarted":
        who, one = await _find(client, agent, task)
        where = await find_place(client, place) if place else None
        return await client.agents.run_quick_task(who, one.id, conversation_id=where.id if where else None)

    report_started(context, act(context, work), as_json=as_json)


@quick_task.command("add")
def add_quick_task(
    context: typer.Context,
    agent: Code,
    title: Annotated[str, typer.Argument(help="What stands on its button.")],
    prompt: Annotated[list[str], typer.Argument(help="What is asked.")],
    icon: Icon = None,
    category: Category = None,
    place: Place = None,
    as_json: Json = False,
) -> None:
    """Give an agent another quick task."""

    async def work(client: "Client") -> "QuickTask":
        who = await client.agents.find(agent)
        return await client.agents.add_quick_task(
            who.id, title, " ".join(prompt), icon=icon, category=category, order_index=place
        )

    _report(context, act(context, work), as_json=as_json)


@quick_task.command("change")
def change_quick_task(
    context: typer.Context,
    agent: Code,
    task: Which,
    title: Annotated[str | None, typer.Option("--title", help="What stands on its button.")] = None,
    prompt: Annotated[str | None, typer.Option("--prompt", help="What is asked.")] = None,
    icon: Icon = None,
    category: Category = None,
    place: Place = None,
    offered: Annotated[bool | None, typer.Option("--on/--off", help="Whether it is offered.")] = None,
    as_json: Json = False,
) -> None:
    """Change a quick task; what is not named stays."""
    given = {
        "title": title, "prompt": prompt, "icon": icon, "category": category, "order_index": place, "enabled": offered,
    }  # fmt: skip

    async def work(client: "Client") -> "QuickTask":
        who, one = await _find(client, agent, task)
        changes = {name: value for name, value in given.items() if value is not None}
        return await client.agents.change_quick_task(who, one.id, **changes)

    _report(context, act(context, work), as_json=as_json)


@quick_task.command("remove")
def remove_quick_task(context: typer.Context, agent: Code, task: Which) -> None:
    """Take a quick task away."""

    async def work(client: "Client") -> None:
        who, one = await _find(client, agent, task)
        await client.agents.remove_quick_task(who, one.id)

    act(context, work)
    say("Taken away.")


async def _find(client: "Client", agent: str, task: str) -> "tuple[str, QuickTask]":
    """The agent's id and its quick task of that id or title."""
    who = await client.agents.find(agent)
    for one in await client.agents.quick_tasks(who.id):
        if one.id == task or one.title.lower() == task.lower():
            return who.id, one
    raise typer.BadParameter(f"@{who.code} has no quick task {task!r}.", param_hint="task")


def _report(context: typer.Context, one: "QuickTask", *, as_json: bool) -> None:
    if wants_json(context, as_json):
        say_json(one)
    else:
        say(f"{one.title}: place {one.order_index}{'' if one.enabled else ', off'}. {one.id}")
