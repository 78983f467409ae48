"""An agent's work session: begin, take tasks, note, ask, stop. What a coding assistant runs its day with."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crewhall.faces.cli.context import Json, act, checked_id, wants_json
from crewhall.faces.cli.output import ago, first_of, say, say_facts, say_json, say_list, say_table
from crewhall.faces.cli.tasks import block_task, complete_task, take_next
from crewhall.faces.cli.turns import Limit

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, StartedSession, TimelineEvent, WorkSession, WorkSessionDetail

HELP = """An agent's work session: what changed, the next task, what was done.

With CREWHALL_TOKEN set to a key of the agent: `session start`, `next`, `log`, `problem`, `ask`, `done`, `stop`.
"""
session = typer.Typer(name="session", help=HELP, no_args_is_help=True)
Words = Annotated[list[str], typer.Argument(help="What there is to say.")]
About = Annotated[list[str] | None, typer.Option("--task", help="A task that it is about; may be given again.")]
Which = Annotated[
    str | None,
    typer.Argument(help="The session's id; your open one unless given.", callback=checked_id("session list")),
]


@session.command("start")
def start_session(
    context: typer.Context,
    goal: Annotated[list[str] | None, typer.Argument(help="What the session is for.")] = None,
    project: Annotated[str | None, typer.Option("--project", help="The project's slug or id.")] = None,
    supersede: Annotated[
        bool, typer.Option("--supersede", help="End the session that is open, instead of refusing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Begin to work, and read what changed since the session before."""

    async def work(client: "Client") -> "StartedSession":
        project_id = (await client.projects.get(project)).id if project else None
        return await client.sessions.start(
            goal=" ".join(goal) if goal else None, project_id=project_id, supersede=supersede
        )

    started = act(context, work)
    if wants_json(context, as_json):
        say_json(started)
    else:
        say(started.text)


@session.command("log")
def log_session(context: typer.Context, message: Words, task: About = None, as_json: Json = False) -> None:
    """Note what you did in your open session."""

    async def work(client: "Client") -> "TimelineEvent":
        return await client.sessions.log((await client.sessions.current()).id, " ".join(message), tasks=task or ())

    _said(context, act(context, work), "Noted.", as_json=as_json)


session.command("next")(take_next)
session.command("done")(complete_task)
session.command("block")(block_task)


@session.command("problem")
def report_problem(
    context: typer.Context,
    text: Words,
    severity: Annotated[str | None, typer.Option("--severity", help="low, medium, high, critical.")] = None,
    as_json: Json = False,
) -> None:
    """Report on the timeline what does not work or stands in the way."""

    async def work(client: "Client") -> "TimelineEvent":
        return await client.timeline.report_problem(" ".join(text), severity=severity)

    _said(context, act(context, work), "Reported.", as_json=as_json)


@session.command("ask")
def ask_everybody(
    context: typer.Context,
    text: Words,
    of: Annotated[list[str] | None, typer.Option("--of", help="Id of whom it asks; may be given again.")] = None,
    as_json: Json = False,
) -> None:
    """Ask a question on the timeline, of everybody or of somebody."""

    async def work(client: "Client") -> "TimelineEvent":
        return await client.timeline.ask(" ".join(text), mentions=of or ())

    _said(context, act(context, work), "Asked.", as_json=as_json)


@session.command("stop")
def stop_session(
    context: typer.Context,
    which: Which = None,
    hand_off: Annotated[
        str | None, typer.Option("--hand-off", help="What whoever goes on should know.", metavar="TEXT")
    ] = None,
    task: About = None,
    as_json: Json = False,
) -> None:
    """End your open session; or, as who looks after an agent, the one that is named."""

    async def work(client: "Client") -> "WorkSession":
        session_id = which or (await client.sessions.current()).id
        return await client.sessions.stop(session_id, hand_off=hand_off, tasks=task or ())

    one = act(context, work)
    if wants_json(context, as_json):
        say_json(one)
    else:
        say(f"It is over, after {_lasting(one)}.")


