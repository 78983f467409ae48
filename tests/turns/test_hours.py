"""Working hours, over the days of the week and over changes of the clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.agents import SchedulingConfig
from crewhall.runtime.hours import DAYS, opens_at

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def hours(spans, timezone="Europe/Berlin", enabled=True):
    return SchedulingConfig(enabled=enabled, timezone=timezone, working_hours=spans)


def berlin(text, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).astimezone(UTC)


@pytest.mark.rule("B11")
@pytest.mark.parametrize(
    ("spans", "now", "opens"),
    [
        ("9-17", "2026-11-23T09:00", None),
        ("9-17", "2026-11-23T16:59:59", None),
        ("9-17", "2026-11-23T17:00", "2026-11-24T09:00"),
        ("9-17", "2026-11-23T08:59", "2026-11-23T09:00"),
        ("22:30-6", "2026-11-23T23:00", None),
        ("22:30-6", "2026-11-23T05:59", None),
        ("22:30-6", "2026-11-23T06:00", "2026-11-23T22:30"),
        ("0-24", "2026-11-23T23:59:59", None),
        ({"mon": "9-17"}, "2026-11-23T18:00", "2026-11-30T09:00"),
        ({"mon": "22-6"}, "2026-11-24T05:00", None),
        ({"mon": "22-6"}, "2026-11-24T06:00", "2026-11-30T22:00"),
        ({"sat": "10-12", "sun": "10-12"}, "2026-11-27T11:00", "2026-11-28T10:00"),
    ],
)  # fmt: skip
def test_hours_open_and_close(spans, now, opens):
    assert opens_at(hours(spans), berlin(now)) == (berlin(opens) if opens else None)


def test_without_hours_one_always_works():
    now = berlin("2026-11-23T03:00")
    assert opens_at(hours(None), now) is None
    assert opens_at(hours({}), now) is None
    assert opens_at(hours("9-17", enabled=False), now) is None
    assert opens_at(SchedulingConfig(), now) is None


@pytest.mark.rule("B11")
def test_the_clocks_may_change_meanwhile():
    before_spring = berlin("2026-03-28T17:00")
    assert opens_at(hours("9-17"), before_spring) - before_spring == timedelta(hours=15)
    before_autumn = berlin("2026-10-24T17:00")
    assert opens_at(hours("9-17"), before_autumn) - before_autumn == timedelta(hours=17)


@pytest.mark.rule("B11")
def test_an_hour_that_the_clocks_skip_or_repeat_opens_when_it_comes():
    skipped = opens_at(hours("2:30-5"), berlin("2026-03-29T00:00"))
    assert skipped == berlin("2026-03-29T03:00")
    span = hours("2:30-2:45")
    assert opens_at(span, berlin("2026-10-25T02:00")) == berlin("2026-10-25T02:30")
    assert opens_at(span, berlin("2026-10-25T02:50")) == berlin("2026-10-25T02:30", fold=1)
    assert opens_at(span, berlin("2026-10-25T02:50", fold=1)) == berlin("2026-10-26T02:30")


spans = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda edges: edges[0] != edges[1]).map(
    lambda edges: "-".join(f"{edge // 60}:{edge % 60:02}" for edge in edges)
)  # fmt: skip
schedules = st.builds(
    hours,
    spans | st.dictionaries(st.sampled_from(DAYS), spans, min_size=1),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)


@pytest.mark.rule("B11")
@given(schedules, st.integers(0, 2 * 365 * 86_400).map(lambda seconds: NEW_YEAR + timedelta(seconds=seconds)))
def test_whoever_waits_until_it_opens_finds_it_open_and_no_later_than_need_be(config, now):
    opens = opens_at(config, now)
    if opens is None:
        return
    assert now < opens <= now + timedelta(days=8)
    assert opens_at(config, opens) is None
    assert opens_at(config, opens - timedelta(seconds=1)) is not None
    middle = now + (opens - now) / 2
    assert opens_at(config, middle) == opens
