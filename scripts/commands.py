"""The page of the command line, from its own help texts."""

import inspect
from collections.abc import Iterator
from typing import Any

import typer

INTRODUCTION = """# Command line

<!-- Written by `make docs` from the code: change it there. -->

In a checkout it is `.venv/bin/crewhall`, or `crewhall` after `. .venv/bin/activate`.

`crewhall COMMAND --help` says the same. Every command that prints something people read prints JSON with `--json`.
A command that fails prints one sentence and ends with a code: 1 an error, 2 asked wrongly, 3 the server cannot be
reached, 4 nobody is signed in. `--server` (`CREWHALL_URL`) and `--org` (`CREWHALL_ORG`) stand before the command;
`crewhall --version` prints which one it is.
"""


def commands_page() -> str:
    """Every command with its arguments and options."""
    from crewhall.faces.cli.app import app

    parts = [INTRODUCTION]
    for name, command in walk("crewhall", typer.main.get_command(app)):
        parts.append(f"## `{name}`\n\n{inspect.cleandoc(command.help or '')}\n")
        rows = list(parameter_rows(command))
        if rows:
            parts.append("\n".join(["| Argument | Default | Meaning |", "| --- | --- | --- |", *rows]) + "\n")
    return "\n".join(parts)


def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """The commands below a group, by their full names; hidden ones left out."""
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
        return
    for word, child in sorted(children.items()):
        if not child.hidden:
            yield from walk(f"{name} {word}", child)


def parameter_rows(command: Any) -> Iterator[str]:
    """A row for each argument and option but `--help`."""
    for parameter in command.params:
        if parameter.name == "help" or getattr(parameter, "hidden", False):
            continue
        shown = parameter.name.upper() if parameter.param_type_name == "argument" else ", ".join(parameter.opts)
        if parameter.required:
            default = "required"
        elif parameter.default in {None, False, ""} or callable(parameter.default):
            default = ""
        else:
            default = f"`{parameter.default}`"
        meaning = (parameter.help or "").replace("|", "\\|")
        yield f"| `{shown}` | {default} | {meaning} |"
