"""Refused values are spoken of in words, on the API and on pages."""

from collections.abc import Iterator
from typing import Any

import pytest

from crewhall.kernel.wording import has_words, in_words
from tests.identity.hall import Org
from tests.support.server import Server


@pytest.mark.parametrize(
    ("said", "worded"),
    [
        (r"Expected `str` matching regex '^[a-z0-9-]+$'", "Use lower-case letters, digits and dashes only."),
        (r"Expected `str` matching regex '^x\\d$'", r"This does not have the form '^x\\d$'."),
        ("Expected `str` of length >= 1", "Fill this in."),
        ("Expected `array` of length >= 2", "This is too short: at least 2."),
        ("Expected `str` of length <= 80", "This is too long: at most 80."),
        ("Invalid enum value 'zz'", "Invalid enum value 'zz'."),
        ("Expected `int | null`, got `str`", "Give a whole number."),
        ("Expected `bool`, got `int`", "Give true or false."),
        ("Expected `int` >= 0", "Give 0 or more."),
        ("Expected `int` <= 20", "This is too large: at most 20."),
        (
            "Expected `datetime` with a timezone component",
            "Say at which offset from UTC: 2030-01-31T09:00:00Z.",
        ),
        ("The slug is taken.", "The slug is taken."),
    ],
)
def test_what_a_library_says_is_put_in_words(said: str, worded: str) -> None:
    assert in_words(said) == worded


async def test_a_blank_message_and_a_wrong_name_say_what_to_do(server: Server, org: Org) -> None:
    channel = await server.general(org)
    blank = await org.owner.api.post(f"/conversations/{channel}/messages", json={"content": "  "})
    assert blank.status_code == 422
    assert blank.json()["detail"] == "content: Fill this in."
    named = await org.owner.api.post("/conversations", json={"kind": "channel", "name": "Big News"})
    assert named.json()["detail"].startswith("name: Use lower-case letters, digits, dashes")


async def test_every_form_that_an_input_must_have_is_put_in_words(server: Server) -> None:
    schemas = (await server.client().get("/openapi.json")).json()["components"]["schemas"]
    patterns = set(_patterns(schemas))
    assert len(patterns) > 5
    assert {pattern for pattern in patterns if not has_words(pattern)} == set()


def _patterns(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(found := value.get("pattern"), str):
            yield found
        for inner in value.values():
            yield from _patterns(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _patterns(inner)
