"""Tasks: what is to be done, and the next one to take."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import ago, say, say_facts, say_json, say_list, say_table

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, Task, TaskOnGithub

task = typer.Typer(name="task", help="Tasks: what is to be done, by whom, in which order.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The task: project#12, or its id.")]
InProject = Annotated[str | None, typer.Option("--project", help="The project's slug or id.")]
HowUrgent = Annotated[str | None, typer.Option("--priority", help="P0 (critical), P1, P2 or P3.")]
LABEL = typer.Option("--label", help="A label; may be given again.")
Due = Annotated[datetime | None, typer.Option("--due", help="The deadline, as in 2030-01-31.")]


@task.command("list")
def list_tasks(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(help="Words of title and description.")] = None,
    project: InProject = None,
    status: Annotated[list[str] | None, typer.Option("--status", help="Only these; may be given again.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only yours.")] = False,
    unassigned: Annotated[bool, typer.Option("--unassigned", help="Only those that are nobody's.")] = False,
    label: Annotated[list[str] | None, LABEL] = None,
    as_json: Json = False,
) -> None:
    """List tasks in the order in which they are to be done."""

    async def work(client: "Client") -> "list[Task]":
        filters: dict[str, Any] = {"status": status, "label": label, "unassigned": unassigned}
        if project:
            filters["project"] = (await client.projects.get(project)).id
        if mine:
            filters["assignee"] = (await client.me()).actor.id
        return [one async for one in client.tasks.list(" ".join(words) if words else None, **filters)]

    found = act(context, work)
    say_list(
        found,
        ("Task", "Priority", "Status", "Title", "Whose", "Due"),
        lambda one: [
            one.name,
            one.priority,
            one.status.replace("_", " "),
            one.title,
            one.assignee.name if one.assignee else None,
            one.deadline.date().isoformat() if one.deadline else None,
        ],
        "Nothing to do.",
        as_json=wants_json(context, as_json),
    )


@task.command("show")
def show_task(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a task."""

    async def work(client: "Client") -> "Task":
        return await client.tasks.get(name)

    _show(context, act(context, work), as_json=as_json)


