"""Incoming webhooks: addresses that other services call."""

from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.messages import Place, find_place
from crewhall.faces.cli.output import ago, first_of, say, say_json, say_list
from crewhall.faces.cli.turns import Limit

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, Hook, HookCall

webhook = typer.Typer(
    name="webhook", help="Webhooks: addresses that other services call, signed.", no_args_is_help=True
)
Which = Annotated[str, typer.Argument(help="The webhook's name or id (`crewhall webhook list`).")]
Name = Annotated[str | None, typer.Option("--name", help="What to call it: it posts under this name.")]
Agent = Annotated[str | None, typer.Option("--agent", help="Wake this agent with what comes, by code.")]
Prompt = Annotated[str | None, typer.Option("--prompt", help="What the agent is to do with it.")]


@webhook.command("list")
def list_hooks(context: typer.Context, as_json: Json = False) -> None:
    """List webhooks with their last call."""

    async def work(client: "Client") -> list["Hook"]:
        return [one async for one in client.hooks.list()]

    found = act(context, work)
    say_list(
        found,
        ("Name", "Where", "Wakes", "", "Last call", "When", "Id"),
        lambda one: [
            one.name,
            one.conversation.label if one.conversation else "–",
            f"@{one.agent.code}" if one.agent else "",
            one.pause_reason and f"paused ({one.pause_reason})",
            _became(one),
            ago(one.last_called_at),
            one.id,
        ],
        "No webhooks yet.",
        as_json=wants_json(context, as_json),
    )


@webhook.command("make")
def make_hook(
    context: typer.Context,
    place: Place,
    name: Annotated[str, typer.Option("--name", help="What to call it: it posts under this name.")],
    agent: Agent = None,
    prompt: Prompt = None,
    post: Annotated[bool, typer.Option("--post/--no-post", help="Post what comes.")] = True,
    as_json: Json = False,
) -> None:
    """Make a webhook; its secret is printed this once."""

    async def work(client: "Client") -> "Hook":
        where = await find_place(client, place)
        who = await client.agents.find(agent) if agent else None
        return await client.hooks.make(where.id, name=name, agent_id=who.id if who else None, prompt=prompt, posts=post)

    _report(context, act(context, work), as_json=as_json)


@webhook.command("change")
def change_hook(
    context: typer.Context,
    which: Which,
    name: Name = None,
    agent: Agent = None,
    prompt: Prompt = None,
    post: Annotated[bool | None, typer.Option("--post/--no-post", help="Post what comes.")] = None,
    as_json: Json = False,
) -> None:
    """Change a webhook of yours; what is not named stays."""

    async def work(client: "Client") -> "Hook":
        who = await client.agents.find(agent) if agent else None
        given = {"name": name, "agent_id": who.id if who else None, "prompt": prompt, "posts": post}
        changes = {key: value for key, value in given.items() if value is not None}
        return await client.hooks.change((await client.hooks.find(which)).id, **changes)

    _report(context, act(context, work), as_json=as_json)


@webhook.command("rotate")
def rotate_secret(
    context: typer.Context,
    which: Which,
    overlap: Annotated[int, typer.Option("--overlap", min=0, help="Seconds that the old one still works.")] = 86_400,
    as_json: Json = False,
) -> None:
    """Give a webhook of yours a new secret, printed this once."""

    async def work(client: "Client") -> "Hook":
        return await client.hooks.rotate((await client.hooks.find(which)).id, overlap_seconds=overlap)

    _report(context, act(context, work), as_json=as_json)


@webhook.command("pause")
def pause_hook(context: typer.Context, which: Which, as_json: Json = False) -> None:
    """Let a webhook refuse every call."""

    async def work(client: "Client") -> "Hook":
        return await client.hooks.pause((await client.hooks.find(which)).id)

    _report(context, act(context, work), as_json=as_json)


@webhook.command("resume")
def resume_hook(context: typer.Context, which: Which, as_json: Json = False) -> None:
    """Let a webhook of yours take calls again."""

    async def work(client: "Client") -> "Hook":
        return await client.hooks.resume((await client.hooks.find(which)).id)

    _report(context, act(context, work), as_json=as_json)


@webhook.command("calls")
def list_calls(context: typer.Context, which: Which, limit: Limit = 20, as_json: Json = False) -> None:
    """List the calls of a webhook, newest first."""

    async def work(client: "Client") -> list["HookCall"]:
        return await first_of(client.hooks.calls((await client.hooks.find(which)).id), limit)

    found = act(context, work)
    say_list(
        found,
        ("When", "Outcome", "Delivery", "From", "Run"),
        lambda one: [ago(one.created_at), one.outcome, one.delivery, one.address, one.run_id],
        "It was never called.",
        as_json=wants_json(context, as_json),
    )


@webhook.command("delete")
def delete_hook(
    context: typer.Context,
    which: Which,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a webhook; what it posted stays."""
    found = act(context, lambda client: client.hooks.find(which))
    if not yes:
        typer.confirm(f"Delete the webhook {found.name}?", abort=True)
    act(context, lambda client: client.hooks.delete(found.id))
    say("Deleted.")


def _report(context: typer.Context, one: "Hook", *, as_json: bool) -> None:
    if wants_json(context, as_json):
        say_json(one)
        return
    say(f"{one.name}: {one.url}" + (f" (paused: {one.pause_reason})" if one.pause_reason else ""))
    if one.secret:
        say(f"Its secret, shown only now: {one.secret}")


def _became(one: "Hook") -> str | None:
    """What became of its last call."""
    return f"{one.last_outcome}, not answered ({one.unanswered_reason})" if one.unanswered_reason else one.last_outcome
