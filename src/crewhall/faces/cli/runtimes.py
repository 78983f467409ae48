"""How agents answer: whether they do, and the address at which one is served."""

from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import Exit, ago, say, say_facts, say_json, say_table

if TYPE_CHECKING:
    from crewhall.faces.sdk import AgentRuntime, Client, RuntimeCall, RuntimeHealth

webhook = typer.Typer(name="webhook", help="The address at which an agent is served.", no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="The agent's code, as in @code.")]
Url = Annotated[str, typer.Argument(help="Where its turns are POSTed, https.")]


def runtimes(context: typer.Context, as_json: Json = False) -> None:
    """List how each agent answers, and whether it does."""

    async def work(client: "Client") -> list["RuntimeHealth"]:
        return [found async for found in client.runtimes.list()]

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
        return
    rows = [
        [f"@{one.agent.code}", one.way, one.health, ago(one.since) if one.since else "", one.p50_ms, one.waiting,
         _last_turn(one),
         one.last_error if one.health == "failing" else None]
        for one in found
    ]  # fmt: skip
    columns = ("Agent", "Answers by", "Health", "Since", "ms", "Waiting", "Last turn", "Last error")
    say_table(columns, rows, "No agents that you manage.")


def _last_turn(one: "RuntimeHealth") -> str | None:
    """How it ended, or that a program was told: whether that answers is not known here."""
    if one.last_turn is None:
        return None
    how = "told" if one.last_turn.reason == "delivered" else one.last_turn.status
    return f"{how} {ago(one.last_turn.created_at)}"


@webhook.command("show")
def show_webhook(context: typer.Context, code: Code, as_json: Json = False) -> None:
    """Show where an agent is served, and the last calls."""

    async def work(client: "Client") -> "tuple[AgentRuntime, list[RuntimeCall]]":
        agent_id = (await client.agents.find(code)).id
        return await client.runtimes.get(agent_id), [call async for call in client.runtimes.calls(agent_id)]

    found, calls = act(context, work)
    if wants_json(context, as_json):
        say_json({"runtime": found, "calls": calls})
        return
    _show(found)
    say()
    rows = [
        ["ping" if call.run_id is None else call.run_id, "ok" if call.is_ok else call.error, call.status,
         f"{call.duration_ms} ms", ago(call.created_at)]
        for call in calls
    ]  # fmt: skip
    say_table(("Run", "How it went", "Status", "Took", "When"), rows, "Nothing was asked of it yet.")


@webhook.command("set")
def set_webhook(context: typer.Context, code: Code, url: Url, as_json: Json = False) -> None:
    """Serve an agent at an address; its secret is printed the first time. Given again, it moves there."""

    async def work(client: "Client") -> "AgentRuntime":
        from crewhall.faces.sdk import CrewhallApiError

        agent_id = (await client.agents.find(code)).id
        try:
            return await client.runtimes.move(agent_id, url)
        except CrewhallApiError as error:
            if error.code != "not_found":
                raise
            return await client.runtimes.serve(agent_id, url)

    _report(context, as_json, act(context, work))


@webhook.command("rotate")
def rotate_webhook(
    context: typer.Context,
    code: Code,
    overlap: Annotated[int, typer.Option(help="Seconds that the old secret signs along.")] = 86400,
    as_json: Json = False,
) -> None:
    """Sign with a new secret; it is printed this once."""

    async def work(client: "Client") -> "AgentRuntime":
        return await client.runtimes.rotate((await client.agents.find(code)).id, overlap_seconds=overlap)

    _report(context, as_json, act(context, work))


@webhook.command("remove")
def remove_webhook(context: typer.Context, code: Code, as_json: Json = False) -> None:
    """Serve an agent at no address any more."""

    async def work(client: "Client") -> str:
        found = await client.agents.find(code)
        await client.runtimes.remove(found.id)
        return found.code

    removed = act(context, work)
    if wants_json(context, as_json):
        say_json({"removed": removed})
    else:
        say(f"@{removed} is asked there no more.")


@webhook.command("test")
def try_webhook(context: typer.Context, code: Code, as_json: Json = False) -> None:
    """Send a signed ping to where an agent is served."""

    async def work(client: "Client") -> "RuntimeCall":
        return await client.runtimes.test((await client.agents.find(code)).id)

    call = act(context, work)
    if wants_json(context, as_json):
        say_json(call)
    elif call.is_ok:
        say(f"It answered {call.status} after {call.duration_ms} ms.")
    else:
        say(call.error or "It did not answer.")
    if not call.is_ok:
        raise typer.Exit(Exit.ERROR)


def _report(context: typer.Context, as_json: bool, found: "AgentRuntime") -> None:
    if wants_json(context, as_json):
        say_json(found)
        return
    _show(found)
    if found.secret is not None:
        say("Keep the secret now: it is never shown again. The agent's program verifies with it what it is sent.")


def _show(found: "AgentRuntime") -> None:
    say_facts(
        {
            "address": found.base_url,
            "secret": found.secret,
            "health": found.health,
            "failing since": found.failing_since,
            "answered": ago(found.last_ok_at),
            "last error": found.last_error,
            "takes": f"{found.p50_ms} ms" if found.p50_ms is not None else None,
            "old secret until": found.previous_until,
        }
    )
