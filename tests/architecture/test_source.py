"""Habits of the house, read from the source."""

import ast
import re

import pytest

from tests.architecture.source import ROOT, parsed, python_files, shown, strings

EXECUTING = {"execute", "executemany", "run", "value", "values", "find", "one", "all", "copy", "stream"}
"""Methods of psycopg and of `kernel.db.Tx` whose first statement argument must be fixed text."""

STATEMENT = re.compile(
    r"\s*(select|insert into|update|delete from|with|alter|create|drop|truncate|grant|call)\s", re.IGNORECASE
)

HTML = re.compile(
    r"</?(a|article|b|body|button|code|div|em|form|h[1-6]|html|input|li|p|script|span|strong|style|table|td|tr|ul)\b[^<>]*>"
)

SHORT_S = 0.1
"""Longest time between two looks at a condition, in seconds."""

UNWELCOME_NAMES = re.compile(r"(^|_)(utils?|helpers?|managers?|misc|common|base)(_|$)")


def is_built(node: ast.expr) -> bool:
    """Whether text is put together at run time: an f-string, `+`, `%` or `.format(…)` of plain strings."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mod) or is_built(node.left) or is_built(node.right)
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "format"
        and isinstance(node.func.value, ast.Constant)
    )


def is_sql(node: ast.AST) -> bool:
    """Whether an f-string opens like a statement."""
    return (
        isinstance(node, ast.JoinedStr)
        and is_built(node)
        and isinstance(node.values[0], ast.Constant)
        and bool(STATEMENT.match(str(node.values[0].value)))
    )


TAKES_NO_PARAMETERS = {"src/crewhall/kernel/postgres/cluster.py"}
"""A statement on the standard input of a single-user Postgres, with a password that holds no quote."""


def test_sql_is_fixed_text():
    """Statements are fixed text with parameters: constants may be joined, values never; names go by psycopg.sql."""
    built = [
        shown(path, node)
        for path in python_files("src")
        for node in ast.walk(parsed(path))
        if (is_sql(node) and shown(path) not in TAKES_NO_PARAMETERS)
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in EXECUTING
            and any(is_built(argument) for argument in node.args[:2])
        )
    ]
    assert built == []


MAKES_HTML = {"src/crewhall/conversations/markdown.py"}
"""Renders Markdown: HTML is what it gives, escaped and sanitised there."""


def test_html_stays_in_templates():
    found = [
        f"{shown(path, node)}: {text.strip()[:60]}"
        for path in python_files("src")
        for node, text in strings(path)
        if shown(path) not in MAKES_HTML and HTML.search(text)
    ]
    assert found == []


def sleeps(tree: ast.AST) -> set[ast.Call]:
    names = {"sleep", "time.sleep", "asyncio.sleep"}
    return {node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) in names}


def is_short(sleep: ast.Call) -> bool:
    length = sleep.args[0]
    return isinstance(length, ast.Constant) and isinstance(length.value, int | float) and length.value <= SHORT_S


def test_tests_wait_for_conditions_never_for_time():
    """A `while` that looks again after a moment waits for its condition; a load that tests start has its own pace."""
    waiting = []
    for path in (path for path in python_files("tests") if path.stem == "conftest" or path.stem.startswith("test_")):
        loops = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.While)]
        polls = {sleep for loop in loops for sleep in sleeps(loop) if is_short(sleep)}
        waiting += [
            shown(path, sleep)
            for sleep in sleeps(parsed(path)) - polls
            if not (isinstance(sleep.args[0], ast.Constant) and sleep.args[0].value == 0)
        ]
    assert waiting == []


def test_files_are_named_by_a_noun():
    named = [shown(path) for path in python_files("src", "tests", "scripts") if UNWELCOME_NAMES.search(path.stem)]
    assert named == []


@pytest.mark.parametrize("folder", ["src", "tests", "scripts", "bench", "examples"])
def test_no_work_is_left_for_a_comment(folder: str):
    left = [
        f"{shown(path)}:{number}"
        for path in python_files(folder)
        if path.parent.name != "architecture"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line)
    ]
    assert left == []


def test_nothing_is_ignored_without_a_code():
    blanket = [
        f"{shown(path)}:{number}"
        for path in python_files("src", "tests", "scripts", "bench", "examples")
        if path.parent.name != "architecture"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"#\s*(type:\s*ignore(?!\[)|noqa(?!:))", line)
    ]
    assert blanket == []


def test_links_between_the_pages_lead_somewhere():
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists()
    ]
    assert broken == []


def test_nobodys_machine_is_named():
    """Paths of a home folder or a checkout work for one person."""
    pages = [*ROOT.glob("*.md"), ROOT / "Makefile", ROOT / "pyproject.toml", *(ROOT / "docs").rglob("*.md")]
    private = re.compile(r"(?<![\w.])/(home|root|Users|work)/\w")
    named = [
        f"{shown(path)}:{number}"
        for path in [*pages, *python_files("src", "tests", "scripts", "bench", "examples")]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if private.search(line)
    ]
    assert named == []
