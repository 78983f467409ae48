"""`up`, `status`, `stop`: the server of a data folder."""

import os
import signal
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from crewhall.faces.cli.context import Json, wants_json
from crewhall.faces.cli.output import Exit, fail, say, say_json, warn
from crewhall.faces.cli.runfile import Running, find_running, remove_run_file, write_run_file
from crewhall.version import VERSION

Home = Annotated[Path | None, typer.Option(help="Data folder (CREWHALL_HOME).")]
STOP_WITHIN_S = 30.0
LOOK_EVERY_S = 0.1


def up(
    host: Annotated[str | None, typer.Option(help="Address to listen on (CREWHALL_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one (CREWHALL_PORT).")] = None,
    home: Home = None,
    database_url: Annotated[str | None, typer.Option(help="External Postgres (CREWHALL_DATABASE_URL).")] = None,
    database_admin_url: Annotated[str | None, typer.Option(help="Its migrating role.")] = None,
    public_url: Annotated[str | None, typer.Option(help="Address that people use, behind a proxy.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the browser when it is ready.")] = False,
) -> None:
    """Serve in the foreground: the database, the API, the pages. Ctrl-C or SIGTERM stops cleanly."""
    name_home(home)
    from crewhall.faces.cli.variables import warn_of_unknown
    from crewhall.kernel.settings import KernelSettings, load_settings
    from crewhall.main import serve

    settings = load_settings(
        KernelSettings,
        host=host,
        port=port,
        database_url=database_url,
        database_admin_url=database_admin_url,
        public_url=public_url,
        log_level=log_level,
    )

    for warning in warn_of_unknown():
        warn(warning)

    def announce(address: str, setup_link: str | None) -> None:
        write_run_file(settings.home, Running(os.getpid(), address, VERSION))
        say(f"Crewhall is ready at {settings.public_url or address}")
        if setup_link:
            say(f"Nobody owns it yet. Open this link once to become its owner:\n  {setup_link}")
        say("Press Ctrl-C to stop.")
        if open_browser:
            typer.launch(setup_link or settings.public_url or address)

    try:
        serve(settings, announce, lambda text: say(f"  {text} …"))
    finally:
        remove_run_file(settings.home)


def status(context: typer.Context, home: Home = None, as_json: Json = False) -> None:
    """Show the servers of this data folder, its database, where that keeps its data, and the newest dump."""
    from crewhall.faces.cli.storage import Storage, look_at_storage
    from crewhall.kernel.postgres import EmbeddedPostgres
    from crewhall.kernel.settings import KernelSettings, load_settings

    name_home(home)
    settings = load_settings(KernelSettings)
    servers = [{"pid": one.pid, "address": one.address, "version": one.version} for one in find_running(settings.home)]
    database: dict[str, Any] = {"kind": "external"}
    storage: Storage | None = None
    if settings.database_url is None:
        database = {"kind": "embedded", "pid": None, "version": None}
        if settings.home.exists():
            found = EmbeddedPostgres(settings.home, run_as=settings.database_user).status()
            database |= {"pid": found.pid, "version": found.version, "data": found.data and str(found.data)}
            storage = look_at_storage(settings.home, settings.database_user, found)
            database["dump"] = storage.dump
    if wants_json(context, as_json):
        say_json({"home": str(settings.home), "servers": servers, "database": database})
    else:
        for server in servers:
            say(f"Serving at {server['address']} (pid {server['pid']}, version {server['version']})")
        if not servers:
            say(f"Nothing is served from {settings.home}. Start it: crewhall up")
        if database["kind"] == "embedded":
            state = f"runs (pid {database['pid']})" if database["pid"] else "is stopped"
            say(f"Embedded Postgres {state}")
        if storage is not None:
            say(f"  data: {storage.describe_data()}")
            say(f"  dump: {storage.describe_dump()}")
    if not servers:
        raise SystemExit(Exit.NOT_REACHABLE)


def stop(context: typer.Context, home: Home = None, as_json: Json = False) -> None:
    """Stop the servers of this data folder, and its database when it was left running."""
    from crewhall.kernel.postgres import EmbeddedPostgres
    from crewhall.kernel.settings import KernelSettings, load_settings

    name_home(home)
    settings = load_settings(KernelSettings)
    servers = find_running(settings.home)
    for server in servers:
        os.kill(server.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_WITHIN_S
    while find_running(settings.home):
        if time.monotonic() > deadline:
            fail(f"A server did not stop within {STOP_WITHIN_S:.0f} s. See its log, or end it with kill -9.")
        time.sleep(LOOK_EVERY_S)
    database = False
    if settings.database_url is None and settings.home.exists():
        database = EmbeddedPostgres(settings.home, run_as=settings.database_user).stop()
    if wants_json(context, as_json):
        say_json({"stopped": [server.pid for server in servers], "database_stopped": database})
    elif servers or database:
        say("Stopped.")
    else:
        say("Nothing was running.")


def name_home(home: Path | None) -> None:
    """Let the whole process use the data folder that a flag names."""
    if home is not None:
        os.environ["CREWHALL_HOME"] = str(home.expanduser().absolute())
