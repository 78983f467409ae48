"""Each format, from real files that its library wrote."""

import io
import zipfile
from datetime import date, datetime

import docx
import openpyxl
import pptx
import pytest
from docx.oxml.ns import qn
from pptx.util import Inches

from crewhall.knowledge.passages import Block, Progress
from crewhall.knowledge.vocabulary import Unit
from tests.knowledge.reading import CODE, HEADING, LIST, TABLE, TEXT, about, blocks, extracted


def saved(document) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_word_has_headings_lists_tables_and_what_was_inserted():
    made = docx.Document()
    made.core_properties.title = "Handbook"
    made.add_heading("Handbook", 0)
    made.add_heading("Cleaning", 2)
    paragraph = made.add_paragraph("The drum is ")
    inserted = paragraph._p.makeelement(qn("w:ins"), {})
    inserted.append(paragraph.add_run("thoroughly ")._r)
    paragraph._p.append(inserted)
    paragraph.add_run("cleaned.")
    made.add_paragraph("first", style="List Number")
    made.add_paragraph("second", style="List Number")
    made.add_paragraph("a thing", style="List Bullet")
    table = made.add_table(3, 2)
    for at, text in enumerate(["Part", "Price", "Drum | steel", "340", "Tray", "80"]):
        table.cell(at // 2, at % 2).text = text
    made.add_paragraph("# no heading")
    data = saved(made)
    assert about(data).title == "Handbook"
    assert blocks(data) == [
        (HEADING, "# Handbook"),
        (HEADING, "## Cleaning"),
        (TEXT, "The drum is thoroughly cleaned."),
        (LIST, "1. first\n2. second\n- a thing"),
        (TABLE, "| Part | Price |\n| --- | --- |\n| Drum \\| steel | 340 |\n| Tray | 80 |"),
        (TEXT, "\\# no heading"),
    ]


def test_sheets_are_tables_in_groups_of_rows_with_their_header():
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Stock"
    sheet.append(["What is there"])
    sheet.append([])
    sheet.append(["Bean", "Bags", "Share", "Day", "Sum"])
    for at in range(450):
        sheet.append([f"Kind {at}", at, 0.125, date(2026, 11, 23), "=B4*2"])
    sheet["C4"].number_format = "0.0%"
    sheet["D5"] = datetime(2026, 11, 23, 8, 30)  # noqa: DTZ001 - sheets know no zones
    book.create_sheet("Hidden").sheet_state = "hidden"
    book["Hidden"].append(["secret", "1"])
    found = extracted(saved(book))
    texts = [one.text for one in found if isinstance(one, Block)]
    assert texts[:2] == ["## Stock", "What is there"]
    tables = texts[2:]
    assert len(tables) == 3
    assert all(
        one.startswith("| Bean | Bags | Share | Day | Sum |\n| --- | --- | --- | --- | --- |\n") for one in tables
    )
    assert tables[0].splitlines()[2:4] == [
        "| Kind 0 | 0 | 12.5% | 2026-11-23 |  |",
        "| Kind 1 | 1 | 0.125 | 2026-11-23 08:30 |  |",
    ]
    assert "secret" not in "".join(texts)
    assert found[-1] == Progress(done=1, total=1, unit=Unit.SHEET)


def test_what_formulas_gave_is_read():
    book = openpyxl.Workbook()
    book.active.append(["Sum", "Twice"])
    book.active.append([2, "=A2*2"])
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(book))) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(
                name,
                old.read(name)
                .replace(b"<f>A2*2</f><v />", b"<f>A2*2</f><v>4</v>")
                .replace(b"<f>A2*2</f><v></v>", b"<f>A2*2</f><v>4</v>"),
            )
    assert blocks(out.getvalue())[1:] == [(TABLE, "| Sum | Twice |\n| --- | --- |\n| 2 | 4 |")]


