"""Citations of an answer: numbers that were given stay and count on, what is invented goes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.conversations import render_markdown
from crewhall.runtime.citing import Source, cite, links_of

GIVEN = {
    number: Source(number=number, id=f"chunk-{number}", title=f"Page {number}", url=f"/documents/d?chunk={number}")
    for number in range(1, 6)
}


@pytest.mark.parametrize(
    ("written", "posted", "named"),
    [
        ("Due in 30 days [3].", "Due in 30 days [1].", ["chunk-3"]),
        ("One [4], two[2], one again [4].", "One [1], two[2], one again [1].", ["chunk-4", "chunk-2"]),
        ("Both [2, 5].", "Both [1] [2].", ["chunk-2", "chunk-5"]),
        ("Both [2][5].", "Both [1] [2].", ["chunk-2", "chunk-5"]),
        ("All [1-3].", "All [1] [2] [3].", ["chunk-1", "chunk-2", "chunk-3"]),
        ("Here [^2] and 【3】.", "Here [1] and [2].", ["chunk-2", "chunk-3"]),
        ("With a link [2](https://evil.example/x).", "With a link [1].", ["chunk-2"]),
        ("Invented [7].", "Invented.", []),
        ("Half of it [1, 9].", "Half of it [1].", ["chunk-1"]),
        ("In code `a[1]` and\n```\nb[2] [3]\n```\nnot.", "In code `a[1]` and\n```\nb[2] [3]\n```\nnot.", []),
        ("[9]", "[9]", []),
        ("The first is items[0] [1].", "The first is items[0] [1].", ["chunk-1"]),
        ("Due [3].\n\n[3]: Page 3", "Due [1].\n\n[1]: Page 3", ["chunk-3"]),
        ("Nothing at all.", "Nothing at all.", []),
        ("A [link](https://example.org) and a [9](https://example.org).",
         "A [link](https://example.org) and a [9](https://example.org).", []),
    ],
)  # fmt: skip
def test_numbers_are_held_against_what_was_given(written: str, posted: str, named: list[str]):
    answer = cite(written, GIVEN)
    assert answer.text == posted
    assert [one.id for one in answer.sources] == named
    assert [one.number for one in answer.sources] == list(range(1, len(named) + 1))


def test_a_text_of_a_turn_that_was_given_nothing_stays_as_it_is():
    assert cite("see [1] and [2]", {}).text == "see [1] and [2]"


@given(st.lists(st.sampled_from(["[1]", "[2,3]", "[9]", "[4-8]", "`[2]`", " word", "\n", "```", "[x](y)", "["])))
def test_every_number_that_is_posted_names_a_source(pieces: list[str]):
    answer = cite("said " + "".join(pieces), GIVEN)
    outside = re.sub(r"```.*?(?:```|\Z)|`[^`\n]*`", "", answer.text, flags=re.DOTALL)
    numbers = {int(one) for one in re.findall(r"\[(\d+)\](?!\()", outside)}
    assert numbers == {one.number for one in answer.sources}
    assert len({one.id for one in answer.sources}) == len(answer.sources)


def test_the_numbers_of_a_message_are_links_of_their_own():
    answer = cite("Due [3] [5], says [the site](https://example.org).", GIVEN)
    html = render_markdown(answer.text, (), links_of(answer.sources, "https://hall.test"))
    assert re.findall(r'<a href="([^"]*)" title="([^"]*)"[^>]*>(\d)</a>', html) == [
        ("https://hall.test/documents/d?chunk=3", "Page 3", "1"),
        ("https://hall.test/documents/d?chunk=5", "Page 5", "2"),
    ]
