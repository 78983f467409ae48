import pytest

from crewhall.knowledge.formats.pdf_text import joined
from crewhall.knowledge.passages import Block, Progress
from tests.knowledge.reading import CODE, HEADING, LIST, TABLE, TEXT, about, blocks, extracted
from tests.support.pdfs import Sheet, Words, column, pdf

PROSE = [
    "The roaster is cleaned after every third batch, and the cooling",
    "tray before each of them, because oil of the beans that stays on",
    "warm metal becomes rancid and is tasted in what is roasted next.",
]


def test_pages_titles_and_progress():
    data = pdf([Sheet(column(PROSE)), Sheet(column(["Further on."]))], title="The manual")
    said = about(data)
    assert (said.title, said.pages) == ("The manual", 2)
    found = extracted(data)
    assert [(one.done, one.total, one.unit) for one in found if isinstance(one, Progress)] == [
        (1, 2, "page"),
        (2, 2, "page"),
    ]
    assert [(one.page, one.text) for one in found if isinstance(one, Block)] == [
        (1, " ".join(PROSE)),
        (2, "Further on."),
    ]


def test_headings_are_larger_or_listed_by_the_document_itself():
    page = Sheet([
        Words(72, 740, "Roasting", 20), Words(72, 700, "Cleaning the drum", 13), *column(PROSE, up=680),
        Words(72, 600, "Spare parts", 10, "F2"), *column(PROSE, up=580),
    ])  # fmt: skip
    plain = [(kind, text) for kind, text in blocks(pdf([page])) if kind is HEADING]
    assert plain == [(HEADING, "# Roasting"), (HEADING, "## Cleaning the drum")]
    listed = [text for kind, text in blocks(pdf([page], outline=[("Spare  parts", 0)])) if kind is HEADING]
    assert listed == ["# Roasting", "## Cleaning the drum", "# Spare parts"]


def test_paragraphs_lists_and_cut_words_are_put_together():
    lines = ["A fourth cylin-", "der is oiled.", "• the drum", "• the tray, and what", "is below it"]
    found = blocks(pdf([Sheet(column(lines) + column(PROSE, up=600))]))
    assert found[:2] == [
        (TEXT, "A fourth cylinder is oiled."),
        (LIST, "- the drum\n- the tray, and what is below it"),
    ]


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        (["hyphen-", "ated"], "hyphenated"),
        (["Jean-", "Paul"], "Jean- Paul"),
        (["soft\xad", "ened"], "softened"),
        (["日本", "語"], "日本語"),
    ],
)
def test_lines_are_joined_as_their_language_has_it(lines: list[str], whole: str):
    assert joined(lines) == whole


def test_two_columns_are_read_one_after_the_other():
    left = [f"Left column, line {one}, of a certain length" for one in "abcdefghij"]
    right = [f"Right column, line {one}, of some length" for one in "abcdefghij"]
    words = [words for pair in zip(column(left, 60), column(right, 330), strict=True) for words in pair]
    head = Words(60, 740, "What goes over both of the columns, from the left to the right of it", 16)
    ((_, title), *rest) = blocks(pdf([Sheet([head, *words])]))
    assert title.startswith("# What goes over both")
    text = " ".join(text for _, text in rest)
    assert text.index("Left column, line j") < text.index("Right column, line a")


def test_a_table_is_a_table():
    rows = [
        ("Part", "Number", "Price"),
        ("Drum", "12-7", "340.00"),
        ("Tray", "12-9", "80.50"),
        ("Motor", "44-1", "610.00"),
    ]
    words = [
        Words(72 + 150 * at, 700 - 14 * row, cell) for row, cells in enumerate(rows) for at, cell in enumerate(cells)
    ]
    tables = [text for kind, text in blocks(pdf([Sheet(words + column(PROSE, up=600))])) if kind is TABLE]
    (table,) = tables
    assert table.splitlines()[:3] == ["| Part | Number | Price |", "| --- | --- | --- |", "| Drum | 12-7 | 340.00 |"]
    assert table.endswith("| Motor | 44-1 | 610.00 |")


def test_code_is_told_by_letters_that_are_equally_wide():
    typed = [Words(72, 600, "if warm:", 10, "F3"), Words(96, 588, "open(drum)", 10, "F3")]
    within = [Words(72, 500, "drum.toml", 10, "F3"), Words(130, 500, "says how warm it is to be.")]
    found = blocks(pdf([Sheet([*column(PROSE), *typed, *column(PROSE, up=550), *within])]))
    assert found[1] == (CODE, "```\nif warm:\n    open(drum)\n```")
    assert found[3] == (TEXT, "drum.toml says how warm it is to be.")
    assert [kind for kind, _ in blocks(pdf([Sheet(column(PROSE, font="F3"))]))] == [TEXT]


def test_running_titles_and_page_numbers_belong_to_no_text():
    texts = ["Grind it.", "Brew it.", "Pour it.", "Drink it.", "Wash up."]
    pages = [
        Sheet(
            [
                Words(72, 770, "Handbook of coffee" if at % 2 else "Chapter 3"),
                *column([text]),
                Words(300, 30, f"{at + 11}"),
            ]
        )
        for at, text in enumerate(texts)
    ]
    assert [text for _, text in blocks(pdf(pages))] == texts


def test_what_heads_its_page_is_kept_though_it_counts_like_pages():
    pages = [Sheet([Words(72, 750, f"Exercise {at}", 20), *column([f"Do number {at}.", *PROSE])]) for at in range(1, 5)]
    assert [text for kind, text in blocks(pdf(pages)) if kind is HEADING] == [f"# Exercise {at}" for at in range(1, 5)]


def test_a_paragraph_goes_on_over_the_page():
    pages = [Sheet(column([*PROSE, "Nothing of it"])), Sheet(column(["is to be left."]))]
    assert [text for _, text in blocks(pdf(pages))] == [" ".join([*PROSE, "Nothing of it is to be left."])]
