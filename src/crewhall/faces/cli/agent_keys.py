"""Keys with which agents sign in."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import ago, say, say_facts, say_json, say_list

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, Credential

key = typer.Typer(name="key", help="Keys with which an agent signs in.", no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="The agent's code, as in @code.")]
Prefix = Annotated[str, typer.Argument(help="The key's prefix (`crewhall agent key list`) or id.")]


@key.command("list")
def list_keys(context: typer.Context, code: Code, as_json: Json = False) -> None:
    """List an agent's keys; the keys themselves are never shown again."""

    async def work(client: "Client") -> list["Credential"]:
        return [found async for found in client.agents.keys((await client.agents.find(code)).id)]

    found = act(context, work)
    say_list(
        found,
        ("Prefix", "Label", "Active", "Expires", "Used"),
        lambda each: [
            each.prefix,
            each.label,
            "yes" if each.is_active else "no",
            each.expires_at,
            ago(each.last_used_at),
        ],
        "No keys: `crewhall agent key create CODE`.",
        as_json=wants_json(context, as_json),
    )


@key.command("create")
def create_key(
    context: typer.Context,
    code: Code,
    label: Annotated[str, typer.Option(help="What the key is for.")] = "",
    days: Annotated[int | None, typer.Option(help="Days until it expires.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key; it is printed this once."""
    expires_at = datetime.now(UTC) + timedelta(days=days) if days is not None else None

    async def work(client: "Client") -> "Credential":
        return await client.agents.create_key((await client.agents.find(code)).id, label=label, expires_at=expires_at)

    _report_key(context, as_json, act(context, work))


@key.command("rotate")
def rotate_key(
    context: typer.Context,
    code: Code,
    prefix: Prefix,
    overlap: Annotated[int, typer.Option(help="Seconds that the old key still works.")] = 0,
    as_json: Json = False,
) -> None:
    """Replace a key; the new one is printed this once."""

    async def work(client: "Client") -> "Credential":
        agent_id, credential_id = await _find_key(client, code, prefix)
        return await client.agents.rotate_key(agent_id, credential_id, overlap_seconds=overlap)

    _report_key(context, as_json, act(context, work))


@key.command("revoke")
def revoke_key(context: typer.Context, code: Code, prefix: Prefix, as_json: Json = False) -> None:
    """Stop a key now, everywhere."""

    async def work(client: "Client") -> str:
        agent_id, credential_id = await _find_key(client, code, prefix)
        await client.agents.revoke_key(agent_id, credential_id)
        return credential_id

    revoked = act(context, work)
    if wants_json(context, as_json):
        say_json({"revoked": revoked})
    else:
        say(f"Revoked {prefix}.")


async def _find_key(client: "Client", code: str, prefix: str) -> tuple[str, str]:
    from crewhall.faces.sdk import CrewhallApiError

    found = await client.agents.find(code)
    async for credential in client.agents.keys(found.id):
        if prefix in {credential.prefix, credential.id}:
            return found.id, credential.id
    raise CrewhallApiError(
        "not_found", 404, f"@{found.code} has no key {prefix}. `crewhall agent key list` shows them."
    )


def _report_key(context: typer.Context, as_json: bool, credential: "Credential") -> None:
    if wants_json(context, as_json):
        say_json(credential)
    else:
        show_key(credential)


def show_key(credential: "Credential") -> None:
    """Show a key, this once."""
    say_facts({"key": credential.key, "prefix": credential.prefix, "expires": credential.expires_at})
    say("Keep the key now: it is never shown again. An agent reads it from CREWHALL_AGENT_KEY.")
