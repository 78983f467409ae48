"""`up`, `serve`, `worker`, `projector`: the processes of a data folder."""

import inspect
import os
from collections.abc import Callable
from functools import wraps
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any

import typer

from crewhall.faces.cli.output import say, warn
from crewhall.faces.cli.runfile import Running, remove_run_file, write_run_file
from crewhall.kernel.process_kinds import ProcessKind
from crewhall.version import VERSION

Home = Annotated[Path | None, typer.Option(help="Data folder (CREWHALL_HOME).")]
FLAGS: dict[str, Any] = {
    "host": Annotated[str | None, typer.Option(help="Address to listen on (CREWHALL_HOST).")],
    "port": Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one (CREWHALL_PORT).")],
    "health_host": Annotated[str | None, typer.Option(help="Address of /health and /metrics (CREWHALL_HEALTH_HOST).")],
    "health_port": Annotated[int | None, typer.Option(help="Their port; 0 picks a free one (CREWHALL_HEALTH_PORT).")],
    "database_url": Annotated[str | None, typer.Option(help="External Postgres (CREWHALL_DATABASE_URL).")],
    "database_admin_url": Annotated[str | None, typer.Option(help="Its migrating role.")],
    "public_url": Annotated[str | None, typer.Option(help="Address that people use, behind a proxy.")],
    "log_level": Annotated[str | None, typer.Option(help="debug, info, warning or error.")],
}
"""Settings that commands take as options, by their names."""
LISTENS = "host", "port"
IS_ASKED = "health_host", "health_port"
DATABASE = "database_url", "database_admin_url"


def takes(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command these settings as options, before its own; its first parameter is what they were set to."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        _, *own = inspect.signature(command).parameters.values()
        options = [Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=FLAGS[name]) for name in names]
        rest = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in own]

        @wraps(command)
        def run(**given: Any) -> None:
            command({name: given.pop(name) for name in names}, **given)

        run.__signature__ = inspect.Signature([*options, *rest])  # type: ignore[attr-defined]
        return run

    return decorate


@takes(*LISTENS, *DATABASE, "public_url", "log_level")
def up(
    flags: dict[str, Any],
    home: Home = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the browser when it is ready.")] = False,
) -> None:
    """Do everything in one process, in the foreground: the database, the API, the pages, the work.

    Ctrl-C or SIGTERM stops cleanly.
    """
    run_process(ProcessKind.UP, home, flags, open_browser=open_browser)


@takes(*LISTENS, *DATABASE, "public_url", "log_level")
def serve(flags: dict[str, Any], home: Home = None) -> None:
    """Serve people and agents alone: pages, the API, live connections. The work is left to `crewhall worker`."""
    run_process(ProcessKind.SERVE, home, flags)


@takes(*IS_ASKED, *DATABASE, "public_url", "log_level")
def worker(flags: dict[str, Any], home: Home = None) -> None:
    """Do the work alone: turns, search, documents, imports, GitHub, KPIs, clocks. It answers /health and /metrics."""
    run_process(ProcessKind.WORKER, home, flags)


@takes(*IS_ASKED, *DATABASE, "log_level")
def projector(flags: dict[str, Any], home: Home = None) -> None:
    """Write what Kafka holds into the database, and keep its topics (CREWHALL_LOG=kafka).

    Any number share the topics, and one must run beside `crewhall serve`. It answers /health and /metrics.
    """
    name_home(home)
    from crewhall.main.log import check_kafka

    check_kafka()
    run_process(ProcessKind.PROJECTOR, home, flags)


def run_process(kind: ProcessKind, home: Path | None, flags: dict[str, Any], *, open_browser: bool = False) -> None:
    """Run a process in the foreground until a signal, and say in the data folder that it runs. Blocks."""
    name_home(home)
    from crewhall.faces.cli.variables import warn_of_unknown
    from crewhall.kernel.settings import KernelSettings, load_settings
    from crewhall.main import serve as serve_until_told

    settings = load_settings(KernelSettings, **flags)
    for warning in warn_of_unknown():
        warn(warning)

    def announce(address: str, setup_link: str | None) -> None:
        write_run_file(settings.home, Running(os.getpid(), address, VERSION, kind))
        shown = settings.public_url or address
        if kind.serves:
            say(f"Crewhall is ready at {shown}")
        else:
            say(f"This {kind} is ready; how it is: {address}/health/ready")
        if setup_link:
            say(f"Nobody owns it yet. Open this link once to become its owner:\n  {setup_link}")
        say("Press Ctrl-C to stop.")
        if open_browser:
            typer.launch(setup_link or shown)

    try:
        serve_until_told(settings, announce, lambda text: say(f"  {text} …"), kind)
    finally:
        remove_run_file(settings.home)


def name_home(home: Path | None) -> None:
    """Let the whole process use the data folder that a flag names."""
    if home is not None:
        os.environ["CREWHALL_HOME"] = str(home.expanduser().absolute())
