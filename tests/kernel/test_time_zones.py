"""Time zones are there on a machine that has no database of them, as slim images have none."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from crewhall.faces.plumbing.moments import local

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


def test_a_moment_that_has_no_local_time_is_shown_as_utc_has_it() -> None:
    last = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    assert local(last, ZoneInfo("Asia/Tokyo")) == last
    assert f"{local(datetime(2030, 1, 31, 9, tzinfo=UTC), ZoneInfo('Asia/Tokyo')):%H:%M}" == "18:00"
