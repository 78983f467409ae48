"""Signing in and out."""

import sys
from typing import Annotated

import typer

from crewhall.faces.cli.context import Json, act, client_for, options_of, run, server_of, wants_json
from crewhall.faces.cli.output import say, say_facts, say_json


def login(
    context: typer.Context,
    email: Annotated[str | None, typer.Option(help="Email; asked for when not given.")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
    token: Annotated[
        str | None, typer.Option(help="A token or an agent's key, in place of email and password.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Sign in to a server; the tokens are kept in a private file and renew themselves."""
    from crewhall.faces.cli.logins import Logins
    from crewhall.faces.sdk import Client, Tokens

    options = options_of(context)
    server = server_of(options)

    async def sign_in() -> None:
        if token is not None:
            async with Client(server, token=token) as client:
                me = await client.me()
            Logins().save(server, Tokens(token))
        else:
            address = email or typer.prompt("Email")
            password = (
                sys.stdin.readline().rstrip("\n") if password_stdin else typer.prompt("Password", hide_input=True)
            )
            async with Client(server, store=Logins().store(server)) as client:
                me = await client.login(address, password)
        if wants_json(context, as_json):
            say_json({"server": server, "me": me})
        else:
            say(
                f"Signed in to {server} as {me.actor.name}"
                + (f" ({me.organization.name})." if me.organization else ".")
            )

    run(sign_in())


def logout(context: typer.Context) -> None:
    """Sign out: end the login on the server and forget its tokens."""
    from crewhall.faces.cli.logins import Logins
    from crewhall.faces.sdk.errors import CrewhallApiError

    server = server_of(options_of(context))

    async def sign_out() -> None:
        async with client_for(options_of(context), server) as client:
            try:
                await client.logout()
            except CrewhallApiError:
                pass  # an agent's key, or a login that has ended: there is nothing to end on the server
            finally:
                Logins().save(server, None)

    run(sign_out())
    say(f"Signed out of {server}.")


def whoami(context: typer.Context, as_json: Json = False) -> None:
    """Show who is signed in, where, and with which role."""
    server = server_of(options_of(context))
    me = act(context, lambda client: client.me())
    if wants_json(context, as_json):
        say_json({"server": server, "me": me})
        return
    person = me.user
    say_facts(
        {
            "name": me.actor.name,
            "handle": f"@{person.handle}" if person else f"@{me.agent.code}" if me.agent else None,
            "email": person.email if person else None,
            "type": "person" if person else "agent",
            "role": me.role,
            "organization": f"{me.organization.name} ({me.organization.slug})" if me.organization else None,
            "server": server,
        }
    )
