"""Lending agents to other organizations, and borrowing theirs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crewhall.faces.cli.agent_keys import Code
from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import say, say_json, say_table

if TYPE_CHECKING:
    from crewhall.faces.sdk import AgentGrant, AgentInfo, Client, GrantOffered

Seen = Annotated[str | None, typer.Option("--visibility", help="There: public, private or hidden; else as at home.")]
Model = Annotated[str | None, typer.Option("--model", help="Thinks with this there, as provider:model.")]
Knows = Annotated[
    bool | None, typer.Option("--knowledge/--no-knowledge", help="Answers from its sources at home there, too.")
]
Grant = Annotated[str, typer.Argument(help="The grant's id (`crewhall agent grants`).")]


def lend_agent(
    context: typer.Context,
    code: Code,
    visibility: Seen = None,
    model: Model = None,
    knowledge: Knows = None,
    as_json: Json = False,
) -> None:
    """Lend an agent to another organization: prints the code that is accepted there."""

    async def work(client: "Client") -> "GrantOffered":
        who = await client.agents.find(code)
        config = _config(model) if model else None
        return await client.lending.offer(who.id, visibility=visibility, config=config, knowledge=knowledge)

    offered = act(context, work)
    if wants_json(context, as_json):
        say_json(offered)
    else:
        say(f"In the other organization, within seven days: crewhall agent borrow {offered.code}")


def borrow_agent(
    context: typer.Context,
    grant_code: Annotated[str, typer.Argument(metavar="CODE", help="What `crewhall agent lend` printed there.")],
    name: Annotated[str | None, typer.Option(help="What it is called here, if not as at home.")] = None,
    as_json: Json = False,
) -> None:
    """Borrow an agent of another organization."""

    async def work(client: "Client") -> "AgentInfo":
        return await client.lending.accept(grant_code, name=name)

    made = act(context, work)
    if wants_json(context, as_json):
        say_json(made)
    else:
        say(f"@{made.code} works here as well.")


def list_grants(context: typer.Context, as_json: Json = False) -> None:
    """List which agents are lent and borrowed."""

    async def work(client: "Client") -> list["AgentGrant"]:
        return [found async for found in client.lending.list()]

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
        return
    rows = [
        [f"@{one.agent_code}", one.direction, one.other_organization, one.state, one.visibility or "as at home",
         "yes" if one.knowledge else "no", one.id]
        for one in found
    ]  # fmt: skip
    heads = ("Agent", "", "Other side", "State", "Visible to", "Knowledge", "Id")
    say_table(heads, rows, "Nothing is lent or borrowed.")


def change_grant(
    context: typer.Context,
    grant: Grant,
    visibility: Seen = None,
    model: Model = None,
    knowledge: Knows = None,
    as_json: Json = False,
) -> None:
    """Change what a grant overrides where the agent is lent to; the lender also, whether its knowledge goes along."""
    changes: dict[str, Any] = {"visibility": visibility} if visibility else {}
    if model:
        changes["config"] = _config(model)
    if knowledge is not None:
        changes["knowledge"] = knowledge
    changed = act(context, lambda client: client.lending.change(grant, **changes))
    if wants_json(context, as_json):
        say_json(changed)
    else:
        say(f"Changed how @{changed.agent_code} is {changed.direction}.")


def end_grant(
    context: typer.Context,
    grant: Grant,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """End a grant, of either side: the agent leaves the organization that borrowed it."""
    if not yes:
        typer.confirm("End the grant?", abort=True)
    act(context, lambda client: client.lending.end(grant))
    say("The grant has ended.")


def _config(model: str) -> dict[str, str]:
    provider, _, name = model.partition(":")
    return {"provider": provider, "model": name}


COMMANDS: dict[str, Callable[..., None]] = {
    "lend": lend_agent,
    "borrow": borrow_agent,
    "grants": list_grants,
    "change-grant": change_grant,
    "end-grant": end_grant,
}
"""Commands of `crewhall agent`."""
