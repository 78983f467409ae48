"""Files that are not what they seem, or ask for more than they are worth: each ends in a clear state."""

import io
import random
import zipfile
from collections.abc import Callable

import docx
import openpyxl
import pptx
import pytest
from msgspec.structs import replace
from PIL import Image

from crewhall.knowledge.formats import read
from crewhall.knowledge.formats.ocr import Ocr
from crewhall.knowledge.formats.source import Reason, Refused
from tests.knowledge.reading import blocks, extracted, source
from tests.support.pdfs import Sheet, column, pdf

SOME = Sheet(column(["Some text that stands on the page."]))
BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>&c;</w:t></w:r></w:p></w:body></w:document>"""


def saved(document) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def word() -> bytes:
    made = docx.Document()
    made.add_paragraph("Some text.")
    return saved(made)


def sheets() -> bytes:
    made = openpyxl.Workbook()
    made.active.append(["Some", "text"])
    return saved(made)


def slides() -> bytes:
    made = pptx.Presentation()
    made.slides.add_slide(made.slide_layouts[5]).shapes.title.text = "Some text"
    return saved(made)


def replaced(data: bytes, name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An office file with another content of one of its parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", method) as new:
        for one in old.namelist():
            new.writestr(one, content if one == name else old.read(one))
    return out.getvalue()


def password(data: bytes) -> bytes:
    """A zip file whose entries say that they are encrypted."""
    changed = bytearray(data)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = changed.find(mark)
        while place >= 0:
            changed[place + at] |= 1
            place = changed.find(mark, place + 4)
    return bytes(changed)


def protected_office() -> bytes:
    """What Office writes for a document with a password: a compound file with a stream of that name."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000) + "EncryptedPackage".encode("utf-16-le") + bytes(2000)


def deep_pages() -> bytes:
    """A PDF whose tree of pages contains itself."""
    data = pdf([SOME])
    return (
        data.replace(b"/Kids [6 0 R]", b"/Kids [2 0 R]")
        if b"/Kids [6 0 R]" in data
        else data.replace(b"/Kids [7 0 R]", b"/Kids [2 0 R]")
    )


@pytest.mark.rule("B8")
@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("locked.pdf", lambda: pdf([SOME], locked=True), Reason.ENCRYPTED),
        ("locked.docx", lambda: password(word()), Reason.ENCRYPTED),
        ("office.docx", lambda: protected_office(), Reason.ENCRYPTED),
        ("old.doc", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4000), Reason.UNSUPPORTED),
        ("cut.pdf", lambda: b"%PDF-1.7\n%garbage", Reason.DAMAGED),
        ("cut.docx", lambda: word()[:9000], Reason.DAMAGED),
        ("cut.xlsx", lambda: sheets()[:2000], Reason.DAMAGED),
        ("cut.png", lambda: b"\x89PNG\r\n\x1a\n" + bytes(40), Reason.UNSUPPORTED),
        ("bomb.docx", lambda: replaced(word(), "word/document.xml", BOMB), Reason.DAMAGED),
        ("bomb.xlsx", lambda: replaced(sheets(), "xl/worksheets/sheet1.xml", bytes(50_000_000)), Reason.TOO_LARGE),
        ("bomb.pptx", lambda: replaced(slides(), "ppt/presentation.xml", b" " * 30_000_000), Reason.TOO_LARGE),
        ("noise.docx", lambda: replaced(word(), "word/document.xml", b"<w:document"), Reason.DAMAGED),
        ("empty.txt", lambda: b"", Reason.EMPTY),
        ("white.txt", lambda: b" \n\t\r\n", Reason.EMPTY),
        ("nothing.txt", lambda: bytes(100), Reason.EMPTY),
        ("empty.pdf", lambda: pdf([Sheet()]), Reason.EMPTY),
        ("empty.docx", lambda: saved(docx.Document()), Reason.EMPTY),
        ("empty.html", lambda: b"<html><script>text()</script></html>", Reason.EMPTY),
        ("archive.zip", lambda: word().replace(b"word/document.xml", b"word/documents.xm"), Reason.UNSUPPORTED),
        ("song.mp3", lambda: b"ID3" + random.Random(1).randbytes(5000), Reason.UNSUPPORTED),
        ("letter.rtf", lambda: b"{\\rtf1 text}", Reason.UNSUPPORTED),
        ("wide.csv", lambda: b"a," * 1_000_000 + b"\n1", Reason.TOO_LARGE),
    ],
)  # fmt: skip
def test_each_kind_is_refused_in_its_own_words(name: str, make: Callable[[], bytes], reason: Reason):
    data = make()
    with pytest.raises(Refused) as refused:
        extracted(data, name)
    assert refused.value.reason == reason
    assert refused.value.sentence.endswith(".")


def test_what_says_that_it_has_too_many_pages():
    with pytest.raises(Refused) as refused:
        extracted(pdf([SOME] * 4), pages=3)
    assert refused.value.reason == Reason.TOO_LARGE
    assert "3 pages" in refused.value.sentence


def test_a_tree_of_pages_without_end_ends():
    with pytest.raises(Refused) as refused:
        extracted(deep_pages())
    assert refused.value.reason in {Reason.DAMAGED, Reason.EMPTY}
    assert len(blocks(pdf([SOME], count=2_000_000_000))) == 1


def test_bytes_decide_whatever_the_name_says():
    assert "Some text" in blocks(pdf([SOME]), "letter.docx")[0][1]
    assert blocks(word(), "letter.pdf")[0][1] == "Some text."
    assert blocks(b"plain words", "plain.pdf")[0][1] == "plain words"


def test_deep_nesting_is_read_or_left():
    assert "end" in blocks(b"<div>" * 200 + b"end" + b"</div>" * 200, "a.html")[0][1]
    with pytest.raises(Refused):
        extracted(b"<div>" * 20_000 + b"end" + b"</div>" * 20_000, "a.html")
    deep = b"<w:sdt xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'><w:sdtContent>"
    document = (
        b"<w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'><w:body><w:p><w:r><w:t>end</w:t></w:r></w:p>"
        + deep * 100 + b"</w:sdtContent></w:sdt>" * 100 + b"</w:body></w:document>"
    )  # fmt: skip
    assert blocks(replaced(word(), "word/document.xml", document))[0][1] == "end"


def test_no_control_and_no_half_of_a_character_comes_through():
    text = "".join(
        one
        for _, one in blocks(
            "a\0b\x07c\ufeffd\x1be e\u0301".encode() + b"\xed\xa0\x80 \xff z" + " più".encode() * 200, "a.txt"
        )
    )
    assert text.startswith("abcde \u00e9")
    text.encode()
    assert text.isprintable()


def test_a_line_without_end_comes_in_parts():
    found = blocks(b"word " * 200_000, "a.txt")
    assert max(len(text) for _, text in found) <= 16_000
    assert sum(text.count("word") for _, text in found) == 200_000


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch):
    out = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(out, "PNG")
    monkeypatch.setattr(Ocr, "is_there", True)
    with pytest.raises(Refused) as refused:
        list(read(replace(source(out.getvalue()), reads_pictures=True)))
    assert refused.value.reason == Reason.TOO_LARGE
