"""What is typed into the search box, read."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.conversations.search_syntax import (
    ONCE,
    Narrowing,
    Operator,
    Query,
    days_of,
    narrowed,
    pieces_of,
    read_query,
)
from crewhall.kernel.errors import CrewhallError

FROM, PLACE = Narrowing(Operator.FROM, "ada"), Narrowing(Operator.IN, "#general")
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(("typed", "query"), [
    ("launch plan", Query("launch plan")),
    ("from:ada launch in:#general plan", Query("launch plan", (FROM, PLACE))),
    ("FROM:ada", Query("", (FROM,))),
    ('in:"Launch plans" x', Query("x", (Narrowing(Operator.IN, "Launch plans"),))),
    ('"from:ada said" -x', Query('"from:ada said" -x')),
    ("-from:ada x", Query("x", (FROM.turned,))), ("a-from:ada", Query("a-from:ada")),
    ("--from:ada", Query("--from:ada")),
    ("from:ada from:bo from:ada -from:ada", Query("", (FROM, Narrowing(Operator.FROM, "bo"), FROM.turned))),
    ("from: ada", Query("from: ada")),
    ("http://from:80 a.from:b", Query("http://from:80 a.from:b")),
    ("to:ada", Query("to:ada")),
])  # fmt: skip
def test_operators_are_told_from_words(typed, query):
    assert read_query(typed) == query


@pytest.mark.parametrize("typed", ["before:2026 before:2025", "-on:today", "-after:2026"])
def test_days_are_given_once_and_never_left_out(typed):
    with pytest.raises(CrewhallError):
        read_query(typed)


words = st.lists(st.sampled_from(["launch", '"a plan"', "-no", "東京", "or"]), max_size=4).map(" ".join)
values = st.text("abc#@-.1 ", min_size=1).map(str.strip).filter(bool)
narrowing = st.builds(
    lambda operator, value, is_left_out: Narrowing(
        operator, " ".join(value.split()), is_left_out and operator not in ONCE
    ),
    st.sampled_from(Operator), values, st.booleans(),
)  # fmt: skip
narrowings = st.lists(
    narrowing, max_size=6, unique_by=lambda one: one.operator if one.operator in ONCE else one
).map(tuple)  # fmt: skip


@given(words, narrowings)
def test_a_query_that_is_written_out_reads_back(text, found):
    query = Query(text, found)
    assert read_query(query.typed) == query
    for one in found:
        assert read_query(query.without(one).typed).narrowings == tuple(other for other in found if other is not one)
        if one.operator not in ONCE:
            assert one.turned in read_query(query.without(one, one.turned).typed).narrowings


def test_what_is_chosen_comes_beside_what_was_typed_but_for_days():
    query = Query("x", (FROM, PLACE, Narrowing(Operator.AFTER, "2025")))
    chosen = [Narrowing(Operator.FROM, "grace"), PLACE, Narrowing(Operator.AFTER, "2026")]
    assert narrowed(query, chosen).typed == "x from:ada from:grace in:#general after:2026"


@pytest.mark.parametrize(("value", "first", "following"), [
    ("2026-11-22", (2026, 11, 22), (2026, 11, 23)), ("2026-11", (2026, 11, 1), (2026, 12, 1)),
    ("2026-12", (2026, 12, 1), (2027, 1, 1)), ("2026", (2026, 1, 1), (2027, 1, 1)),
    ("today", (2026, 11, 22), (2026, 11, 23)), ("Yesterday", (2026, 11, 21), (2026, 11, 22)),
])  # fmt: skip
def test_days_months_and_years(value, first, following):
    assert days_of(value, TODAY) == (date(*first), date(*following))


@pytest.mark.parametrize(
    "value", ["2026-13", "2026-02-30", "soon", "0001", "9999-12-31", "9998", "", "\uff12\uff10\uff12\uff16"]
)
def test_what_is_no_day_is_refused(value):
    with pytest.raises(CrewhallError):
        days_of(value, TODAY)


@given(st.text(max_size=12))
def test_any_text_is_a_day_or_refused(value):
    try:
        first, following = days_of(value, TODAY)
    except CrewhallError:
        return
    assert first < following


def test_pieces_are_of_what_is_wanted():
    assert pieces_of('東京 iPhoneを "大阪 城" -京都 -"神 戸"') == ["東京", "を", "大阪", "城"]
