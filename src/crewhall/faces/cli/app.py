"""The command `crewhall`. Heavy libraries are imported by the commands that need them, when they run."""

import sys

import typer

from crewhall.faces.cli.configuration import config, doctor, rules
from crewhall.faces.cli.output import fail
from crewhall.faces.cli.serving import status, stop, up
from crewhall.kernel.errors import CrewhallError

app = typer.Typer(
    name="crewhall",
    help="The place where people and AI agents work as one organization.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


for command in (up, status, stop, config, doctor, rules):
    app.command()(command)


def main() -> None:
    """Run a command; an error is one sentence with its code on standard error."""
    try:
        app()
    except CrewhallError as error:
        mend = error.fields.get("mend")
        fail(f"{error.detail}" + (f"\n{mend}" if mend and mend not in error.detail else ""), error.code)
    except KeyboardInterrupt:
        sys.exit(130)
