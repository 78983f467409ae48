"""`status`, `stop`: which processes of a data folder run, and their end."""

import os
import signal
import time
from typing import Any

import typer

from crewhall.faces.cli.context import Json, wants_json
from crewhall.faces.cli.output import Exit, fail, say, say_json
from crewhall.faces.cli.runfile import find_running
from crewhall.faces.cli.serving import Home, name_home

STOP_WITHIN_S = 10.0
"""So long beyond what requests and turns are given to end."""
LOOK_EVERY_S = 0.1


def status(context: typer.Context, home: Home = None, as_json: Json = False) -> None:
    """Show the processes of this data folder, its database, where that keeps its data, and the newest dump."""
    from crewhall.faces.cli.storage import describe_data, describe_dump
    from crewhall.kernel.postgres import EmbeddedPostgres
    from crewhall.kernel.postgres.storage import Storage, look_at_storage
    from crewhall.kernel.settings import KernelSettings, load_settings

    name_home(home)
    settings = load_settings(KernelSettings)
    processes = find_running(settings.home)
    is_served = any(one.kind.serves for one in processes)
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
        say_json({"home": str(settings.home), "processes": processes, "database": database})
    else:
        for one in processes:
            what = "Serving at" if one.kind.serves else f"A {one.kind} runs, its health at"
            say(f"{what} {one.address} (pid {one.pid}, version {one.version})")
        if not is_served:
            say(f"Nothing is served from {settings.home}. Start it: crewhall up")
        if database["kind"] == "embedded":
            state = f"runs (pid {database['pid']})" if database["pid"] else "is stopped"
            say(f"Embedded Postgres {state}")
        if storage is not None:
            say(f"  data: {describe_data(storage)}")
            say(f"  dump: {describe_dump(storage)}")
    if not is_served:
        raise SystemExit(Exit.NOT_REACHABLE)


def stop(context: typer.Context, home: Home = None, as_json: Json = False) -> None:
    """Stop the processes of this data folder, and its database when it was left running."""
    from crewhall.kernel.postgres import EmbeddedPostgres
    from crewhall.kernel.settings import KernelSettings, load_settings

    name_home(home)
    settings = load_settings(KernelSettings)
    processes = find_running(settings.home)
    for one in processes:
        os.kill(one.pid, signal.SIGTERM)
    within = STOP_WITHIN_S + settings.drain_wait_s + 2 * settings.drain_s
    deadline = time.monotonic() + within
    while left := find_running(settings.home):
        if time.monotonic() > deadline:
            which = ", ".join(f"{one.kind} {one.pid}" for one in left)
            fail(f"Still running after {within:.0f} s: {which}. See their logs, or end them with kill -9.")
        time.sleep(LOOK_EVERY_S)
    database = False
    if settings.database_url is None and settings.home.exists():
        database = EmbeddedPostgres(settings.home, run_as=settings.database_user).stop()
    if wants_json(context, as_json):
        say_json({"stopped": [one.pid for one in processes], "database_stopped": database})
    elif processes or database:
        say("Stopped.")
    else:
        say("Nothing was running.")
