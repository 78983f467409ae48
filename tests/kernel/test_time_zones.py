"""Time zones are there on a machine that has no database of them, as slim images have none."""

import os
import subprocess
import sys

import pytest

ASK = "from crewhall.agents.shapes import check_scheduling_config as check; check({'timezone': %r})"


@pytest.mark.parametrize(("zone", "is_known"), [("Europe/Berlin", True), ("Europe/Nowhere", False)])
def test_zones_come_with_the_package(zone: str, is_known: bool) -> None:
    asked = subprocess.run(
        [sys.executable, "-c", ASK % zone],
        env=os.environ | {"PYTHONTZPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (asked.returncode == 0) is is_known, asked.stderr
    assert is_known or "no IANA timezone" in asked.stderr
