"""Words that close issues."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.work.github.closing import Closing, closings
from crewhall.work.github.pulls import pull_request
from tests.github.hub import example


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Fixes #12", [("", 12)]),
        ("closes: #1, resolved octo/Hall#22 and fix #1", [("", 1), ("octo/hall", 22)]),
        ("Resolves https://github.com/octo/hall/issues/9.", [("octo/hall", 9)]),
        ("prefix #4, fixes#5, fixes 6, see #7, unfixes #8", []),
        ("`fixes #1` and\n```\nfixes #2\n```\n<!-- fixes #3 --> CLOSED #4", [("", 4)]),
        ("fixes #0 fixes #12345678901 fixes #3abc", []),
        (None, []),
    ],
)
def test_the_words_that_github_knows_close(text: str | None, found: list[tuple[str, int]]):
    assert closings(text) == [Closing(*one) for one in found]


@given(st.text(alphabet="fixesclo #`~<!->12\n/:", max_size=400))
def test_any_text_is_read_in_order_and_within_bounds(text: str):
    found = closings(text)
    assert found == sorted(set(found))
    assert len(found) <= 50


def test_a_hostile_text_takes_no_time():
    assert closings("fixes " * 30_000) == []


def test_what_is_merged_elsewhere_than_into_the_default_branch_closes_nothing():
    raw = example("pull_request", "pull_request") | {"body": "Fixes #12"}
    main = raw["base"]["repo"]["default_branch"]
    closes = [pull_request(raw | {"base": raw["base"] | {"ref": ref}}).data["closes"] for ref in (main, "stable")]
    assert closes == [[{"repository": "", "number": 12}], []]
