"""Quiet hours and times of the day, by wall clocks that are set forward and back."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.notifications.quiet import minutes_of, next_at, quiet_until, wall_of

BERLIN, APIA, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Apia"), ZoneInfo("Australia/Lord_Howe")
NIGHT = (minutes_of("22:00"), minutes_of("07:00"))


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    """A moment of a zone's clock, in UTC as everywhere else."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-22T21:59", None),
        ("2026-11-22T22:00", "2026-11-23T07:00"),
        ("2026-11-23T06:59", "2026-11-23T07:00"),
        ("2026-11-23T07:00", None),
        ("2026-03-28T23:00", "2026-03-29T07:00"),  # the night in which the clocks are set forward
        ("2026-10-24T23:00", "2026-10-25T07:00"),  # and back
    ],
)
def test_a_night_ends_at_its_hour_of_the_wall_clock(now: str, until: str | None):
    assert quiet_until(BERLIN, *NIGHT, at(now)) == (at(until) if until else None)


def test_hours_within_a_day_and_none_at_all():
    noon = (minutes_of("12:00"), minutes_of("13:30"))
    assert quiet_until(BERLIN, *noon, at("2026-11-22T13:00")) == at("2026-11-22T13:30")
    assert quiet_until(BERLIN, *noon, at("2026-11-22T13:30")) is None
    assert quiet_until(BERLIN, None, None, at("2026-11-22T13:00")) is None
    assert quiet_until(BERLIN, 60, 60, at("2026-11-22T01:00")) is None


def test_a_time_that_the_clock_leaps_over_or_shows_twice_comes_once():
    half_past_two = minutes_of("02:30")
    forward = next_at(BERLIN, half_past_two, at("2026-03-29T00:00"))
    assert forward.astimezone(BERLIN).isoformat() == "2026-03-29T03:00:00+02:00"
    first = next_at(BERLIN, half_past_two, at("2026-10-25T00:00"))
    assert first.astimezone(UTC).isoformat() == "2026-10-25T00:30:00+00:00"
    assert next_at(BERLIN, half_past_two, first).astimezone(BERLIN).date().isoformat() == "2026-10-26"


@given(
    st.sampled_from([BERLIN, APIA, LORD_HOWE, ZoneInfo("UTC"), ZoneInfo("America/St_Johns")]),
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.datetimes(datetime(2010, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_quiet_hours_always_end_and_within_a_day_and_a_leap(zone: ZoneInfo, start: int, end: int, now: datetime):
    until = quiet_until(zone, start, end, now)
    if until is not None:
        assert timedelta() < until - now <= timedelta(hours=49)  # Apia has left out a day
        after = quiet_until(zone, start, end, until)
        assert after is None or after > until
    daily = next_at(zone, start, now)
    assert timedelta() < daily - now <= timedelta(hours=49)


def test_readings_and_minutes_are_the_same():
    assert [wall_of(minutes_of(wall)) for wall in ("00:00", "07:05", "23:59")] == ["00:00", "07:05", "23:59"]
