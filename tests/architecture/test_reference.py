import subprocess
import sys

from tests.architecture.source import ROOT


def test_the_reference_pages_are_those_that_the_code_writes():
    """Settings, errors, events, rules, commands: in a process of its own, free of what other tests define."""
    check = subprocess.run(
        [sys.executable, "-m", "scripts.reference", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert check.stdout + check.stderr == ""
    assert check.returncode == 0
