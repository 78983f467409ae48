"""Cron expressions: what is taken, and the moments that they name, over changes of the clocks."""

from datetime import UTC, datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewhall.kernel.cron import check_cron, occurrences, upcoming
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.wallclock import check_timezone, instants_of
from crewhall.runtime.schedule_clock import latest_due

BERLIN = "Europe/Berlin"
ZONES = (BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC", "Africa/Casablanca")
TURNS = (datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 4, 4, tzinfo=UTC))


def is_refused(expression: str) -> bool:
    try:
        check_cron(expression)
    except CrewhallError as error:
        return error.code == "invalid" and error.fields["field"] == "cron"
    return False


def walls(expression: str, start: str, count: int, zone: str = BERLIN) -> list[str]:
    after = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone))
    return [
        one.astimezone(ZoneInfo(zone)).strftime("%d %H:%M%z")[:-2] for one in upcoming(expression, zone, after, count)
    ]


@pytest.mark.parametrize("cron", ["* * * * *", "0 9 * * 1-5", "*/15 0,12 1-15/2 1-12 0-7", "59 23 31 12 7"])
def test_cron_expressions_are_taken(cron: str):
    check_cron(cron)
    assert len(upcoming(cron, BERLIN, datetime(2026, 1, 1, tzinfo=UTC), 2)) == 2


@pytest.mark.parametrize("cron", ["", "* * * *", "60 * * * *", "* 24 * * *", "5-1 * * * *", "*/0 * * * *", "a * * * *",
                                  "* * 0 * *", "1,,2 * * * *", "٣ * * * *", "@daily", "0 0 0 * * *"])  # fmt: skip
def test_other_cron_expressions_are_refused(cron: str):
    assert is_refused(cron)


@given(st.text(max_size=40))
def test_no_text_breaks_the_cron_parser(text: str):
    assert is_refused(text) or len(text.split()) == 5


@pytest.mark.rule("B11")
@pytest.mark.parametrize(
    ("cron", "start", "moments"),
    [
        ("30 2 * * *", "2026-03-28T12:00", ["29 03:00+02", "30 02:30+02"]),  # skipped: once, when the clock is set
        ("*/20 2 * * *", "2026-03-29T00:00", ["29 03:00+02", "30 02:00+02"]),
        ("30 2 * * *", "2026-10-24T12:00", ["25 02:30+02", "26 02:30+01"]),  # comes twice: the first time alone
        ("*/30 2 * * *", "2026-10-25T00:00", ["25 02:00+02", "25 02:30+02", "26 02:00+01"]),
        ("0 * * * *", "2026-03-29T00:30", ["29 01:00+01", "29 03:00+02", "29 04:00+02"]),  # every hour that passes
        ("0 * * * *", "2026-10-25T01:30", ["25 02:00+02", "25 02:00+01", "25 03:00+01"]),
        ("0 9 13 * 5", "2026-11-01T00:00", ["06 09:00+01", "13 09:00+01", "20 09:00+01"]),  # either day
        ("0 9 29 2 *", "2026-11-01T00:00", ["29 09:00+01"]),
    ],
)
def test_moments_keep_to_the_clock_of_the_wall(cron: str, start: str, moments: list[str]):
    assert walls(cron, start, len(moments)) == moments


def test_what_never_comes_ends_and_no_timezone_is_refused():
    assert upcoming("0 0 31 2 *", "UTC", datetime(2026, 1, 1, tzinfo=UTC), 1) == []
    check_timezone(BERLIN)
    with pytest.raises(CrewhallError):
        check_timezone("Europe/Nowhere")


def by_hand(minutes: set[int], hours: set[int], zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """Every minute of a wall's days, asked one by one."""
    day = start.astimezone(zone).date() - timedelta(days=1)
    found = set()
    while day <= end.astimezone(zone).date() + timedelta(days=1):
        for hour in hours:
            for minute in minutes:
                found.add(instants_of(zone, datetime.combine(day, time(hour, minute)))[0])
        day += timedelta(days=1)
    return sorted(one for one in found if start < one <= end)


@pytest.mark.rule("B11")
@settings(max_examples=60)
@given(
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=3),
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=4),
    zone=st.sampled_from(ZONES),
    turn=st.sampled_from(TURNS),
    minute=st.integers(0, 2 * 24 * 60),
)
def test_named_hours_come_once_a_day_whatever_the_clocks_do(
    minutes: set[int], hours: set[int], zone: str, turn: datetime, minute: int
):
    expression = f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * *"
    start, end = turn + timedelta(minutes=minute), turn + timedelta(days=3)
    found = list(takewhile(lambda moment: moment <= end, occurrences(expression, zone, start)))
    assert found == by_hand(minutes, hours, ZoneInfo(zone), start, end)


@settings(max_examples=40)
@given(late=st.integers(0, 400), step=st.sampled_from([1, 7, 20]), grace=st.integers(0, 90))
def test_the_latest_moment_within_the_grace_is_made_up_for(late: int, step: int, grace: int):
    first = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    now, cron = first + timedelta(minutes=late, seconds=5), f"*/{step} * * * *"
    found = latest_due(cron, "UTC", first, now, timedelta(minutes=grace))
    passed = [first, *takewhile(lambda moment: moment <= now, occurrences(cron, "UTC", first))]
    assert found == (passed[-1] if now - passed[-1] <= timedelta(minutes=grace) else None)