@session.command("show")
def show_session(context: typer.Context, which: Which = None, as_json: Json = False) -> None:
    """Show a session and its log."""

    async def work(client: "Client") -> "tuple[WorkSessionDetail, list[TimelineEvent]]":
        one = await client.sessions.show(which or (await client.sessions.current()).id)
        return one, await first_of(client.timeline.list(session_id=one.id), 200)

    one, log = act(context, work)
    if wants_json(context, as_json):
        say_json({"session": one, "log": log})
        return
    say_facts({
        "Agent": one.agent.name, "For": one.goal, "Project": one.project.name if one.project else None,
        "Begun": one.started_at, "Over": one.stopped_at, "Took": _lasting(one) if one.stopped_at else None,
        "Why": one.stop_reason, "Tasks": ", ".join(f"{task.name} {task.title}" for task in one.tasks) or None,
        "Left": one.hand_off, "Id": one.id,
    })  # fmt: skip
    say()
    rows = [[event.timestamp.astimezone().strftime("%H:%M"), event.summary, event.text] for event in reversed(log)]
    say_table(("When", "What", "Words"), rows, "Nothing is noted.")


@session.command("list")
def list_sessions(
    context: typer.Context,
    agent: Annotated[str | None, typer.Option("--agent", help="Only of this agent, by code or id.")] = None,
    show: Annotated[str | None, typer.Option("--show", help="open, over, stopped, crashed or superseded.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """List work sessions, the newest first."""

    async def work(client: "Client") -> "list[WorkSession]":
        agent_id = (await client.agents.find(agent)).id if agent else None
        return await first_of(client.sessions.list(agent_id=agent_id, show=show), limit)

    found = act(context, work)
    say_list(
        found,
        ("Agent", "Begun", "Took", "Standing", "For", "Id"),
        lambda one: [
            one.agent.name,
            ago(one.started_at),
            _lasting(one),
            one.stop_reason or "at work",
            one.goal,
            one.id,
        ],
        "No agent has been at work yet.",
        as_json=wants_json(context, as_json),
    )


def day(context: typer.Context, as_json: Json = False) -> None:
    """Show your day: tasks, mentions, what waits for you, questions, which agents are at work."""

    async def work(client: "Client") -> Any:
        return await client.day()

    one = act(context, work)
    if wants_json(context, as_json):
        say_json(one)
        return
    _section(f"Yours to do ({one.open_tasks})", ("Priority", "Task", "Title", "Status", "Due"), [
        [task.priority, task.name, task.title, task.status.replace("_", " "), _due(task.deadline)] for task in one.tasks
    ])  # fmt: skip
    _section("Agents wait for you", ("Agent", "Tool", "What it would do", "Id"), [
        [call.agent, call.tool, call.effect, call.id] for call in one.approvals
    ])  # fmt: skip
    _section("You were mentioned", ("Where", "Message", "When"), [
        [note.summary, note.message.excerpt if note.message else "", ago(note.happened_at)] for note in one.mentions
    ])  # fmt: skip
    _section("Questions without an answer", ("Who", "Asks", "When"), [
        [asked.author.name if asked.author else "", asked.text, ago(asked.timestamp)] for asked in one.questions
    ])  # fmt: skip
    _section("Agents at work", ("Agent", "On", "Begun"), [
        [who.session.agent.name, ", ".join(task.name for task in who.tasks) or who.session.goal,
         ago(who.session.started_at)]
        for who in one.at_work
    ])  # fmt: skip
    _section("What happened", ("When", "What"), [[ago(event.timestamp), event.summary] for event in one.happened])
    if not (one.tasks or one.approvals or one.mentions or one.questions or one.at_work or one.happened):
        say("Nothing waits for you.")


def _section(title: str, columns: tuple[str, ...], rows: list[list[object]]) -> None:
    if rows:
        say(f"{title}\n")
        say_table(columns, rows)
        say()


def _said(context: typer.Context, one: "TimelineEvent", words: str, *, as_json: bool) -> None:
    if wants_json(context, as_json):
        say_json(one)
    elif one.session_id is None:
        say(f"{words} No work session is open: `crewhall session start` begins one.")
    else:
        say(words)


def _due(moment: datetime | None) -> str | None:
    return moment.date().isoformat() if moment else None


def _lasting(one: "WorkSession | WorkSessionDetail") -> str | None:
    from crewhall.kernel.counting import lasting

    return None if one.duration_seconds is None else lasting(one.duration_seconds)
