"""Reference pages and schemas of records, from the code: `make docs` writes them, `--check` tells what is stale."""

import inspect
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from crewhall.adapters.kafka.records import VERSION, KafkaRecord
from crewhall.faces.cli.variables import CLIENT
from crewhall.faces.sdk.client import DEFAULT_URL
from crewhall.kernel.errors import KINDS
from crewhall.kernel.rules import list_rules
from crewhall.kernel.settings import ENV_PREFIX, CrewhallSettings
from crewhall.runtime.topic_records import RECORDS
from crewhall.runtime.topic_records import VERSION as TOPICS_VERSION
from scripts.commands import commands_page
from scripts.modules import import_all

DOCS = Path(__file__).parents[1] / "docs"
MADE = "<!-- Written by `make docs` from the code: change it there. -->"


def settings_page() -> str:
    """Every setting of every package."""
    lines = head(
        "Settings",
        """
        A setting `port` is read from the flag `--port` where [`crewhall up`](cli.md) has one, from the environment
        variable `CREWHALL_PORT`, or from `port = …` in the file `crewhall.toml` of the data folder
        (`CREWHALL_CONFIG` names another file); the first of these that is given counts. `crewhall config` prints
        what is in force, with secrets masked.
        """,
    )
    for kind in sorted(
        CrewhallSettings.registry, key=lambda kind: (kind.__module__ != "crewhall.kernel.settings", kind.__module__)
    ):
        lines += ["", f"## {first_line(kind)}", "", *table(("Variable", "Default", "Meaning"), setting_rows(kind))]
    lines += ["", "## What clients read", "", *table(("Variable", "Default", "Meaning"), client_rows())]
    return page(lines)


def client_rows() -> Iterable[tuple[str, ...]]:
    """What programs that speak to a server read."""
    for variable in CLIENT:
        default = f"`{DEFAULT_URL}`" if variable.name == "CREWHALL_URL" else "not set"
        yield f"`{variable.name}`", default, variable.meaning


def setting_rows(kind: type[CrewhallSettings]) -> Iterable[tuple[str, ...]]:
    """Variable, default and meaning of each field."""
    for name, field in kind.model_fields.items():
        yield f"`{ENV_PREFIX}{name.upper()}`", default_of(field), field.description or ""


def default_of(field: FieldInfo) -> str:
    """The default as one would write it; a computed one is described by the function that computes it."""
    if field.default_factory is not None:
        return first_line(field.default_factory)
    if field.default in {None, ""}:
        return "not set"
    return "required" if field.default is PydanticUndefined else f"`{field.default}`"


def errors_page() -> str:
    """Every code that an answer may carry."""
    lines = head(
        "Errors",
        """
        Every refusal carries a stable code, a sentence that says what to do, and a request id. Over HTTP it is a
        problem document (RFC 9457) whose `code` is one of these; on a live connection it is a frame of type
        `error`; the command line prints the sentence and ends with a code other than 0.
        """,
    )
    rows = ((f"`{code}`", str(kind.status), kind.title) for code, kind in sorted(KINDS.items()))
    lines += ["", *table(("Code", "Status", "Title"), rows)]
    return page(lines)


def events_page() -> str:
    """Every fact that a domain tells the others."""
    lines = head(
        "Events",
        """
        A domain reacts to another by subscribing to its events (`crewhall.kernel.events`). Handlers run in the
        transaction in which it happened: either everything happens or nothing.
        """,
    )
    for name, module in sorted(sys.modules.items()):
        if name.startswith("crewhall.") and name.endswith(".events") and name != "crewhall.kernel.events":
            lines += ["", f"## `{name}`", ""]
            lines += table(("Event", "Carries", "Told when"), event_rows(vars(module), name))
    return page(lines)


def event_rows(members: dict[str, Any], module: str) -> Iterable[tuple[str, ...]]:
    """Name, fields and meaning of the structs that a module defines."""
    for name, kind in members.items():
        if inspect.isclass(kind) and issubclass(kind, msgspec.Struct) and kind.__module__ == module:
            yield f"`{name}`", ", ".join(f"`{field}`" for field in kind.__struct_fields__), first_line(kind)


def rules_page() -> str:
    """Every rule, and how many passing tests show it."""
    lines = head(
        "Rules",
        """
        Each line is a promise. A rule is kept when breaking it through any face is refused with a clear error, and
        a test shows both the allowed and the refused case. `crewhall rules` lists them with their tests. Those
        without a test, and what is said to be not there yet, wait for parts of the product that are still to come.
        """,
    )
    chapter = ""
    for rule in list_rules():
        if rule.chapter != chapter:
            chapter = rule.chapter
            lines += ["", f"## {rule.number[0]} — {chapter}", ""]
        lines.append(f"- **{rule.number}** {rule.text}" + (f" *Not there yet: {rule.awaits}*" if rule.awaits else ""))
    return page(lines)


def head(title: str, introduction: str) -> list[str]:
    """The lines that open a page."""
    return [f"# {title}", "", MADE, "", *inspect.cleandoc(introduction).splitlines()]


def first_line(documented: object) -> str:
    """The first line of a docstring, without its full stop."""
    return (inspect.getdoc(documented) or "").split("\n", 1)[0].rstrip(".")


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """The lines of a Markdown table."""
    cells = [head, tuple("---" for _ in head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]


def page(lines: list[str]) -> str:
    """The text of a page."""
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": commands_page,
    "errors.md": errors_page,
    "events.md": events_page,
    "rules.md": rules_page,
    "settings.md": settings_page,
}


def schema_of(name: str, kind: type[msgspec.Struct]) -> str:
    """The JSON Schema of a record; its id ends with the version, as records say it in their header."""
    version = VERSION if kind is KafkaRecord else TOPICS_VERSION
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://crewhall.dev/schemas/{name}/{version}",
        **msgspec.json.schema(kind),
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


SCHEMAS: dict[str, type[msgspec.Struct]] = {"kafka-conversation": KafkaRecord, **RECORDS}
"""Records that others read or write, by the name of the file that describes them."""


def main() -> int:
    """Write the pages, or with `--check` say which ones differ from the code."""
    import_all()
    made = {DOCS / name: write() for name, write in PAGES.items()}
    made |= {DOCS / "schemas" / f"{name}.json": schema_of(name, kind) for name, kind in SCHEMAS.items()}
    stale = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        print(
            "\n".join(f"docs/{path.relative_to(DOCS)} is out of date: run `make docs`" for path in stale),
            end="\n" if stale else "",
        )
        return int(bool(stale))
    (DOCS / "schemas").mkdir(exist_ok=True)
    for path in stale:
        path.write_text(made[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