@task.command("create")
def create_task(
    context: typer.Context,
    project: Annotated[str, typer.Argument(help="The project's slug or id.")],
    title: Annotated[str, typer.Argument(help="What is to be done.")],
    about: Annotated[str | None, typer.Option("--about", help="More of it, in Markdown.")] = None,
    priority: HowUrgent = None,
    due: Due = None,
    label: Annotated[list[str] | None, LABEL] = None,
    criterion: Annotated[
        list[str] | None, typer.Option("--criterion", help="What has to hold when it is done; may be given again.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a task into the backlog."""

    async def work(client: "Client") -> "Task":
        found = await client.projects.get(project)
        criteria = [{"text": text} for text in criterion] if criterion else None
        return await client.tasks.create(
            found.id, title, description=about, priority=priority, labels=label, success_criteria=criteria,
            deadline=due.astimezone().isoformat() if due else None,
        )  # fmt: skip

    _show(context, act(context, work), as_json=as_json)


@task.command("next")
def take_next(context: typer.Context, project: InProject = None, as_json: Json = False) -> None:
    """Take the next task: it is yours, and in progress."""

    async def work(client: "Client") -> "Task | None":
        return await client.tasks.take_next((await client.projects.get(project)).id if project else None)

    taken = act(context, work)
    if taken is None:
        say("Nothing is to be taken right now.")
    else:
        _show(context, taken, as_json=as_json)


@task.command("start")
def start_task(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Start a task; one that is nobody's becomes yours."""
    _change(context, name, {"status": "in_progress"}, as_json=as_json)


@task.command("complete")
def complete_task(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Say that a task is done."""
    _change(context, name, {"status": "completed"}, as_json=as_json)


@task.command("block")
def block_task(
    context: typer.Context,
    name: Name,
    reason: Annotated[list[str], typer.Argument(help="Why it cannot go on.")],
    as_json: Json = False,
) -> None:
    """Say that a task cannot go on, and why."""
    _change(context, name, {"status": "blocked", "blocked_reason": " ".join(reason)}, as_json=as_json)


@task.command("assign")
def assign_task(
    context: typer.Context,
    name: Name,
    to: Annotated[str, typer.Argument(help="An agent's code or a person's handle; - for nobody.")],
    as_json: Json = False,
) -> None:
    """Give a task to somebody."""

    async def work(client: "Client") -> "Task":
        found = await client.tasks.get(name)
        return await client.tasks.change(found.id, assignee=await _find_assignee(client, to.removeprefix("@")))

    _show(context, act(context, work), as_json=as_json)


@task.command("change")
def change_task(
    context: typer.Context,
    name: Name,
    title: Annotated[str | None, typer.Option("--title", help="What is to be done.")] = None,
    about: Annotated[str | None, typer.Option("--about", help="More of it, in Markdown.")] = None,
    priority: HowUrgent = None,
    due: Due = None,
    status: Annotated[str | None, typer.Option("--status", help="backlog, assigned, in_progress, completed …")] = None,
    label: Annotated[list[str] | None, LABEL] = None,
    as_json: Json = False,
) -> None:
    """Change a task; --label replaces all of its labels."""
    given = {"title": title, "description": about, "priority": priority, "status": status, "labels": label,
             "deadline": due.astimezone().isoformat() if due else None}  # fmt: skip
    _change(context, name, {key: value for key, value in given.items() if value is not None}, as_json=as_json)


@task.command("comment")
def comment_task(
    context: typer.Context,
    name: Name,
    content: Annotated[list[str], typer.Argument(help="What there is to say.")],
    only_here: Annotated[bool, typer.Option("--only-here", help="Not on its issue at GitHub, too.")] = False,
) -> None:
    """Say something about a task, in its thread; on its issue at GitHub, too."""

    async def work(client: "Client") -> None:
        await client.tasks.comment((await client.tasks.get(name)).id, " ".join(content), only_here=only_here)

    act(context, work)
    say("Said.")


@task.command("github")
def show_at_github(
    context: typer.Context,
    name: Name,
    make_issue: Annotated[bool, typer.Option("--make-issue", help="Have an issue made of it.")] = False,
    pull_request: Annotated[
        str | None, typer.Option(help="Link this pull request: its address, or owner/name#12.")
    ] = None,
    send_comments: Annotated[
        bool, typer.Option("--send-comments", help="Say there, too, what was said before it had an issue.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what a task is at GitHub: its issue, its pull requests, what went out and what did not."""

    async def work(client: "Client") -> "TaskOnGithub":
        found = (await client.tasks.get(name)).id
        if make_issue:
            return await client.tasks.make_issue(found)
        if pull_request is not None:
            return await client.tasks.link_pull_request(found, pull_request)
        if send_comments:
            return await client.tasks.send_earlier_comments(found)
        return await client.tasks.at_github(found)

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
        return
    issue = found.issue
    say(f"Issue  {issue.repository}#{issue.number} {issue.state or ''}" if issue else "No issue.")
    rows = [
        [f"{one.repository}#{one.number}", one.state or "", one.review or "", one.checks or "", one.title or ""]
        for one in found.pull_requests
    ]
    say_table(("Pull request", "State", "Review", "Checks", "Title"), rows, "No pull requests.")
    if found.unsent_comments:
        say(f"Comments made before there was an issue: {found.unsent_comments}. --send-comments says them there, too.")
    for one in found.changes:
        lost = ", ".join(field for field, outcome in one.outcome.items() if outcome == "lost")
        if one.state != "done" or lost:
            say(f"{one.kind} {one.state}: {one.reason or (f'{lost} was changed there later' if lost else '')}")


@task.command("wait")
def wait_for(
    context: typer.Context,
    name: Name,
    other: Annotated[str, typer.Argument(help="The task to be done before.")],
    end: Annotated[bool, typer.Option("--end", help="It waits for that one no more.")] = False,
    as_json: Json = False,
) -> None:
    """Let a task wait for another of its project."""

    async def work(client: "Client") -> "Task":
        found, before = await client.tasks.get(name), await client.tasks.get(other)
        change = client.tasks.wait_no_more if end else client.tasks.wait_for
        return await change(found.id, before.id)

    _show(context, act(context, work), as_json=as_json)


@task.command("delete")
def delete_task(context: typer.Context, name: Name) -> None:
    """Delete a task; `restore` brings it back."""

    async def work(client: "Client") -> "Task":
        found = await client.tasks.get(name)
        await client.tasks.delete(found.id)
        return found

    say(f"Deleted. `crewhall task restore {act(context, work).name}` brings it back.")


@task.command("restore")
def restore_task(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Bring a deleted task back."""

    async def work(client: "Client") -> "Task":
        return await client.tasks.restore((await client.tasks.get(name)).id)

    _show(context, act(context, work), as_json=as_json)


async def _find_assignee(client: "Client", name: str) -> dict[str, str] | None:
    if name == "-":
        return None
    async for person in client.people.list(text=name):
        if person.handle == name.lower():
            return {"type": "user", "id": person.id}
    return {"type": "agent", "id": (await client.agents.find(name)).id}


def _change(context: typer.Context, name: str, fields: dict[str, Any], *, as_json: bool) -> None:
    async def work(client: "Client") -> "Task":
        return await client.tasks.change((await client.tasks.get(name)).id, **fields)

    _show(context, act(context, work), as_json=as_json)


def _show(context: typer.Context, one: "Task", *, as_json: bool) -> None:
    if wants_json(context, as_json):
        say_json(one)
        return
    criteria = "; ".join(f"[{'x' if each.is_met else ' '}] {each.text}" for each in one.success_criteria)
    say_facts({
        "Task": f"{one.name} {one.title}", "Status": one.status.replace("_", " "), "Priority": one.priority,
        "Whose": one.assignee.name if one.assignee else "nobody's", "About": one.description,
        "Due": one.deadline.isoformat() if one.deadline else None, "Done when": criteria or None,
        "Blocked": one.blocked_reason, "Labels": ", ".join(one.labels) or None,
        "Waits for": ", ".join(f"#{each.number} {each.title}" for each in one.depends_on) or None,
        "Written": f"{one.created_by.name} {ago(one.created_at)}", "Id": one.id,
    })  # fmt: skip
