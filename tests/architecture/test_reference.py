import re
import subprocess
import sys

from tests.architecture.source import DOCS, PACKAGE, ROOT, shown


def test_the_reference_pages_are_those_that_the_code_writes():
    """Settings, errors, events, rules, commands: in a process of its own, free of what other tests define."""
    check = subprocess.run(
        [sys.executable, "-m", "scripts.reference", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert check.stdout + check.stderr == ""
    assert check.returncode == 0


def test_every_variable_that_the_product_speaks_of_is_a_documented_one():
    """In code, templates and messages: advice that names a variable which does not exist helps nobody."""
    documented = (DOCS / "settings.md").read_text(encoding="utf-8")
    named = {
        (shown(path), name)
        for path in PACKAGE.rglob("*")
        if path.suffix in {".py", ".html", ".js", ".sql"}
        for name in re.findall(r"CREWHALL_[A-Z_]*[A-Z](?![A-Z_*])", path.read_text(encoding="utf-8"))
    }
    assert {(place, name) for place, name in named if f"`{name}`" not in documented} == set()
    assert len({name for _, name in named}) > 10
