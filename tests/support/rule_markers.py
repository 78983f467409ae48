"""Which tests carry `@pytest.mark.rule(…)`, read from their source."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

Rules = set[str]


def marked_tests(root: Path) -> dict[str, set[str]]:
    """The ids (`tests/x/test_y.py::test_z`) of the marked tests below `root`/tests, by rule number."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted((root / "tests").rglob("test_*.py")):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except SyntaxError:  # pytest says so
            continue
        for name, rules in _marked(tree.body, _of_module(tree)):
            for rule in rules:
                found[rule].add(f"{path.relative_to(root).as_posix()}::{name}")
    return dict(found)


def _marked(body: list[ast.stmt], inherited: Rules) -> Iterator[tuple[str, Rules]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield node.name, inherited | _of_all(node.decorator_list)
        elif isinstance(node, ast.ClassDef):
            for name, rules in _marked(node.body, inherited | _of_all(node.decorator_list)):
                yield f"{node.name}::{name}", rules


def _of_module(tree: ast.Module) -> Rules:
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets)
    ]
    return _of_all([mark for value in values for mark in (value.elts if isinstance(value, ast.List) else [value])])


def _of_all(marks: list[ast.expr]) -> Rules:
    return {
        str(argument.value)
        for mark in marks
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.rule"
        for argument in mark.args
        if isinstance(argument, ast.Constant)
    }
