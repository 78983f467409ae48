"""What a command was asked with, and the client that acts for whoever is signed in."""

import os
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client

T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RETRY_S = 2.0


@dataclass(frozen=True)
class Options:
    """Options that stand before the command."""

    server: str | None
    org: str | None
    as_json: bool = False


def options_of(context: typer.Context) -> Options:
    """The options of the call."""
    found = context.find_object(Options)
    return found if found is not None else Options(None, None)


def server_of(options: Options) -> str:
    """The server to talk to: the one named, else where one last signed in, else this machine's."""
    from crewhall.faces.cli.logins import Logins
    from crewhall.faces.sdk.client import DEFAULT_URL

    if options.server:
        return options.server.rstrip("/")
    current = Logins().current()
    if current is not None:
        return current
    return _here() or DEFAULT_URL


def _here() -> str | None:
    """The address at which this machine's data folder is served."""
    from crewhall.faces.cli.runfile import find_running
    from crewhall.kernel.settings import home_from_environment

    serving = (one.address for one in find_running(home_from_environment()) if one.kind.serves)
    return next(serving, None)


def client_for(options: Options, server: str | None = None) -> "Client":
    """Make a client: with CREWHALL_TOKEN if it is set, otherwise with the tokens that `login` kept."""
    from crewhall.faces.cli.logins import Logins
    from crewhall.faces.sdk import Client

    address = server or server_of(options)
    token = os.environ.get("CREWHALL_TOKEN")
    org = options.org or os.environ.get("CREWHALL_ORG") or None
    if token:
        return Client(address, token=token, org=org, retry_for=RETRY_S)
    return Client(address, store=Logins().store(address), org=org, retry_for=RETRY_S)


def act(context: typer.Context, work: "Callable[[Client], Awaitable[T]]") -> T:
    """Do something as whoever is signed in."""

    async def inside() -> T:
        async with client_for(options_of(context)) as client:
            return await work(client)

    return run(inside())


def checked_id(what: str) -> Callable[[str | None], str | None]:
    """A check of an argument: an id, as `crewhall WHAT` prints it whole."""

    def check(given: str | None) -> str | None:
        try:
            return given if given is None else str(UUID(given))
        except ValueError:
            raise typer.BadParameter(f"{given} is no id: `crewhall {what}` prints them.") from None

    return check


def run(work: "Coroutine[object, object, T]") -> T:
    """Run a coroutine to its end."""
    import asyncio

    return asyncio.run(work)


def wants_json(context: typer.Context, as_json: bool) -> bool:
    """Whether `--json` was given, before or after the command."""
    return as_json or options_of(context).as_json
