"""Turns of agents: what they did, why they spoke or did not, asking for one, stopping one."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from crewhall.faces.cli.context import Json, act, checked_id, wants_json
from crewhall.faces.cli.messages import Place, find_place
from crewhall.faces.cli.output import ago, first_of, say, say_facts, say_json, say_list, say_table

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, ConversationSummary, Run, RunStep, TurnDecision

MOST_SHOWN = 80

RunId = Annotated[str, typer.Argument(help="The run's id (`crewhall runs`).", callback=checked_id("runs"))]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="So many, the newest first.")]
AgentCode = Annotated[str | None, typer.Option("--agent", help="Only of this agent, by code.")]


def runs(
    context: typer.Context,
    place: Annotated[str | None, typer.Argument(help="Only there: a channel, @handle, @code or id.")] = None,
    agent: AgentCode = None,
    status: Annotated[
        str | None,
        typer.Option(help="queued, running, waiting, succeeded, failed, canceled or stopped."),
    ] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """List the turns that agents took, newest first."""

    async def work(client: "Client") -> list["Run"]:
        where = await find_place(client, place) if place else None
        who = await client.agents.find(agent) if agent else None
        found = client.turns.runs(
            conversation_id=where.id if where else None, agent_id=who.id if who else None, status=status
        )
        return await first_of(found, limit)

    found = act(context, work)
    say_list(
        found,
        ("Agent", "Where", "Status", "Reason", "Cause", "Tokens", "Begun", "Id"),
        lambda run: [
            f"@{run.agent.code}",
            run.conversation.label,
            run.status,
            run.reason,
            run.cause,
            _tokens(run),
            ago(run.created_at),
            run.id,
        ],
        "No turns yet.",
        as_json=wants_json(context, as_json),
    )


def show_run(context: typer.Context, run_id: RunId, as_json: Json = False) -> None:
    """Show a turn with its steps."""

    async def work(client: "Client") -> "tuple[Run, list[RunStep]]":
        return await client.turns.run(run_id), [step async for step in client.turns.steps(run_id)]

    run, steps = act(context, work)
    if wants_json(context, as_json):
        say_json({"run": run, "steps": steps})
        return
    say_facts(_facts(run))
    say()
    rows = [
        [step.ordinal, step.kind, step.tool, _step_tokens(step), step.cost, _took(step), _inside(step)]
        for step in steps
    ]
    say_table(("Step", "What", "Tool", "Tokens", "Cost", "Took", "Inside"), rows, "No steps are recorded.")


def cancel(context: typer.Context, run_id: RunId, as_json: Json = False) -> None:
    """Stop a turn that waits or is under way."""
    run = act(context, lambda client: client.turns.cancel(run_id))
    if wants_json(context, as_json):
        say_json(run)
    else:
        say("It is being stopped." if run.is_open else "Stopped.")


def decisions(
    context: typer.Context,
    place: Place,
    agent: AgentCode = None,
    message: Annotated[str | None, typer.Option(help="Only about this message, by id.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Say why agents spoke in a conversation, and why not; newest first."""

    async def work(client: "Client") -> list["TurnDecision"]:
        where = await find_place(client, place)
        who = await client.agents.find(agent) if agent else None
        found = client.turns.decisions(where.id, agent_id=who.id if who else None, message_id=message)
        return await first_of(found, limit)

    found = act(context, work)
    say_list(
        found,
        ("Agent", "Outcome", "Why", "Message", "Decided", "Run"),
        lambda one: [
            f"@{one.agent.code}",
            one.outcome,
            one.explanation,
            one.message_seq,
            ago(one.created_at),
            one.run_id,
        ],
        "Nothing was decided here yet.",
        as_json=wants_json(context, as_json),
    )


def summaries(context: typer.Context, place: Place, limit: Limit = 20, as_json: Json = False) -> None:
    """Show what agents noted of the older part of a conversation, the latest first."""

    async def work(client: "Client") -> list["ConversationSummary"]:
        where = await find_place(client, place)
        return await first_of(client.turns.summaries(where.id), limit)

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
        return
    for one in found:
        say(f"@{one.agent.code} of {one.from_seq} to {one.up_to_seq}, {one.messages} messages, {ago(one.created_at)}:")
        say(one.summary + "\n")
    if not found:
        say("No agent had to sum up anything here yet.")


def ask(
    context: typer.Context,
    place: Place,
    agent: Annotated[str, typer.Argument(help="The agent's code, as in @code.")],
    prompt: Annotated[list[str] | None, typer.Argument(help="What it is to do.")] = None,
    message: Annotated[str | None, typer.Option(help="Id of the message that it is about.")] = None,
    as_json: Json = False,
) -> None:
    """Ask an agent for a turn now, by a prompt, about a message, or both."""

    async def work(client: "Client") -> str:
        where, who = await find_place(client, place), await client.agents.find(agent)
        return await client.turns.ask(where.id, who.id, message_id=message, prompt=" ".join(prompt or []) or None)

    asked = act(context, work)
    if wants_json(context, as_json):
        say_json({"trigger_id": asked})
    else:
        say("Asked. `crewhall runs` and `crewhall decisions` say what comes of it.")


def _facts(run: "Run") -> dict[str, object]:
    return {
        "agent": f"@{run.agent.code} ({run.agent.name})",
        "where": run.conversation.label,
        "status": run.status + (f" ({run.reason})" if run.reason else ""),
        "why": f"{run.cause}, by {run.author.name}" + (f", message {run.message_seq}" if run.message_id else ""),
        "prompt": run.prompt,
        "model": run.model,
        "tokens": _tokens(run) or None,
        "cost": f"{run.cost} {run.currency}" if run.cost is not None else None,
        "answer": f"message {run.answer_seq}" if run.answer_id else None,
        "detail": run.detail,
        "begun": ago(run.created_at),
        "took": _duration(run),
    }


def _duration(run: "Run") -> str | None:
    if run.started_at is None or run.completed_at is None:
        return None
    return f"{(run.completed_at - run.started_at).total_seconds():.1f} s"


def _tokens(run: "Run") -> str:
    return f"{run.input_tokens} in, {run.output_tokens} out" if run.requests else ""


def _step_tokens(step: "RunStep") -> str:
    return "" if step.input_tokens is None else f"{step.input_tokens} in, {step.output_tokens} out"


def _took(step: "RunStep") -> str:
    return "" if step.duration_ms is None else f"{step.duration_ms} ms"


def _inside(step: "RunStep") -> str:
    """What a step held, on one line."""
    body = step.body or {}
    shown = {
        "context": lambda: f"{len(body['lines'])} messages, about {body['tokens']} tokens",
        "answer": lambda: _text_of(body),
        "call": lambda: str(body.get("arguments")),
        "result": lambda: str(body.get("error") or body.get("result")),
        "failure": lambda: str(body.get("detail") or body.get("message") or body.get("reason")),
    }.get(step.kind)
    line = " ".join(shown().split()) if shown and body else ""
    return line if len(line) <= MOST_SHOWN else line[:MOST_SHOWN] + " …"


def _text_of(body: dict[str, Any]) -> str:
    return " ".join(str(part.get("content") or part.get("tool_name") or "") for part in body["response"]["parts"])
