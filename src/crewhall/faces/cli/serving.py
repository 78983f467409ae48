"""`up`, `serve`, `worker`, `projector`: the processes of a data folder."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from crewhall.faces.cli.output import say, warn
from crewhall.faces.cli.runfile import Running, remove_run_file, write_run_file
from crewhall.kernel.process_kinds import ProcessKind
from crewhall.version import VERSION

Home = Annotated[Path | None, typer.Option(help="Data folder (CREWHALL_HOME).")]
Host = Annotated[str | None, typer.Option(help="Address to listen on (CREWHALL_HOST).")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one (CREWHALL_PORT).")]
HealthHost = Annotated[str | None, typer.Option(help="Address of /health and /metrics (CREWHALL_HEALTH_HOST).")]
HealthPort = Annotated[int | None, typer.Option(help="Their port; 0 picks a free one (CREWHALL_HEALTH_PORT).")]
DatabaseUrl = Annotated[str | None, typer.Option(help="External Postgres (CREWHALL_DATABASE_URL).")]
DatabaseAdminUrl = Annotated[str | None, typer.Option(help="Its migrating role.")]
PublicUrl = Annotated[str | None, typer.Option(help="Address that people use, behind a proxy.")]
LogLevel = Annotated[str | None, typer.Option(help="debug, info, warning or error.")]


def up(
    host: Host = None,
    port: Port = None,
    home: Home = None,
    database_url: DatabaseUrl = None,
    database_admin_url: DatabaseAdminUrl = None,
    public_url: PublicUrl = None,
    log_level: LogLevel = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the browser when it is ready.")] = False,
) -> None:
    """Do everything in one process, in the foreground: the database, the API, the pages, the work.

    Ctrl-C or SIGTERM stops cleanly.
    """
    flags = {
        "host": host, "port": port, "database_url": database_url, "database_admin_url": database_admin_url,
        "public_url": public_url, "log_level": log_level,
    }  # fmt: skip
    run_process(ProcessKind.UP, home, flags, open_browser=open_browser)


def serve(
    host: Host = None,
    port: Port = None,
    home: Home = None,
    database_url: DatabaseUrl = None,
    database_admin_url: DatabaseAdminUrl = None,
    public_url: PublicUrl = None,
    log_level: LogLevel = None,
) -> None:
    """Serve people and agents alone: pages, the API, live connections. The work is left to `crewhall worker`."""
    flags = {
        "host": host, "port": port, "database_url": database_url, "database_admin_url": database_admin_url,
        "public_url": public_url, "log_level": log_level,
    }  # fmt: skip
    run_process(ProcessKind.SERVE, home, flags)


def worker(
    health_host: HealthHost = None,
    health_port: HealthPort = None,
    home: Home = None,
    database_url: DatabaseUrl = None,
    database_admin_url: DatabaseAdminUrl = None,
    public_url: PublicUrl = None,
    log_level: LogLevel = None,
) -> None:
    """Do the work alone: turns, search, documents, imports, GitHub, KPIs, clocks. It answers /health and /metrics."""
    flags = {
        "health_host": health_host, "health_port": health_port, "database_url": database_url,
        "database_admin_url": database_admin_url, "public_url": public_url, "log_level": log_level,
    }  # fmt: skip
    run_process(ProcessKind.WORKER, home, flags)


def projector(
    health_host: HealthHost = None,
    health_port: HealthPort = None,
    home: Home = None,
    database_url: DatabaseUrl = None,
    database_admin_url: DatabaseAdminUrl = None,
    log_level: LogLevel = None,
) -> None:
    """Write what Kafka holds into the database, and keep its topics (CREWHALL_LOG=kafka).

    Any number share the topics, and one must run beside `crewhall serve`. It answers /health and /metrics.
    """
    name_home(home)
    from crewhall.main.log import check_kafka

    check_kafka()
    flags = {
        "health_host": health_host, "health_port": health_port, "database_url": database_url,
        "database_admin_url": database_admin_url, "log_level": log_level,
    }  # fmt: skip
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
