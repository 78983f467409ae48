"""The command `crewhall`. Heavy libraries are imported by the commands that need them, when they run."""

import os
import sys
from typing import Annotated

import typer

from crewhall.faces.cli.agent_topics import topics
from crewhall.faces.cli.agents import agent
from crewhall.faces.cli.approvals import approvals, approve, refuse
from crewhall.faces.cli.apps import apps
from crewhall.faces.cli.budgets import budget, usage
from crewhall.faces.cli.channels import channel
from crewhall.faces.cli.configuration import config, doctor, rules
from crewhall.faces.cli.context import Json, Options
from crewhall.faces.cli.failures import report
from crewhall.faces.cli.files import download, files
from crewhall.faces.cli.github import github
from crewhall.faces.cli.groups import group as groups
from crewhall.faces.cli.groups import share, unshare
from crewhall.faces.cli.hooks import webhook as incoming_webhook
from crewhall.faces.cli.imports import import_group
from crewhall.faces.cli.inbox import inbox, level
from crewhall.faces.cli.installation import installation
from crewhall.faces.cli.knowledge import knowledge_group
from crewhall.faces.cli.kpis import kpis
from crewhall.faces.cli.log import log
from crewhall.faces.cli.mcp import mcp
from crewhall.faces.cli.messages import history, say, search, tail
from crewhall.faces.cli.migrating import migrate
from crewhall.faces.cli.organization import org
from crewhall.faces.cli.output import say as say_line
from crewhall.faces.cli.people import people
from crewhall.faces.cli.pins import pin, pins, unpin
from crewhall.faces.cli.processes import status, stop
from crewhall.faces.cli.projects import project
from crewhall.faces.cli.purging import purge
from crewhall.faces.cli.quick_tasks import quick_task
from crewhall.faces.cli.reading import find, save, saved, star, unread, unsave, unstar, versions
from crewhall.faces.cli.runtimes import runtimes, webhook
from crewhall.faces.cli.schedules import schedule
from crewhall.faces.cli.serving import projector, serve, up, worker
from crewhall.faces.cli.sessions import day, session
from crewhall.faces.cli.signing import login, logout, whoami
from crewhall.faces.cli.tasks import task
from crewhall.faces.cli.timeline import timeline
from crewhall.faces.cli.tokens import token
from crewhall.faces.cli.tool_servers import tool_server
from crewhall.faces.cli.turns import ask, cancel, decisions, runs, show_run, summaries
from crewhall.faces.cli.wiki import wiki
from crewhall.faces.cli.words import drafts, later

HELP = """The place where people and AI agents work as one organization.

Start with `crewhall up`, then `crewhall login`.

Exit codes: 0 well, 1 an error, 2 asked wrongly, 3 the server cannot be reached, 4 nobody is signed in.
"""

app = typer.Typer(
    name="crewhall", help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)

for command in (
    up,
    serve,
    worker,
    projector,
    status,
    installation,
    stop,
    migrate,
    config,
    doctor,
    rules,
    login,
    logout,
    whoami,
    say,
    tail,
    history,
    inbox,
    day,
):
    app.command()(command)
# What begins with a minus is to be left out.
app.command(context_settings={"ignore_unknown_options": True})(search)
for about_files in (files, download):
    app.command()(about_files)
for about_turns in (ask, runs, cancel, decisions, summaries, approvals, approve, refuse, usage, runtimes):
    app.command()(about_turns)
app.command("run")(show_run)
for about_reading in (find, saved, save, unsave, versions, share, unshare):
    app.command()(about_reading)
for about_one in (pins, pin, unpin, star, unstar, unread, level):
    channel.command()(about_one)
agent.add_typer(webhook)
agent.add_typer(topics)
for group in (
    org,
    people,
    agent,
    channel,
    groups,
    token,
    apps,
    budget,
    quick_task,
    schedule,
    drafts,
    later,
    incoming_webhook,
    mcp,
    tool_server,
    github,
    import_group,
    wiki,
    timeline,
    purge,
    knowledge_group,
    project,
    task,
    kpis,
    log,
    session,
):
    app.add_typer(group)


def say_version(asked: bool) -> None:
    """Print the version of this program, when it was asked for."""
    if asked:
        from crewhall.version import VERSION

        say_line(f"crewhall {VERSION}")
        raise typer.Exit


@app.callback(help=HELP)
def options(
    context: typer.Context,
    server: Annotated[str | None, typer.Option(help="Address of the server (CREWHALL_URL).")] = None,
    org: Annotated[str | None, typer.Option(help="Act for this organization, by slug or id (CREWHALL_ORG).")] = None,
    as_json: Json = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=say_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Keep the options that stand before the command."""
    context.obj = Options(server or os.environ.get("CREWHALL_URL"), org or os.environ.get("CREWHALL_ORG"), as_json)


def main() -> None:
    """Run a command; an error is one sentence with its code on standard error."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:  # noqa: BLE001 - a person gets a sentence, not a traceback
        report(error)
