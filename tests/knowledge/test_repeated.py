"""Passages of one document read one after another: nothing twice, and nothing that cannot be read without it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.conversations import render_markdown
from crewhall.knowledge.chunking import chunk
from crewhall.knowledge.formats.markup import code, tables, texts
from crewhall.knowledge.repeated import without_repeated

ROWS = [[f"pump {number}", "red", "stops at once, whatever the weather is"] for number in range(120)]


def shown(blocks) -> list[str]:
    """The passages of a document as its page shows them."""
    return [without_repeated(one.content, one.overlap) for one in chunk(blocks)]


@pytest.mark.parametrize("header", [["Name", "Colour", "What it does"], ["Name", "Colour", "What it does " * 60]])
def test_each_passage_of_a_long_table_is_a_table_with_all_of_its_rows(header: list[str]):
    passages = shown(tables(header, ROWS))
    assert len(passages) > 5
    html = [render_markdown(one) for one in passages]
    bodies = [one for one in html if "pump " in one]
    assert all(one.count("<table>") == 1 and "| pump" not in one for one in bodies)
    assert "".join(html).count("<td>pump ") == len(ROWS)


def test_each_passage_of_long_code_is_code():
    passages = shown([code("\n".join(f"let lever_{number} = 'red lever number {number}';" for number in range(120)))])
    assert len(passages) > 3
    assert all(render_markdown(one).count("<pre>") == 1 for one in passages)


@pytest.mark.timeout(20)
def test_a_row_of_many_empty_cells_is_judged_at_once():
    content = "| a |\n| - " + "| " * 60 + "x |"
    assert without_repeated(content, 0).endswith(content), "it is no line under a header"


@given(st.lists(st.text("abc |-`.\n", min_size=1, max_size=600), max_size=8))
def test_of_text_nothing_is_lost_and_nothing_said_twice(said: list[str]):
    chunks = list(chunk(block for one in said for block in texts(one)))
    for one in chunks:
        own = one.content[one.overlap :]
        given = without_repeated(one.content, one.overlap)
        assert given.endswith(own.lstrip("\n"))
        assert given in {own, one.content} or "---" in given
