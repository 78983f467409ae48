"""The message log, for the operator: how it is, the read model compared with Kafka's topics, and the way back."""

import asyncio
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from crewhall.faces.cli.administering import administrator
from crewhall.faces.cli.context import Json, wants_json
from crewhall.faces.cli.output import Exit, local_time, say, say_facts, say_json, warn
from crewhall.faces.cli.serving import Home
from crewhall.kernel.counting import counted

if TYPE_CHECKING:
    from crewhall.adapters.kafka.leaving import Left
    from crewhall.adapters.kafka.rebuild import Coverage, Rebuilt
    from crewhall.adapters.kafka.status import LogStatus

log = typer.Typer(name="log", help="The message log, for the operator.", no_args_is_help=True)


@log.command("status")
def log_status(context: typer.Context, home: Home = None, as_json: Json = False) -> None:
    """Show where messages live, how far a move to Kafka has come, what is not written yet, and who runs."""

    async def work() -> "LogStatus":
        from crewhall.main.log import log_status as status

        with administrator(home) as connection:
            return await status(connection)

    found = asyncio.run(work())
    if wants_json(context, as_json):
        say_json(found)
    else:
        say_facts(_facts(found))


@log.command("rebuild")
def rebuild_log(
    context: typer.Context,
    home: Home = None,
    conversation: Annotated[UUID | None, typer.Option("--conversation", help="That of one conversation alone.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Put right what differs; else it is only said.")] = False,
    as_json: Json = False,
) -> None:
    """Read the topics again from their beginning, and compare what the database has of them."""
    found: list[Rebuilt] = []
    is_quiet = wants_json(context, as_json)

    async def work() -> "Coverage":
        from crewhall.main.log import rebuild_coverage
        from crewhall.main.log import rebuild_log as rebuild

        with administrator(home) as connection:
            covered = rebuild_coverage(connection, conversation=conversation)
            async for one in rebuild(connection, conversation=conversation, repair=repair):
                found.append(one)
                if not is_quiet:
                    said = f"{one.conversation_id}: {counted(one.records, 'record')}, {_words(one, repair=repair)}."
                    say(f"{len(found)} of {covered.whole}. {said}")
            return covered

    covered = asyncio.run(work())
    if is_quiet:
        say_json(found)
    elif not found and not covered.not_yet:
        say("There is no conversation of that id." if conversation else "There are no conversations yet.")
    if covered.not_yet:
        warn(
            f"{counted(covered.not_yet, 'conversation')} not in Kafka yet, and not compared:"
            " `crewhall log status` shows how far they are."
        )
    is_equal = repair or all(one.is_equal for one in found)
    if not is_equal or covered.not_yet or (conversation and not found):
        raise typer.Exit(code=Exit.ERROR)


@log.command("leave-kafka")
def leave_kafka(
    context: typer.Context,
    home: Home = None,
    lost: Annotated[bool, typer.Option("--lost", help="Also where Kafka has lost topics: messages are here.")] = False,
    as_json: Json = False,
) -> None:
    """Let Postgres keep the messages again: it has all of them. Processes are stopped before, and topics stay."""

    async def work() -> "Left":
        from crewhall.main.log import leave_kafka as leave

        with administrator(home) as connection:
            return await leave(connection, lost=lost)

    left = asyncio.run(work())
    if wants_json(context, as_json):
        say_json(left)
        return
    say(f"{counted(left.partitions, 'partition')} written to the end: Postgres has every message, and keeps them now.")
    if left.refused:
        say(f"{counted(left.refused, 'record')} of Kafka's were refused: the table log_refusals has them, and why.")
    if left.topics:
        named = ", ".join(left.topics[:_NAMED]) + (", …" if len(left.topics) > _NAMED else "")
        say(
            f"Left in Kafka, read by nobody: {counted(len(left.topics), 'topic')}. Delete what you do not want to keep."
        )
        say(f"  {named}")
    say(_NEXT)


_NAMED = 3
_NEXT = "Start servers with CREWHALL_LOG=postgres, or without it."


def _facts(found: "LogStatus") -> dict[str, object]:
    facts: dict[str, object] = {
        "messages": "in Kafka" if found.engine == "kafka" else "in Postgres",
        "processes": ", ".join(f"{one.kind} since {local_time(one.since)}" for one in found.processes) or "none run",
    }
    if found.engine == "kafka":
        copying = f"{found.to_copy:,}, {counted(found.records_to_copy, 'record')} left"
        facts |= {
            "topics": counted(found.conversations, "conversation"),
            "to copy": copying if found.to_copy else "none",
            "to delete": counted(found.to_delete, "topic") if found.to_delete else None,
            "lag": "unknown" if found.lag is None else counted(found.lag, "record"),
            "stopped": f"{counted(found.stopped, 'partition')}: the log of who reads them says why"
            if found.stopped
            else None,
            "lost": f"{counted(len(found.lost), 'topic')}, {found.lost[0]}: docs/kafka.md says what to do"
            if found.lost
            else None,
            "refused": f"{counted(found.refused, 'record')}, in the table log_refusals" if found.refused else None,
            "trouble": found.trouble,
        }
    return facts


def _words(one: "Rebuilt", *, repair: bool) -> str:
    if one.is_equal:
        return "equal"
    counts = {
        "missing": one.missing, "different": one.different, "not in the topic": one.extra,
        "laid over otherwise": one.overlays, "without their files": one.files, "not found by search": one.unsearched,
        "head wrong": int(not one.is_head_right),
    }  # fmt: skip
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) + (", put right" if repair else "")
