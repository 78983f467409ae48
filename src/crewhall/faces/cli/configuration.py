"""`config`, `doctor`, `rules`: what the server would run with, what is wrong with that, and what it promises."""

import os
from typing import Annotated, Any

import typer

from crewhall.faces.cli.output import Exit, fail, say, say_json, say_table
from crewhall.faces.cli.serving import AsJson, Home, name_home


def config(home: Home = None, as_json: AsJson = False) -> None:
    """Show every setting, its value (secrets masked) and where it comes from."""
    import crewhall.main  # noqa: F401 - brings in every package's settings
    from crewhall.kernel.settings import ENV_PREFIX, CrewhallSettings, load_settings, read_settings_file

    name_home(home)
    in_file = read_settings_file()
    shown: list[dict[str, Any]] = []
    for kind in CrewhallSettings.registry:
        values = load_settings(kind)
        for name, field in kind.model_fields.items():
            variable = ENV_PREFIX + name.upper()
            by_flag = name == "home" and home is not None
            source = (
                "flag"
                if by_flag
                else "environment"
                if os.environ.get(variable)
                else "file"
                if name in in_file
                else "default"
            )
            value = getattr(values, name)
            shown.append(
                {
                    "setting": variable,
                    "value": None if value is None else str(value),
                    "source": source,
                    "meaning": field.description or "",
                }
            )
    shown.sort(key=lambda row: str(row["setting"]))
    if as_json:
        say_json(shown)
        return
    rows = [[row["setting"], row["value"] if row["value"] is not None else "–", row["source"]] for row in shown]
    say_table(["Setting", "Value", "From"], rows)


def doctor(home: Home = None, as_json: AsJson = False) -> None:
    """Check the data folder, the port, the database, the disk and the settings; say how to mend what is wrong.

    Ends with 1 when something is wrong; what it only warns of is no reason.
    """
    from crewhall.faces.cli.checkup import look

    name_home(home)
    findings = list(look())
    if as_json:
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
    number: Annotated[str | None, typer.Argument(help="One rule, with the tests that show it kept.")] = None,
    untested: Annotated[bool, typer.Option(help="Only rules without a passing test.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the rules that Crewhall keeps, and which of them have a passing test."""
    from crewhall.kernel.rules import find_rule, list_rules

    if number is not None:
        rule = find_rule(number)
        if rule is None:
            fail(f"There is no rule {number}. `crewhall rules` lists them.", exit_code=Exit.USAGE)
        if as_json:
            say_json(rule)
            return
        say(f"{rule.number}  {rule.text}")
        for test in rule.tests:
            say(f"  ✓ {test}")
        if not rule.tests:
            say("  No passing test yet.")
        return
    found = [rule for rule in list_rules() if not (untested and rule.is_tested)]
    if as_json:
        say_json(found)
        return
    say_table(
        ["Rule", "Tested", "Promise"], [[rule.number, "✓" if rule.is_tested else "", rule.text] for rule in found]
    )