def test_slides_have_titles_points_tables_and_notes():
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Plan"
    slide.placeholders[1].text = "Roast\nBrew"
    slide.placeholders[1].text_frame.paragraphs[1].level = 1
    slide.notes_slide.notes_text_frame.text = "Speak slowly."
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(5), Inches(4), Inches(1)).table
    for at, text in enumerate(["Who", "When", "Ada", "Monday"]):
        table.cell(at // 2, at % 2).text = text
    deck.slides.add_slide(deck.slide_layouts[6])
    data = saved(deck)
    found = [(one.kind, one.text, one.page) for one in extracted(data) if isinstance(one, Block)]
    assert found == [
        (HEADING, "## Plan", 1),
        (LIST, "- Roast\n    - Brew", 1),
        (TABLE, "| Who | When |\n| --- | --- |\n| Ada | Monday |", 1),
        (TEXT, "Notes: Speak slowly.", 1),
        (HEADING, "## Slide 2", 2),
    ]
    assert about(data).pages == 2


def test_open_document():
    content = """<o:document-content xmlns:o="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
      xmlns:t="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
      xmlns:b="urn:oasis:names:tc:opendocument:xmlns:table:1.0"><o:body><o:text>
      <t:h t:outline-level="2">Beans</t:h><t:p>Two<t:s t:c="2"/><t:span>kinds</t:span>.</t:p>
      <t:list><t:list-item><t:p>one</t:p>
      <t:list><t:list-item><t:p>deeper</t:p></t:list-item></t:list></t:list-item></t:list>
      <b:table><b:table-row><b:table-cell><t:p>A</t:p></b:table-cell><b:table-cell><t:p>B</t:p></b:table-cell></b:table-row></b:table>
      </o:text></o:body></o:document-content>"""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", content)
    assert blocks(out.getvalue()) == [
        (HEADING, "## Beans"), (TEXT, "Two  kinds."), (LIST, "- one\n    - deeper"), (TABLE, "| A | B |\n| --- | --- |")
    ]  # fmt: skip


def test_a_web_page_gives_what_is_its_own():
    page = """<!doctype html><html><head><title>Beans &amp; more</title><style>p{}</style></head><body>
      <nav><a href=/>Home</a></nav><script>alert(1)</script><main><h1>Beans</h1><p>Two <b>kinds</b> are
      <a href="/x">sold</a>.<br>Only two.</p><ul><li>Arabica<ol><li>washed</li></ol></li><li>Robusta</li></ul>
      <table><tr><th>Kind</th><th>Price</th></tr><tr><td>Arabica</td><td>12</td></tr></table>
      <pre><code class="language-python">if x:\n    y()</code></pre><blockquote>Good!</blockquote><p hidden>no</p>
      <p>%s</p></main><footer>Imprint</footer></body></html>""" % ("They keep for long. " * 12)
    data = page.encode()
    assert about(data).title == "Beans & more"
    assert blocks(data)[:-1] == [
        (HEADING, "# Beans"), (TEXT, "Two kinds are sold.\nOnly two."), (LIST, "- Arabica\n    1. washed\n- Robusta"),
        (TABLE, "| Kind | Price |\n| --- | --- |\n| Arabica | 12 |"), (CODE, "```python\nif x:\n    y()\n```"),
        (TEXT, "> Good!"),
    ]  # fmt: skip


def test_markdown_keeps_its_blocks():
    text = (
        "---\ntitle: Beans\n---\n# Beans\n\nTwo *kinds*.\nOnly.\n\nSold\n====\n- one\n- two\n\n"
        "| A | B |\n|---|---|\n| 1 | 2 |\n\n```sql\nselect 1;\n\nselect 2;\n```\n"
    )
    assert about(text.encode(), "a.md").title == "Beans"
    assert blocks(text.encode(), "a.md") == [
        (HEADING, "# Beans"), (TEXT, "Two *kinds*.\nOnly."), (HEADING, "# Sold"), (LIST, "- one\n- two"),
        (TABLE, "| A | B |\n|---|---|\n| 1 | 2 |"), (CODE, "```sql\nselect 1;\n\nselect 2;\n```"),
    ]  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_tables_as_text_whatever_stands_between_cells(delimiter: str):
    rows = [["Bean", "Note"], ["Arabica", "washed, dry; both"], ["Robusta", 'two\n"lines"']]
    text = "\n".join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    assert blocks(text.encode(), "a.csv") == [
        (TABLE, '| Bean | Note |\n| --- | --- |\n| Arabica | washed, dry; both |\n| Robusta | two "lines" |')
    ]


def test_code_stays_in_fences_that_fit():
    functions = [f"def f{at}():\n    return '''\n{'x' * 40}\n'''\n\n" for at in range(60)]
    found = blocks("".join(functions).encode(), "a.py")
    assert len(found) > 1
    assert all(kind is CODE and text.startswith("```python\ndef ") and text.endswith("\n```") for kind, text in found)
    assert blocks(b"`````\n````\n", "a.toml") == [(CODE, "``````toml\n`````\n````\n``````")]
    assert blocks(b'{"a": 1}', "", "application/json") == [(CODE, '```json\n{"a": 1}\n```')]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp1251"])
def test_text_of_any_encoding(encoding: str):
    text = (
        "Съешь же ещё этих мягких французских булок, да выпей чаю. Это обычный русский текст. "
        if encoding == "cp1251"
        else "Größe und Gewicht der Bohnen müssen übereinstimmen, sonst wird nachgeröstet. "
    )
    assert blocks((text * 5).encode(encoding), "a.txt") == [(TEXT, (text * 5).strip())]


def test_plain_text_means_nothing_by_its_signs():
    assert blocks(b"# of bags: 4\r\n> 3\r\n\r\n---\r\nnext\x0cpage", "a.txt") == [
        (TEXT, "\\# of bags: 4\n\\> 3"),
        (TEXT, "\\---\nnext\npage"),
    ]
