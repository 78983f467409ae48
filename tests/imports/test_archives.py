"""Hostile archives are refused as a whole, before anything of them is believed."""

import contextlib
import io
import itertools
import json
import re
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewhall.imports import archive as archives
from crewhall.imports import elements, slack
from crewhall.imports.archive import Archive
from crewhall.imports.elements import elements_of
from crewhall.imports.slack import MARKER, SlackExport
from crewhall.kernel.errors import CrewhallError
from tests.imports.exports import channel, packed, said, written

GOOD: dict[str, Any] = {"channels.json": [channel("C1", "general")], "users.json": []}


def with_entry(name: str, content: bytes = b"[]", **fields: Any) -> bytes:
    """An export with one more entry, as no honest program packs it."""
    made = io.BytesIO(packed(GOOD))
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name)
        entry.compress_type = zipfile.ZIP_DEFLATED
        for field, value in fields.items():
            setattr(entry, field, value)
        archive.writestr(entry, content)
    return made.getvalue()


def overlapping() -> bytes:
    """Two entries of the list that are one and the same bytes."""
    content = bytearray(with_entry("general/2020-09-13.json", b"[" + b" " * 5000 + b"]"))
    places = [at for at in range(len(content)) if content[at : at + 4] == b"PK\x01\x02"]
    first = struct.unpack_from("<I", content, places[0] + 42)[0]
    struct.pack_into("<I", content, places[-1] + 42, first)
    return bytes(content)


def many_entries() -> bytes:
    content = bytearray(packed(GOOD))
    at = content.rindex(b"PK\x05\x06")
    struct.pack_into("<II", content, at + 12, 2**31, 0)
    return bytes(content)


def decoy() -> bytes:
    """A list of entries in the large form, whose locator names another, harmless one at the beginning."""
    content = packed(GOOD)
    at = content.rindex(b"PK\x05\x06")
    start, length = struct.unpack_from("<I", content, at + 16)[0], struct.unpack_from("<I", content, at + 12)[0]

    def record(entries: int, length: int) -> bytes:
        fields = (b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, length, start)
        return struct.pack("<4sQHHIIQQQQ", *fields)

    harmless = record(1, length)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return content[:at] + harmless + record(2**31, 2**31) + locator + end


HOSTILE: dict[str, Callable[[], bytes]] = {
    "no zip": lambda: b"hello",
    "empty": lambda: b"",
    "a decoy": decoy,
    "cut off": lambda: packed(GOOD)[:-30],
    "no export": lambda: packed({"notes.json": []}),
    "leads out": lambda: with_entry("../../etc/passwd"),
    "absolute": lambda: with_entry("/etc/passwd"),
    "a drive": lambda: with_entry("C:/windows/x"),
    "a link": lambda: with_entry("general/link", external_attr=(stat.S_IFLNK | 0o777) << 16),
    "a bomb": lambda: with_entry("general/2020-09-13.json", b"[" + b" " * 30_000_000 + b"]"),
    "shared bytes": overlapping,
    "a list too large": many_entries,
    "no list": lambda: packed({**GOOD, "channels.json": {"a": 1}}),
    "too deep": lambda: packed({**GOOD, "users.json": b"[" * 200_000}),
    "an id that is none": lambda: packed({**GOOD, "users.json": [{"id": "../x"}]}),
    "a day that is none": lambda: packed({**GOOD, "general/2020-09-13.json": b'[{"ts": 7}]'}),
}


def look_through(path: Path) -> int:
    opened = Archive(path, MARKER)
    try:
        export = SlackExport(opened)
        return sum(len(day) for one in export.channels for day in export.days(one))
    finally:
        opened.close()


@pytest.mark.parametrize("made", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused(made: Callable[[], bytes], tmp_path: Path):
    with pytest.raises(CrewhallError) as refused:
        look_through(written(tmp_path, made()))
    assert refused.value.kind is archives.ARCHIVE_REFUSED


def test_an_honest_one_is_read_also_from_within_a_folder(tmp_path: Path):
    days = {"general/2020-09-13.json": [said(2, "U1", "b"), said(1, "U1", "a"), {"ts": "never", "text": "x"}]}
    assert look_through(written(tmp_path, packed({**GOOD, **days}))) == 2
    folded = {f"acme export/{name}": content for name, content in {**GOOD, **days}.items()}
    assert look_through(written(tmp_path, packed({**folded, "__MACOSX/acme export/._users.json": b"\0"}))) == 2


def test_a_program_is_whom_the_list_of_people_says(tmp_path: Path):
    users = [{"id": "UBUILD", "is_bot": True, "profile": {"bot_id": "B1"}}]
    days = {"general/2020-09-13.json": [{**said(1, "", "Built"), "user": None, "bot_id": "B1", "username": "Build"}]}
    opened = Archive(written(tmp_path, packed({**GOOD, "users.json": users, **days})), MARKER)
    with contextlib.closing(opened):
        export = SlackExport(opened)
        assert [one.user for day in export.days(export.channels[0]) for one in day] == ["UBUILD"]


def test_what_is_larger_than_it_says_is_not_read_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archives, "MAX_TEXT", 1000)
    content = packed({**GOOD, "general/2020-09-13.json": [said(n, "U1", f"{n}" * 40) for n in range(40)]})
    with pytest.raises(CrewhallError) as refused:
        look_through(written(tmp_path, content))
    assert "larger than" in refused.value.detail


