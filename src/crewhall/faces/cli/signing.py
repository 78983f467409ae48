"""Signing in and out."""

import contextlib
import os
import sys
from typing import Annotated

import typer

from crewhall.faces.cli.context import Json, act, options_of, run, server_of, wants_json
from crewhall.faces.cli.output import fail, say, say_facts, say_json

LASTING = {
    "cwp_": "a personal token, which no signing out ends: `crewhall token revoke NAME`, or the page of your settings.",
    "cwk_": "an agent's key, which no signing out ends: an owner or admin does, by `crewhall agent key revoke`.",
}
"""What is no login, by its beginning, and how it is ended."""


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
    """Sign out: end the login on the server and forget its tokens. With CREWHALL_TOKEN, what `login` kept stays."""
    from crewhall.faces.cli.logins import Logins

    server = server_of(options_of(context))
    given = os.environ.get("CREWHALL_TOKEN")
    kept = None if given else Logins().load(server)
    token = given or (kept.access if kept else "")
    lasting = next((words for prefix, words in LASTING.items() if token.startswith(prefix)), None)
    if given and lasting:
        fail(f"CREWHALL_TOKEN is {lasting} To stop acting by it here, unset CREWHALL_TOKEN.")
    if not lasting:
        _end_login(context, server)
    if given:
        say("The login of CREWHALL_TOKEN has ended. What `crewhall login` kept stays: unset CREWHALL_TOKEN to use it.")
        return
    Logins().save(server, None)
    say(f"Forgotten here, and good as before: it was {lasting}" if lasting else f"Signed out of {server}.")


def _end_login(context: typer.Context, server: str) -> None:
    """End it on the server; where that is out of reach, what is kept is forgotten before the error says so."""
    from crewhall.faces.cli.logins import Logins
    from crewhall.faces.sdk.errors import NotReachable, SignedOut

    try:
        with contextlib.suppress(SignedOut):  # it has ended already
            act(context, lambda client: client.logout())
    except NotReachable:
        if not os.environ.get("CREWHALL_TOKEN"):
            Logins().save(server, None)
        raise


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
