"""What a file is, what it may be called, and which of its bytes are asked for: pure."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewhall.conversations.byte_ranges import RANGE_REFUSED, is_same, range_of
from crewhall.conversations.file_types import MAX_NAME_LENGTH, MISLABELLED, clean_name, media_type_of
from crewhall.kernel.errors import CrewhallError
from tests.files.making import image


@pytest.mark.rule("B8")
@pytest.mark.parametrize(("head", "name", "found"), [
    (image("PNG"), "a.png", "image/png"), (image("JPEG"), "a", "image/jpeg"), (image("GIF"), "a.gif", "image/gif"),
    (image("WEBP"), "a.jpg", "image/webp"), (image("BMP"), "a.bmp", "image/bmp"),
    (b"%PDF-1.7\n\xe2\xe3", "a.pdf", "application/pdf"),
    (b"%PDF-1.7\n\0", "a", "application/pdf"), (b"plain words", "a.txt", "text/plain"),
    (b"%PDF-1.4\n1 0 obj", "a.pdf", "application/pdf"),
    (b"a,b\n1,2\n", "a.csv", "text/csv"),
    (b'{"a": 1}', "a.json", "application/json"), (b"BM is how it begins", "a", "text/plain"),
    (b"<html><script>alert(1)</script>", "a.txt", "text/html"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "image/svg+xml"),
    (b"\x7fELF\2\1" + b"\0" * 60, "a.txt", "application/octet-stream"), (b"\0\1\2\3", "a", "application/octet-stream"),
    ("Grüße".encode(), "a.md", "text/markdown"),
])  # fmt: skip
def test_what_it_is_is_told_by_its_bytes(head: bytes, name: str, found: str):
    assert media_type_of(head, name) == found


@pytest.mark.rule("B8")
@pytest.mark.parametrize(("head", "name"), [
    (b"<html><script>alert(1)</script>", "cat.png"), (b"plain words", "cat.jpg"),
    (b"\x7fELF\2\1" + b"\0" * 60, "cat.webp"),
    (image("PNG"), "report.pdf"), (b"PK\3\4" + b"\0" * 60, "report.pdf"),
])  # fmt: skip
def test_an_image_or_a_pdf_that_is_none_is_refused(head: bytes, name: str):
    with pytest.raises(CrewhallError) as refused:
        media_type_of(head, name)
    assert refused.value.kind is MISLABELLED


@pytest.mark.parametrize(("name", "cleaned"), [
    ("notes.txt", "notes.txt"), ("../../etc/passwd", "passwd"),
    (r"C:\temp\a.txt", "a.txt"), ("a\r\nb: c.txt", "ab_ c.txt"),
    ("cod\u202egpj.exe", "codgpj.exe"), ("..", "file"), ("", "file"), ("\0", "file"), (" . ", "file"),
    ('a"b.txt', "a_b.txt"),
    ("x" * 300 + ".pdf", "x" * 251 + ".pdf"), ("Bericht für Ö.pdf", "Bericht für Ö.pdf"), ("a/", "a"),
])  # fmt: skip
def test_names_are_made_harmless(name: str, cleaned: str):
    assert clean_name(name) == cleaned


@settings(max_examples=60)
@given(st.text(max_size=300))
def test_no_name_leads_anywhere(name: str):
    cleaned = clean_name(name)
    assert 1 <= len(cleaned) <= MAX_NAME_LENGTH
    assert not set(cleaned) & set('/\\\0\r\n"')
    assert cleaned not in {".", ".."}
    assert clean_name(cleaned) == cleaned


@pytest.mark.parametrize(("asked", "found"), [
    (None, None), ("bytes=0-4", (0, 5)), ("bytes=5-", (5, 10)), ("bytes=-3", (7, 10)), ("bytes=-30", (0, 10)),
    ("bytes=0-99", (0, 10)), ("bytes=9-9", (9, 10)), ("bytes=0-1,4-5", None), ("lines=0-1", None), ("bytes=-", None),
    ("bytes=5-2", None), ("nonsense", None), ("bytes=" + "9" * 40 + "-", None),
])  # fmt: skip
def test_one_range_is_found(asked: str | None, found: tuple[int, int] | None):
    assert range_of(asked, 10) == found


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=11-20", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(asked: str):
    with pytest.raises(CrewhallError) as refused:
        range_of(asked, 10)
    assert refused.value.kind is RANGE_REFUSED


@settings(max_examples=60)
@given(st.integers(0, 40), st.integers(0, 40), st.binary(min_size=1, max_size=20))
def test_a_range_is_the_bytes_that_it_names(first: int, last: int, data: bytes):
    if first >= len(data) or last < first:
        return
    assert range_of(f"bytes={first}-{last}", len(data)) == (first, min(len(data), last + 1))


def test_known_bytes_are_known_by_their_tag():
    assert is_same('"a"', '"a"')
    assert is_same('"b", W/"a"', '"a"')
    assert is_same("*", '"a"')
    assert not is_same('"b"', '"a"')
    assert not is_same(None, '"a"')
