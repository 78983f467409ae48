"""Moments as people write them after `/later`."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.conversations.moments import local_moment, read_moment

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 13, 30, tzinfo=UTC)  # a Sunday; 14:30 in Berlin


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20m", "2026-11-22 14:50"), ("in 2h", "2026-11-22 16:30"), ("3 d", "2026-11-25 14:30"),
        ("15:00", "2026-11-22 15:00"), ("9:00", "2026-11-23 09:00"), ("at 3:05 pm", "2026-11-22 15:05"),
        ("tomorrow", "2026-11-23 09:00"), ("tomorrow 17:45", "2026-11-23 17:45"), ("Monday at 8", "2026-11-23 08:00"),
        ("sunday", "2026-11-29 09:00"), ("2027-07-01 12am", "2027-07-01 00:00"),
    ],
)  # fmt: skip
def test_a_moment_and_what_follows_it(text: str, moment: str):
    found = read_moment(f" {text} see  you\nthere", NOW, BERLIN)
    assert found is not None
    assert (f"{found[0].astimezone(BERLIN):%Y-%m-%d %H:%M}", found[1]) == (moment, "see  you\nthere")


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00 x", "20mx", "2026-02-30", "tomorrow 13pm", "7 apples", "9999-12-31 23:00", "0001-01-01"]
)
def test_what_is_no_moment(text: str):
    assert read_moment(text, NOW, BERLIN) is None


def test_the_clock_of_the_wall_decides_where_it_is_set_forward():
    assert local_moment("2027-03-28T02:30", BERLIN) == datetime(2027, 3, 28, 1, tzinfo=UTC)
    assert local_moment("2027-07-01T09:00", BERLIN) == datetime(2027, 7, 1, 7, tzinfo=UTC)
    assert local_moment("tomorrow", BERLIN) is None
    assert local_moment("9999-12-31T23:30", BERLIN) is None


@given(st.text(max_size=30), st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1)))  # noqa: DTZ001
def test_any_text_is_read_or_not(text: str, now: datetime):
    now = now.replace(tzinfo=UTC)
    found = read_moment(text, now, BERLIN)
    assert found is None or found[0].utcoffset() == timedelta(0)
