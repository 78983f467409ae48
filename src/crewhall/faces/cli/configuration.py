"""`config`, `doctor`, `rules`: what the server would run with, what is wrong with that, and what it promises."""

import os
from collections.abc import Iterator
from typing import Annotated, NamedTuple

import typer

from crewhall.faces.cli.context import Json, wants_json
from crewhall.faces.cli.output import Exit, fail, say, say_json, say_table
from crewhall.faces.cli.serving import Home, name_home

MASK = "**********"


def config(context: typer.Context, home: Home = None, as_json: Json = False) -> None:
    """Show every setting, its value (secrets masked) and where it comes from."""
    import crewhall.main  # noqa: F401 - brings in every package's settings
    from crewhall.kernel.settings import ENV_PREFIX, CrewhallSettings, load_settings, read_settings_file

    name_home(home)
    in_file = read_settings_file()
    shown: list[Row] = []
    for kind in CrewhallSettings.registry:
        values = load_settings(kind)
        for name, field in kind.model_fields.items():
            variable = ENV_PREFIX + name.upper()
            by_flag = name == "home" and home is not None
            source = "flag" if by_flag else _source(variable, is_in_file=name in in_file)
            shown.append(Row(variable, _shown(getattr(values, name)), source, field.description or ""))
    shown += _client_rows()
    shown.sort(key=lambda row: row.setting)
    if wants_json(context, as_json):
        say_json([row._asdict() for row in shown])
        return
    rows = [[row.setting, row.value if row.value is not None else "–", row.source] for row in shown]
    say_table(["Setting", "Value", "From"], rows)


class Row(NamedTuple):
    """A setting as it is shown; what is empty or not set has the value None."""

    setting: str
    value: str | None
    source: str
    meaning: str


def _client_rows() -> Iterator[Row]:
    """What clients read, beside the settings of the server."""
    from crewhall.faces.cli.variables import CLIENT
    from crewhall.faces.sdk.client import DEFAULT_URL

    for variable in CLIENT:
        value = os.environ.get(variable.name) or (DEFAULT_URL if variable.name == "CREWHALL_URL" else None)
        masked = MASK if variable.is_secret and value else value
        yield Row(variable.name, masked, _source(variable.name), variable.meaning)


def _source(variable: str, *, is_in_file: bool = False) -> str:
    if os.environ.get(variable):
        return "environment"
    return "file" if is_in_file else "default"


def _shown(value: object) -> str | None:
    """The value without what is secret in it: of an address its password, of another secret all."""
    from pydantic import SecretStr

    if not isinstance(value, SecretStr):
        return None if value is None else str(value) or None
    secret = value.get_secret_value()
    if not secret:
        return None
    return _address_shown(secret) if "://" in secret else MASK


def _address_shown(address: str) -> str:
    import psycopg

    from crewhall.kernel.postgres.urls import masked

    try:
        return masked(address)
    except psycopg.ProgrammingError:
        return MASK


def doctor(context: typer.Context, home: Home = None, as_json: Json = False) -> None:
    """Check the data folder, the port, the database, the disk and the settings; say how to mend what is wrong.

    Ends with 1 when something is wrong; what it only warns of is no reason.
    """
    from crewhall.faces.cli.checkup import look

    name_home(home)
    findings = list(look())
    if wants_json(context, as_json):
        say_json(findings)
    else:
        for finding in findings:
            mark = "✗" if not finding.ok else "!" if finding.warning else "✓"
            say(f"{mark} {finding.name}: {finding.detail}")
            if mark != "✓" and finding.mend:
                say(f"    {finding.mend}")
    if not all(finding.ok for finding in findings):
        raise SystemExit(Exit.ERROR)


def rules(
    context: typer.Context,
    number: Annotated[str | None, typer.Argument(help="One rule, with the tests that show it kept.")] = None,
    untested: Annotated[bool, typer.Option(help="Only rules without a passing test.")] = False,
    as_json: Json = False,
) -> None:
    """List the rules that Crewhall keeps, and which of them have a passing test."""
    from crewhall.kernel.rules import find_rule, list_rules

    if number is not None:
        rule = find_rule(number)
        if rule is None:
            fail(f"There is no rule {number}. `crewhall rules` lists them.", exit_code=Exit.USAGE)
        if wants_json(context, as_json):
            say_json(rule)
            return
        say(f"{rule.number}  {rule.text}")
        for test in rule.tests:
            say(f"  ✓ {test}")
        if not rule.tests:
            say("  No passing test yet.")
        if rule.awaits:
            say(f"  Not there yet: {rule.awaits}")
        return
    found = [rule for rule in list_rules() if not (untested and rule.is_tested)]
    if wants_json(context, as_json):
        say_json(found)
        return
    marks = {rule.number: ("in part" if rule.awaits else "✓") if rule.is_tested else "" for rule in found}
    say_table(["Rule", "Tested", "Promise"], [[rule.number, marks[rule.number], rule.text] for rule in found])
