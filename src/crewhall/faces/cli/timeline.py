"""The timeline: what happened in the organization; for the operator, its months."""

from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.months import add_months
from crewhall.faces.cli.output import Exit, ago, fail, first_of, say, say_facts, say_json, say_list

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, TimelineEvent

TABLE = "events"
POSTED = {"problem": "problem_report", "question": "question_asked", "advice": "advice_given"}
timeline = typer.Typer(name="timeline", help="What happened: problems, questions, advice, tasks.", no_args_is_help=True)
Label = Annotated[list[str] | None, typer.Option("--label", help="key=value of its metadata; may be given again.")]


@timeline.command("list")
def list_events(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(help="Words that are looked for.")] = None,
    kind: Annotated[list[str] | None, typer.Option("--type", help="Only this type; may be given again.")] = None,
    author: Annotated[str | None, typer.Option("--author", help="Id of the person or agent.")] = None,
    agent: Annotated[str | None, typer.Option("--agent", help="Id of the agent that it tells of.")] = None,
    mention: Annotated[str | None, typer.Option("--mention", help="Id of whom it mentions.")] = None,
    label: Label = None,
    since: Annotated[datetime | None, typer.Option("--since", help="Nothing older; a day, or a moment in UTC.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many at most.")] = 30,
    as_json: Json = False,
) -> None:
    """List what happened, newest first."""
    labels = dict(_label(one) for one in label or ())

    async def work(client: "Client") -> "list[TimelineEvent]":
        walked = client.timeline.list(
            types=kind or (), author_id=author, agent_id=agent, mention=mention, labels=labels, since=_in_utc(since),
            words=" ".join(words or []) or None,
        )  # fmt: skip
        return await first_of(walked, limit)

    found = act(context, work)
    say_list(
        found,
        ("When", "Type", "What happened", "Words", "Id"),
        lambda one: [ago(one.timestamp), one.type, one.summary, _short(one.text), one.id],
        "Nothing happened yet.",
        as_json=wants_json(context, as_json),
    )


@timeline.command("show")
def show_event(
    context: typer.Context, event: Annotated[str, typer.Argument(help="The event's id.")], as_json: Json = False
) -> None:
    """Print one event with all that it holds."""

    async def work(client: "Client") -> "TimelineEvent":
        return await client.timeline.show(event)

    one = act(context, work)
    if wants_json(context, as_json):
        say_json(one)
        return
    say(f"{one.summary}\n")
    if one.text:
        say(f"{one.text}\n")
    told = ", ".join(mention.name for mention in one.mentions) or None
    held: dict[str, Any] = {**one.content, **one.metadata}
    say_facts({"When": one.timestamp.isoformat(), "Type": one.type, "For": told,
               **{key: str(value) for key, value in held.items() if key != "text"}, "Signature": one.signature,
               "Id": one.id})  # fmt: skip


@timeline.command("post")
def post_event(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="problem, question or advice.", metavar="KIND")],
    text: Annotated[list[str], typer.Argument(help="What there is to say.")],
    severity: Annotated[
        str | None, typer.Option("--severity", help="Of a problem: low, medium, high, critical.")
    ] = None,
    mention: Annotated[list[str] | None, typer.Option("--mention", help="Id of whom it concerns.")] = None,
    label: Label = None,
    as_json: Json = False,
) -> None:
    """Tell everybody of a problem, ask, or advise. It stays: nobody changes or deletes it."""
    if kind not in POSTED:
        fail(f"{kind} is none of problem, question and advice.", exit_code=Exit.USAGE)
    content = {"text": " ".join(text)} | ({"severity": severity} if severity else {})
    labels = dict(_label(one) for one in label or ())

    async def work(client: "Client") -> "TimelineEvent":
        return await client.timeline.post(POSTED[kind], content, mentions=mention or (), metadata=labels)

    one = act(context, work)
    if wants_json(context, as_json):
        say_json(one)
    else:
        say(f"{one.summary}. {one.id}")


add_months(timeline, TABLE, "timeline", "events")


def _label(given: str) -> tuple[str, str]:
    key, equals, value = given.partition("=")
    if not key or not equals:
        fail("A label is key=value.", exit_code=Exit.USAGE)
    return key, value


def _in_utc(moment: datetime | None) -> datetime | None:
    from datetime import UTC

    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _short(text: str) -> str:
    line = " ".join(text.split())
    return "".join(islice(line, 60)) + ("…" if len(line) > 60 else "")  # noqa: PLR2004
