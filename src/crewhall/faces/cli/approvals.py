"""Approvals: what agents ask for, and deciding about it."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crewhall.faces.cli.context import Json, act, checked_id, wants_json
from crewhall.faces.cli.output import ago, first_of, say, say_facts, say_json, say_list
from crewhall.faces.cli.turns import Limit

if TYPE_CHECKING:
    from crewhall.faces.sdk import Approval, Client

ApprovalId = Annotated[
    str, typer.Argument(help="The approval's id (`crewhall approvals`).", callback=checked_id("approvals"))
]


def approvals(
    context: typer.Context,
    approval_id: Annotated[
        str | None, typer.Argument(help="Show this one, whole.", callback=checked_id("approvals"))
    ] = None,
    status: Annotated[str, typer.Option(help="waiting, approved, refused, expired, canceled, or all.")] = "waiting",
    agent: Annotated[str | None, typer.Option("--agent", help="Only of this agent, by code.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """List what agents ask for, newest first, or show one request whole."""
    if approval_id is not None:
        _show(act(context, lambda client: client.approvals.get(approval_id)), as_json=wants_json(context, as_json))
        return

    async def work(client: "Client") -> list["Approval"]:
        who = await client.agents.find(agent) if agent else None
        asked = client.approvals.list(status=None if status == "all" else status, agent_id=who.id if who else None)
        return await first_of(asked, limit)

    found = act(context, work)
    say_list(
        found,
        ("Agent", "Tool", "Risk", "What", "Status", "Asked", "Id"),
        lambda one: [f"@{one.agent.code}", one.tool, one.risk, one.effect, one.status, ago(one.created_at), one.id],
        "Nothing waits for you.",
        as_json=wants_json(context, as_json),
    )


def approve(
    context: typer.Context,
    approval_id: ApprovalId,
    arguments: Annotated[
        str | None, typer.Option("--arguments", help="Other arguments, as JSON: the whole of them.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Let an agent make the call that it asks for, with other arguments if given."""
    changed = _read(arguments)
    done = act(context, lambda client: client.approvals.approve(approval_id, arguments=changed))
    if wants_json(context, as_json):
        say_json(done)
    else:
        say(f"@{done.agent.code} goes on and uses {done.tool}.")


def refuse(
    context: typer.Context,
    approval_id: ApprovalId,
    reason: Annotated[list[str], typer.Argument(help="Why: the agent reads it.")],
    as_json: Json = False,
) -> None:
    """Refuse an agent the call that it asks for, and say why."""
    done = act(context, lambda client: client.approvals.refuse(approval_id, " ".join(reason)))
    if wants_json(context, as_json):
        say_json(done)
    else:
        say(f"@{done.agent.code} goes on without it, and reads why.")


def _show(one: "Approval", *, as_json: bool) -> None:
    if as_json:
        say_json(one)
        return
    message = f"#{one.message.seq} of {one.message.author_name}: {one.message.content}" if one.message else None
    say_facts(
        {
            "agent": f"@{one.agent.code} ({one.agent.name})",
            "status": one.status + (f" ({one.reason})" if one.reason else ""),
            "what": one.effect,
            "tool": f"{one.tool}, risk {one.risk}",
            "why asked": one.why,
            "for": ", ".join(who.name for who in one.asked_for) or "nobody",
            "where": one.conversation.label if one.conversation else "a conversation that is not shared with you",
            "message": message,
            "prompt": one.prompt,
            "asked": ago(one.created_at),
            "decided by": one.decided_by.name if one.decided_by else None,
            "run": one.run_id,
        }
    )
    say()
    say(json.dumps(one.arguments, indent=2, ensure_ascii=False))
    if one.approved_arguments is not None:
        say("Approved instead:")
        say(json.dumps(one.approved_arguments, indent=2, ensure_ascii=False))


def _read(arguments: str | None) -> dict[str, Any] | None:
    if arguments is None:
        return None
    try:
        read = json.loads(arguments)
    except ValueError as error:
        raise typer.BadParameter(f"This is no JSON: {error}", param_hint="--arguments") from error
    if not isinstance(read, dict):
        raise typer.BadParameter("The arguments are a JSON object.", param_hint="--arguments")
    return read
