"""Agents on Kafka: the topics of one, and what to grant its program there."""

from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import ago, say, say_facts, say_json

if TYPE_CHECKING:
    from crewhall.faces.sdk import AgentOnKafka, Client

topics = typer.Typer(name="topics", help="An agent's topics at Kafka.", no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="The agent's code, as in @code.")]
User = Annotated[str, typer.Argument(help="The name with which the agent's program signs in to Kafka.")]


@topics.command("show")
def show_topics(context: typer.Context, code: Code, as_json: Json = False) -> None:
    """Show where an agent finds what is for it, and how that goes."""
    _report(context, as_json, act(context, lambda client: _find(client, code)))


@topics.command("create")
def create_topics(context: typer.Context, code: Code, as_json: Json = False) -> None:
    """Give an agent topics; Kafka makes them behind this."""

    async def work(client: "Client") -> "AgentOnKafka":
        return await client.runtimes.give_topics((await client.agents.find(code)).id)

    _report(context, as_json, act(context, work))


@topics.command("remove")
def remove_topics(
    context: typer.Context,
    code: Code,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Take an agent's topics away, with what is in them."""
    if not yes:
        typer.confirm(f"Delete the topics of @{code.removeprefix('@')}, and what is in them?", abort=True)

    async def work(client: "Client") -> str:
        found = await client.agents.find(code)
        await client.runtimes.remove_topics(found.id)
        return found.code

    removed = act(context, work)
    if wants_json(context, as_json):
        say_json({"removed": removed})
    else:
        say(f"@{removed} is heard at Kafka no more.")


@topics.command("grants")
def show_grants(context: typer.Context, code: Code, user: User, as_json: Json = False) -> None:
    """Print what grants a program at Kafka what it needs, and nothing else."""
    found = act(context, lambda client: _find(client, code))
    begin = f"kafka-acls.sh --bootstrap-server {found.bootstrap}"
    lines = [f"{begin} {one.replace('User:AGENT', f'User:{user}')}" for one in found.grants]
    if wants_json(context, as_json):
        say_json({"grants": lines})
        return
    for line in lines:
        say(line)


async def _find(client: "Client", code: str) -> "AgentOnKafka":
    return await client.runtimes.topics((await client.agents.find(code)).id)


def _report(context: typer.Context, as_json: bool, found: "AgentOnKafka") -> None:
    if wants_json(context, as_json):
        say_json(found)
        return
    say_facts(
        {
            "state": found.state,
            "servers": found.bootstrap,
            "reads": found.inbox_topic,
            "as group": found.consumer_group,
            "writes": found.outbox_topic,
            "refused": found.refused_topic,
            "waiting": found.waiting or None,
            "failing since": found.failing_since,
            "last error": found.last_error if found.failures else None,
            "given": ago(found.fed_at),
            "heard": ago(found.heard_at),
            "refused so far": found.refused or None,
            "last refusal": found.last_refusal,
        }
    )
    if found.answered_by is not None:
        say(f"Its {found.answered_by} answers for it: nothing goes to its topic meanwhile.")
