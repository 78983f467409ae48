"""Personal tokens: keys that last, for one's programs."""

from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import ago, say, say_facts, say_json, say_list

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, PersonalToken

token = typer.Typer(name="token", help="Keys of your own for programs that act as you.", no_args_is_help=True)


@token.command("list")
def list_tokens(context: typer.Context, as_json: Json = False) -> None:
    """List your tokens; their secrets are never shown again."""

    async def work(client: "Client") -> list["PersonalToken"]:
        return [found async for found in client.tokens.list()]

    found = act(context, work)
    say_list(
        found,
        ("Id", "Name", "Used", "Good until"),
        lambda each: [each.id, each.name, ago(each.last_used_at), each.expires_at.date().isoformat()],
        "No tokens: `crewhall token create NAME`.",
        as_json=wants_json(context, as_json),
    )


@token.command("create")
def create_token(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is for.")],
    days: Annotated[int | None, typer.Option(help="Days that it is good, at most 730; 90 if left out.")] = None,
    as_json: Json = False,
) -> None:
    """Make a token for the current organization; it is printed this once."""
    made = act(context, lambda client: client.tokens.create(name, expires_in_days=days))
    if wants_json(context, as_json):
        say_json(made)
        return
    say_facts({"token": made.token, "name": made.name, "expires": made.expires_at})
    say("Keep the token now: it is never shown again.")


@token.command("revoke")
def revoke_token(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name or id (`crewhall token list`).")],
    as_json: Json = False,
) -> None:
    """Stop a token now, everywhere."""

    async def work(client: "Client") -> "PersonalToken":
        from crewhall.faces.sdk import CrewhallApiError

        found = [one async for one in client.tokens.list() if name in {one.id, one.name}]
        if len(found) != 1:
            sentence = f"You have {len(found) or 'no'} tokens named {name}. `crewhall token list` shows them."
            raise CrewhallApiError("not_found", 404, sentence)
        await client.tokens.revoke(found[0].id)
        return found[0]

    revoked = act(context, work)
    if wants_json(context, as_json):
        say_json(revoked)
    else:
        say(f"The token {revoked.name} is revoked.")
