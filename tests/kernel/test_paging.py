"""Cursors survive the round trip; damaged ones are refused."""

from contextlib import suppress
from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.paging import check_limit, decode_cursor, encode_cursor, page_of


@given(st.uuids(), st.text(max_size=40), st.integers(-(2**53), 2**53), st.datetimes())
def test_a_cursor_comes_back_as_it_was(key: UUID, text: str, number: int, moment: datetime) -> None:
    cursor = encode_cursor(key, text, number, moment)
    assert decode_cursor(cursor, UUID, str, int, datetime) == (key, text, number, moment)


@given(st.text(max_size=600))
def test_any_other_text_is_refused_or_read_but_never_crashes(text: str) -> None:
    with suppress(CrewhallError):
        decode_cursor(text, UUID)


def test_the_extra_row_only_tells_that_there_is_more() -> None:
    page = page_of([1, 2, 3], 2, lambda row: (row,))
    assert page.items == [1, 2]
    assert decode_cursor(page.next, int) == (2,)
    assert page_of([1, 2], 2, lambda row: (row,)).next is None


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_a_limit_outside_its_range_is_refused(limit: int) -> None:
    with pytest.raises(CrewhallError):
        check_limit(limit)
