"""Parsers of an agent's open data: what they take, what they refuse, and that they never fail otherwise."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.agents.codes import code_from_name
from crewhall.agents.persona import next_version
from crewhall.agents.publickey import D, P, check_public_key
from crewhall.agents.shapes import MAX_JSON_DEPTH, check_model_config, check_scheduling_config, check_slugs
from crewhall.kernel.errors import CrewhallError


def refused(check: Any, value: Any) -> bool:
    try:
        check(value)
    except CrewhallError as error:
        return error.code == "invalid" and bool(error.detail)
    return False


@given(st.text(max_size=300))
def test_every_name_gives_a_code_that_the_database_takes(name: str):
    code = code_from_name(name)
    assert 1 <= len(code) <= 100
    assert set(code) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


HOURS = ["9-17", "09:30-17:45", "22-6", "0-24"]
NO_HOURS = ["9", "9-9", "25-26", "9-24:30", "9:60-10", "nine-five", "9-17\n"]


@pytest.mark.parametrize("hours", [*HOURS, {"mon": "9-17", "sun": "10-12"}])
def test_working_hours_are_taken(hours: Any):
    check_scheduling_config({"working_hours": hours, "timezone": "America/New_York"})


@pytest.mark.parametrize("hours", [*NO_HOURS, {"monday": "9-17"}, {"mon": "9"}, 9, ["9-17"]])
def test_other_working_hours_are_refused(hours: Any):
    assert refused(check_scheduling_config, {"working_hours": hours})


@pytest.mark.parametrize(
    "schedule",
    [{"timezone": "Nowhere"}, {"timezone": "../etc"}, {"enabled": "yes"}, {"often": 1}, {"cron": "0 9 * * *"}],
)
def test_other_schedules_are_refused(schedule: Any):
    assert refused(check_scheduling_config, schedule)


@pytest.mark.parametrize(
    "model", [{}, {"provider": "p", "model": "m", "temperature": 0}, {"temperature": 2, "seed": 7}]
)
def test_model_configurations_are_taken(model: Any):
    check_model_config(model)


@pytest.mark.parametrize("model", [{"temperature": -0.1}, {"temperature": "hot"}, {"model": ""}, {"max_tokens": 0}])
def test_other_model_configurations_are_refused(model: Any):
    assert refused(check_model_config, model)


def test_slugs_lose_repetitions_and_keep_their_order():
    assert check_slugs(["web.search", "a", "web.search", "b_c-d"], "tools") == ["web.search", "a", "b_c-d"]


@pytest.mark.parametrize("slug", ["", "A", "a b", "-a", "a-", "a--b", "a\n", "ä", "x" * 51])
def test_other_slugs_are_refused(slug: str):
    assert refused(lambda value: check_slugs([value], "tools"), slug)


def encoded(y: int) -> str:
    return base64.b64encode(y.to_bytes(32, "little")).decode()


# The public keys of RFC 8032, section 7.1, tests 1 and 2.
@pytest.mark.parametrize("key", ["d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                                 "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"])  # fmt: skip
def test_ed25519_public_keys_are_taken_in_either_alphabet(key: str):
    raw = bytes.fromhex(key)
    canonical = base64.b64encode(raw).decode()
    assert check_public_key(canonical) == canonical
    assert check_public_key(base64.urlsafe_b64encode(raw).decode()) == canonical


ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022


@pytest.mark.parametrize("y", [0, 1, P - 1, P, P + 1, 2**255 - 1, 2, ORDER_8, P - ORDER_8])
def test_no_point_weak_points_and_unreduced_ones_are_refused(y: int):
    assert refused(check_public_key, encoded(y))


def test_the_weak_point_is_weak():
    """Its double has order four: y = 0."""
    square = (ORDER_8**2 - 1) * pow(D * ORDER_8**2 + 1, -1, P) % P
    doubled_y = (ORDER_8**2 + square) * pow(2 + square - ORDER_8**2, -1, P) % P
    assert doubled_y == 0


@given(st.binary(max_size=40) | st.text(max_size=60))
def test_no_input_breaks_the_key_parser(value: bytes | str):
    text = value if isinstance(value, str) else base64.b64encode(value).decode()
    assert refused(check_public_key, text) or len(base64.b64decode(check_public_key(text))) == 32


def test_versions_rise_by_a_minor_number():
    assert [next_version(version) for version in ("1.0.0", "1.9.7", "0.0.1")] == ["1.1.0", "1.10.0", "0.1.0"]


def nested(depth: int) -> dict[str, Any]:
    """An object in which objects and arrays lie `depth` levels deep."""
    value: Any = 1
    for level in range(depth - 1):
        value = {"a": value} if level % 2 else [value]
    return {"a": value}


def test_a_model_configuration_is_as_deep_as_it_may_be_and_no_deeper():
    check_model_config(nested(MAX_JSON_DEPTH))
    for depth in (MAX_JSON_DEPTH + 1, 900):
        assert refused(check_model_config, nested(depth))