LIST: list[Any] = [{"a": [1, {"b": 'x]}"\\'}], "c": "é"}, {}, {"d": {"e": [[]]}}]


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("text", [json.dumps(LIST), json.dumps(LIST, indent=1, ensure_ascii=False), " [ ] \n"])
def test_a_list_is_read_object_by_object_however_it_is_cut(text: str, size: int):
    data = text.encode()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert [json.loads(one) for one in elements_of(pieces)] == json.loads(text)


@pytest.mark.parametrize("text", ["", "[", "]", "{}", "[1]", '["a",{}]', "[{} {}]", "[{},]", "[{}][]", "[{}", "[{]}]"])
def test_what_is_no_list_of_objects_is_refused(text: str):
    with pytest.raises(ValueError, match=r"no list|Expecting"):
        [json.loads(one) for one in elements_of([text.encode()])]


def test_an_object_is_as_large_as_fits_into_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(elements, "MAX_ELEMENT", 100)
    endless = itertools.chain([b'[{"a": "'], itertools.repeat(b"x" * 60, 5))
    with pytest.raises(ValueError, match="larger than"):
        list(elements_of(endless))


def test_what_is_small_and_much_is_refused_before_it_fills_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(elements, "MAX_NESTED", 30)
    assert list(elements_of([b"[{}," + b"{}," * 40 + b"{}]"]))
    with pytest.raises(ValueError, match="more than 30 lists"):
        list(elements_of([b'[{"files":[' + b"{}," * 29 + b"{}]}]"]))
    monkeypatch.setattr(elements, "MAX_BRACKETS", 40)
    with pytest.raises(ValueError, match="lists and objects"):
        list(elements_of([b"[" + b"{}," * 40 + b"{}]"]))
    monkeypatch.setattr(slack, "MAX_PARTS", 5)
    for much in ({"files": [{}, {}]}, {"attachments": [{}, {}]}, {"reactions": [{"name": "a", "users": ["U1"]}]}):
        day = [{**said(n, "U1", "x"), **much} for n in range(3)]
        with pytest.raises(CrewhallError, match="more than 5 members"):
            look_through(written(tmp_path, packed({**GOOD, "general/2020-09-13.json": day})))
    with pytest.raises(CrewhallError, match="more than 5 members"):
        look_through(written(tmp_path, packed({**GOOD, "groups.json": [channel("C1", "general", members=["U1"] * 6)]})))


def test_a_long_string_is_looked_at_once(monkeypatch: pytest.MonkeyPatch):
    looked, past = [], elements._past

    def counted(pattern: re.Pattern[bytes], text: bytes, at: int) -> re.Match[bytes]:
        looked.append(len(text) - at)
        return past(pattern, text, at)

    monkeypatch.setattr(elements, "_past", counted)
    text = json.dumps([{"a": '\n"x' * 10_000}]).encode()
    (one,) = elements_of(text[at : at + 1001] for at in range(0, len(text), 1001))
    assert one == text[1:-1]
    assert sum(looked) < 2 * len(text)


@pytest.mark.parametrize(("encoding", "said"), [("utf-8-sig", ""), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16")])
def test_a_text_that_begins_with_a_mark_is_read_or_told_what_it_is(tmp_path: Path, encoding: str, said: str):
    content = packed({**GOOD, "channels.json": json.dumps(GOOD["channels.json"]).encode(encoding)})
    with pytest.raises(CrewhallError, match=said) if said else contextlib.nullcontext():
        look_through(written(tmp_path, content))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_archive_is_read_or_refused_and_nothing_else(tmp_path_factory: pytest.TempPathFactory, data: Any):
    content = bytearray(packed({**GOOD, "general/2020-09-13.json": [said(1, "U1", "hello")]}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = written(tmp_path_factory.getbasetemp(), bytes(content))
    with contextlib.suppress(CrewhallError):  # of which an archive raises one alone: any other error fails
        look_through(path)
