"""Markdown in passing: its words without their marks, in a time that grows with the text alone."""

import time

import pytest

from crewhall.conversations.snippets import readable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("| a | b |\n|---|:-:|\n| 1 | 2 |", "a | b\n 1 | 2"),
        ("above\n\n----\nbelow", "above\n\nbelow"),
        ("a -- b", "a -- b"),
        ("# [Title](https://example.org)", "Title"),
    ],
)
def test_marks_are_left_out(text, shown):
    assert readable(text).replace("  ", " ") == shown


@pytest.mark.parametrize("text", ["-" * 50_000 + "x", "|--" * 20_000 + "x", " \n" * 20_000, "--:" * 20_000 + "x"])
def test_hostile_lines_cost_no_more_than_others(text):
    began = time.process_time()
    readable(text)
    assert time.process_time() - began < 1
