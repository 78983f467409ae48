"""Saying and reading."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.channels import find_somebody
from crewhall.faces.cli.context import Json, act, client_for, options_of, run, wants_json
from crewhall.faces.cli.lines import Transcript, say_message
from crewhall.faces.cli.output import say as say_line
from crewhall.faces.cli.output import say_json

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, Conversation, Findings, Message, Page, SearchHit

Place = Annotated[str, typer.Argument(help="A channel's name, @handle or @code for a direct message, or an id.")]


def say(
    context: typer.Context,
    place: Place,
    text: Annotated[list[str] | None, typer.Argument(help="What to say; read from stdin when left out or `-`.")] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", help="Attach this file; may be given often.", exists=True, dir_okay=False),
    ] = None,
    reply_to: Annotated[str | None, typer.Option(help="Seq or id of the message to reply to.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="update, insight, question, answer, alert, metric or message.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="A heading.")] = None,
    client_id: Annotated[str | None, typer.Option(help="Saying it again under this id says it once.")] = None,
    as_json: Json = False,
) -> None:
    """Post a message; returns when it is durable."""
    reads = text == ["-"] or (not text and not file)
    content = sys.stdin.read() if reads else " ".join(text or [])

    async def work(client: "Client") -> "Message":
        where = await find_place(client, place)
        parent = await _thread_of(client, where.id, reply_to) if reply_to else None
        attached = [(await client.files.upload(where.id, path)).id for path in file or []]
        return await client.messages.post(
            where.id,
            content.rstrip("\n"),
            files=attached,
            kind=kind,
            title=title,
            parent_id=parent,
            client_id=client_id,
        )

    posted = act(context, work)
    if wants_json(context, as_json):
        say_json(posted)
    else:
        say_message(posted)


async def _thread_of(client: "Client", conversation: str, replied_to: str) -> str:
    """The first message of the thread; what is not found is left to the post, which every face refuses alike."""
    from crewhall.faces.sdk.errors import CrewhallApiError

    try:
        replied = await find_message(client, conversation, replied_to)
    except CrewhallApiError as error:
        if error.code != "not_found":
            raise
        return replied_to
    return replied.parent_id or replied.id


def tail(
    context: typer.Context,
    places: Annotated[list[str], typer.Argument(help="Channels, @handles or ids to follow.")],
    after: Annotated[int | None, typer.Option(help="Begin after this seq (of one place).")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", help="Begin with so many of the newest messages.")] = 10,
    everything: Annotated[bool, typer.Option("--records", help="Edits, reactions and deletions too.")] = False,
    until: Annotated[int | None, typer.Option(help="End after so many messages; otherwise with Ctrl-C.")] = None,
    as_json: Json = False,
) -> None:
    """Follow conversations live; a lost connection is taken up again without gap or double."""
    as_json = wants_json(context, as_json)

    async def follow() -> None:
        from crewhall.faces.sdk import CrewhallApiError, Message, RecordEvent, Refused

        left, transcript = until, Transcript()
        async with client_for(options_of(context)) as client, client.live() as live:
            labels: dict[str, str | None] = {}
            for name in places:
                where = await find_place(client, name)
                labels[where.id] = where.label if len(places) > 1 else None
                start = after if after is not None else await _start(client, where, lines)
                await live.subscribe(where.id, after=start)
            async for event in live:
                if isinstance(event, Refused):
                    raise CrewhallApiError(event.code, 0, event.detail)
                if not isinstance(event, RecordEvent) or not (everything or isinstance(event.record, Message)):
                    continue
                if as_json:
                    say_json(event.record)
                else:
                    transcript.say_record(event.record, labels.get(event.conversation))
                left = None if left is None else left - 1
                if left == 0:
                    return

    run(follow())


def history(
    context: typer.Context,
    place: Place,
    after: Annotated[int | None, typer.Option(help="Messages after this seq, oldest first.")] = None,
    before: Annotated[int | None, typer.Option(help="Messages before this seq.")] = None,
    around: Annotated[int | None, typer.Option(help="Half of them up to this seq, half after it.")] = None,
    at: Annotated[datetime | None, typer.Option(help="Around what was written then, in your timezone.")] = None,
    limit: Annotated[int, typer.Option(help="So many messages, at most 200.")] = 50,
    thread: Annotated[str | None, typer.Option(help="Only the replies to this message (seq or id).")] = None,
    as_json: Json = False,
) -> None:
    """Read messages: the newest, those before or after a seq, or those around a place."""
    moment = at.astimezone() if at else None

    async def work(client: "Client") -> "Page[Message]":
        where = await find_place(client, place)
        parent = (await find_message(client, where.id, thread)).id if thread and is_seq(thread) else thread
        return await client.messages.page(
            where.id, after=after, before=before, around=around, at=moment, limit=limit, parent_id=parent
        )

    page = act(context, work)
    if wants_json(context, as_json):
        say_json(page)
        return
    transcript = Transcript()
    for message in page.items:
        transcript.say(message)
    if not page.items:
        say_line("Nothing there.")
    if page.next is not None:
        forward = any(bound is not None for bound in (after, around, at)) or (thread is not None and before is None)
        way = "after" if forward else "before"
        sys.stderr.write(f"There are more: --{way} {page.next}\n")


def search(
    context: typer.Context,
    text: Annotated[list[str], typer.Argument(help="Words to find, and what narrows the search.")],
    within: Annotated[str | None, typer.Option("--in", help="Only in this conversation.")] = None,
    limit: Annotated[int, typer.Option(help="So many messages.")] = 20,
    after: Annotated[str | None, typer.Option(help="Continue: the `next` of the page before.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Files, sources and the wiki, too.")] = False,
    as_json: Json = False,
) -> None:
    """Find messages within your reach, newest first; --everything: the best of all that is kept here, by meaning, too.

    Narrow it with from:ada, in:general, kind:question, has:file, before:2026-11, after:yesterday or on:today. Of
    several of one kind any will do; a minus leaves out: -word, -from:bot, -has:file.
    """
    for word in text:
        if word.startswith("--"):
            raise typer.BadParameter(f"There is no option {word}. A word is left out by one minus.")
    if everything:
        search_everything(context, " ".join(text), within, limit, as_json=as_json)
        return

    async def work(client: "Client") -> "Page[SearchHit]":
        where = await find_place(client, within) if within else None
        return await client.messages.search(
            " ".join(text), conversation_id=where.id if where else None, after=after, limit=limit
        )

    page = act(context, work)
    if wants_json(context, as_json):
        say_json(page)
        return
    for hit in page.items:
        say_message(hit, hit.conversation.label)
    if not page.items:
        say_line("Nothing found.")
    if page.next is not None:
        sys.stderr.write(f"There are more: --after {page.next}\n")


def search_everything(context: typer.Context, question: str, within: str | None, limit: int, *, as_json: bool) -> None:
    """Find what fits a question best, with where it stands."""

    async def work(client: "Client") -> "Findings":
        where = await find_place(client, within) if within else None
        return await client.knowledge.search(question, conversation_id=where.id if where else None, limit=limit)

    findings = act(context, work)
    if wants_json(context, as_json):
        say_json(findings)
        return
    for one in findings.found:
        say_line(f"{one.title} · {one.where}" if one.where else one.title)
        say_line(f"    {' '.join(one.text.split())[:300]}")
        say_line(f"    {one.url}" + (f" (read at {one.original_url})" if one.original_url else ""))
    if not findings.found:
        say_line("Nothing fits.")
    if not findings.by_meaning:
        sys.stderr.write("Meanings cannot be compared just now: these match by words alone.\n")


async def find_place(client: "Client", name: str) -> "Conversation":
    """The conversation that a name means; `@somebody` opens the direct one."""
    if name.startswith("@"):
        return await client.conversations.direct(*await find_somebody(client, name))
    return await client.conversations.find(name)


async def find_message(client: "Client", conversation_id: str, which: str) -> "Message":
    """The message of that seq or id."""
    from crewhall.faces.sdk.errors import CrewhallApiError

    if not is_seq(which):
        return await client.messages.get(conversation_id, which)
    page = await client.messages.page(conversation_id, after=int(which) - 1, limit=1)
    if not page.items or page.items[0].seq != int(which):
        raise CrewhallApiError("not_found", 404, f"There is no message {which} there: `crewhall history` shows them.")
    return page.items[0]


def is_seq(which: str) -> bool:
    """Whether a message is named by its seq."""
    return which.isascii() and which.isdigit() and int(which) > 0


async def _start(client: "Client", where: "Conversation", lines: int) -> int:
    if lines <= 0:
        return where.last_seq
    newest = await client.messages.page(where.id, limit=min(lines, 200))
    return newest.items[0].seq - 1 if newest.items else where.last_seq
