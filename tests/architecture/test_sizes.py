import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import parsed, python_files, shown

LARGE_FILE, LARGEST_FILE, LARGEST_FUNCTION = 300, 400, 60


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_file_grows_out_of_sight(capsys):
    sizes = {shown(path): lines_of(path) for path in python_files("src", "tests", "scripts", "bench", "examples")}
    large = {name: lines for name, lines in sizes.items() if lines > LARGE_FILE}
    with capsys.disabled():
        if large:
            print(f"\nfiles over {LARGE_FILE} lines: {large}")
    assert {name: lines for name, lines in large.items() if lines > LARGEST_FILE} == {}


def test_no_function_grows_out_of_sight():
    long = {
        shown(path, function): (function.end_lineno or 0) - function.lineno + 1
        for path in python_files("src", "scripts", "bench", "examples")
        for function in functions(path)
    }
    assert {place: lines for place, lines in long.items() if lines > LARGEST_FUNCTION} == {}
