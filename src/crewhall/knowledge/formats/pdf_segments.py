"""What stands on a page of a PDF: runs of characters on one line with place and size, in the order of the file."""

import ctypes
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from msgspec import Struct

MOST_CHARACTERS = 200_000
"""Of one page."""
GAP = 1.2
"""Widths of a size between two characters that part what stands left from what stands right of it."""
LEAST_SIZE = 1.5
FIXED_PITCH, LONGEST_NAME = 1, 100
"""A font's flag, and the bytes of its name that are looked at."""
_CODE_FONT = re.compile(rb"mono(?!type)|nimbusmon|courier|consol|cmtt|typewriter|menlo|fixed", re.IGNORECASE)
SOFT_HYPHENS = "\x02\xad\ufffe"
"""What stands for a hyphen at the end of a line; pdfium writes the others itself."""
_AS_WRITTEN = str.maketrans(
    {
        "ﬀ": "ff",
        "ﬁ": "fi",
        "ﬂ": "fl",
        "ﬃ": "ffi",
        "ﬄ": "ffl",
        "ﬅ": "st",
        "ﬆ": "st",
        "\xad": "\x02",
        "\ufffe": "\x02",
        "\x01": "",
    }
)
"""Ligatures as the letters that they are, and one sign for what stands for a hyphen."""
_HIGH, _LOW, _LAST_LOW, _FIRST_WIDE = 0xD800, 0xDC00, 0xDFFF, 0x10000
_NOTHING = "\x01"
"""Stands where a place of the list has no character."""
_LINE_ENDS = ("\n", "\r", "\r\n")
_WORDS = re.compile(r"\r?\n|\r|[^\s\x02\xad\ufffe]+[\x02\xad\ufffe]?|[\x02\xad\ufffe]")
_NO_TEXT = re.compile("[\ufffd\ue000-\uf8ff\x00\x03-\x08]")


class Segment(Struct):
    """Characters that stand together on one line. Places are points from the lower left of the page."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    size: float
    """The height of its font, in points."""
    is_code: bool = False
    """Whether all its letters are equally wide."""

    @property
    def middle(self) -> float:
        """Half way up."""
        return (self.bottom + self.top) / 2


def segments(page: Any) -> list[Segment]:
    """The segments of a page (of pypdfium2)."""
    text_page = page.get_textpage()
    try:
        return [one for one in _runs(text_page) if one.text]
    finally:
        text_page.close()


def is_unreadable(found: list[Segment]) -> bool:
    """Whether the characters stand for nothing: fonts whose signs nobody named."""
    text = "".join(one.text for one in found)
    return len(_NO_TEXT.findall(text)) > len(text) // 3


class _Run:
    """Words that stand together, while they come."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._left = self._right = self._bottom = self._top = self._size = 0.0
        self._longest = 0
        self._is_code = False

    def ends_before(self, left: float, bottom: float, top: float) -> bool:
        """Whether what begins there is not part of it: after a gap, further left, or on another line."""
        is_apart = left - self._right > GAP * max(self._size, 1) or left < self._right - (top - bottom)
        return bool(self.words) and (is_apart or not self._bottom - (top - bottom) < bottom < self._top)

    def add(
        self,
        word: str,
        place: tuple[float, float, float],
        right: float,
        stated: Callable[[], float],
        is_code: Callable[[], bool],
    ) -> None:
        """Take a word; `place`: its left, bottom and top; `stated` and `is_code` tell of its font."""
        left, bottom, top = place
        if not self.words:
            self._left, self._right, self._bottom, self._top = left, right, bottom, top
            self._longest, self._is_code = 0, True
        if len(word) > self._longest:  # bullets and initials have sizes of their own
            self._longest, size = len(word), stated()
            self._size = size if size > LEAST_SIZE else (top - bottom) * 0.8  # else it is in the matrix
        self._is_code = self._is_code and is_code()
        self.words.append(word)
        self._right, self._top = max(self._right, right), max(self._top, top)
        self._bottom = min(self._bottom, bottom)

    def taken(self) -> Segment:
        """What it came to; it begins anew."""
        text = " ".join(self.words).translate(_AS_WRITTEN).replace(f"{SOFT_HYPHENS[0]} ", "").strip()
        self.words = []
        size = round(self._size * 2) / 2
        return Segment(text, self._left, self._right, self._bottom, self._top, size, self._is_code)


def _runs(text_page: Any) -> Iterator[Segment]:
    from pypdfium2 import raw

    page = text_page.raw
    box = raw.FS_RECTF()
    place = ctypes.byref(box)
    box_at = raw.FPDFText_GetLooseCharBox
    run = _Run()
    for found in _WORDS.finditer(_text(page)):
        word = found[0]
        if word in _LINE_ENDS:
            if run.words:
                yield run.taken()
            continue
        first, last = found.start(), found.start() + max(len(word.rstrip(SOFT_HYPHENS)), 1) - 1
        if not box_at(page, first, place):
            continue
        begins = box.left, box.bottom, box.top
        right = box.right
        if run.ends_before(*begins):
            yield run.taken()
        if last > first and box_at(page, last, place):
            right = max(right, box.right)
        run.add(
            word,
            begins,
            right,
            partial(raw.FPDFText_GetFontSize, page, (first + last) // 2),
            partial(_is_code, page, first),
        )
    if run.words:
        yield run.taken()


def _is_code(page: Any, at: int) -> bool:
    """Whether the letters of a character's font are equally wide, as it says itself."""
    from pypdfium2 import raw

    flags = ctypes.c_int()
    name = ctypes.create_string_buffer(LONGEST_NAME)
    raw.FPDFText_GetFontInfo(page, at, name, LONGEST_NAME, ctypes.byref(flags))
    return bool(flags.value & FIXED_PITCH) or _CODE_FONT.search(name.value) is not None


def _text(page: Any) -> str:
    """The characters of a page, one for each place in pdfium's list."""
    from pypdfium2 import raw

    count = min(raw.FPDFText_CountChars(page), MOST_CHARACTERS)
    buffer = (ctypes.c_ushort * (count + 1))()
    if raw.FPDFText_GetText(page, 0, count, buffer) == count + 1:
        text = bytes(buffer)[: count * 2].decode("utf-16-le", "surrogatepass")
        if len(text) == count:
            return text
    signs: list[str] = []  # some places have no text, or two of them make one character
    high = 0
    for at in range(count):
        code = raw.FPDFText_GetUnicode(page, at)
        if high and _LOW <= code <= _LAST_LOW:
            code = _FIRST_WIDE + ((high - _HIGH) << 10) + (code - _LOW)
        high = code if _HIGH <= code < _LOW else 0
        signs.append(_NOTHING if high or not code else chr(code) if code <= sys.maxunicode else "\ufffd")
    return "".join(signs)
