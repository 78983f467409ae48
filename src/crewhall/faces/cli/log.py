"""The message log, for the operator: the read model compared with Kafka's topics, and the way back to Postgres."""

import asyncio
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from crewhall.faces.cli.administering import administrator
from crewhall.faces.cli.context import Json, wants_json
from crewhall.faces.cli.output import Exit, say, say_json
from crewhall.faces.cli.serving import Home

if TYPE_CHECKING:
    from crewhall.adapters.kafka.rebuild import Rebuilt

log = typer.Typer(name="log", help="The message log on Kafka, for the operator.", no_args_is_help=True)


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

    async def work() -> None:
        from crewhall.main.log import rebuild_log as rebuild

        with administrator(home) as connection:
            async for one in rebuild(connection, conversation=conversation, repair=repair):
                found.append(one)
                if not wants_json(context, as_json):
                    say(f"{len(found)}. {one.conversation_id}: {one.records} records, {_words(one, repair=repair)}.")

    asyncio.run(work())
    if wants_json(context, as_json):
        say_json(found)
    elif not found:
        say("No conversation has a topic" + (" of that id." if conversation else " yet."))
    if not repair and not all(one.is_equal for one in found):
        raise typer.Exit(code=Exit.ERROR)


@log.command("leave-kafka")
def leave_kafka(home: Home = None) -> None:
    """Let Postgres keep the messages again: it has all of them. Servers are stopped before, and topics stay."""

    async def work() -> int:
        from crewhall.main.log import leave_kafka as leave

        with administrator(home) as connection:
            return await leave(connection)

    count = asyncio.run(work())
    say(f"{count} partitions are written to their end. Start servers with CREWHALL_LOG=postgres, or without it.")


def _words(one: "Rebuilt", *, repair: bool) -> str:
    if one.is_equal:
        return "equal"
    counts = {
        "missing": one.missing, "different": one.different, "not in the topic": one.extra,
        "laid over otherwise": one.overlays, "head wrong": int(not one.is_head_right),
    }  # fmt: skip
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) + (", put right" if repair else "")
