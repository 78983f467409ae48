"""A JSON array of objects, one object after the other: no more than one of them is in memory."""

import re
from collections.abc import Iterable, Iterator

MAX_ELEMENT = 4 * 1024 * 1024
"""Bytes of one object."""
MAX_NESTED, MAX_BRACKETS = 100_000, 4_000_000
"""Lists and objects within one object, and in all: what is decoded of two bytes takes a hundred."""
_MARK, _OTHERS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
"""What some programs begin a text with: UTF-8, which is taken, and UTF-16."""
_SPACE = b" \t\r\n"
_BRACKET = re.compile(rb'((?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+)([\[\]{}])?', re.DOTALL)
"""Up to the next bracket that stands in no string and past it, or to the string that is not whole yet."""
_STRING = re.compile(rb"(?:[^\"\\]++|\\.)*+", re.DOTALL)
"""The rest of a string, without its end."""


def elements_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Give the text of each object of an array.

    Raises ValueError where it is no array of objects, or one is too large; what an object says is not looked at.
    """
    scan = _Scan()
    for piece in _as_utf8(pieces):
        yield from scan.take(piece)
    scan.end()


class _Scan:
    """How far an array was read: `held` is what came and is not given yet, `at` where it is read on.

    Each byte is looked at once, however long a string is, and never more of them at once than came.
    """

    def __init__(self) -> None:
        self._held, self._at, self._begins = b"", 0, 0
        self._depth = self._nested = self._brackets = 0
        self._before = b""
        self._is_within = self._is_over = False

    def take(self, piece: bytes) -> Iterator[bytes]:
        """Read on; gives the objects that are whole."""
        self._held += piece
        while bracket := self._next():
            if (element := self._pass(bracket)) is not None:
                yield element
        self._held, self._at, self._begins = self._held[self._begins :], self._at - self._begins, 0
        if len(self._held) > MAX_ELEMENT:
            raise ValueError(f"one of its objects is larger than {MAX_ELEMENT // 1024 // 1024} MiB")

    def end(self) -> None:
        """Nothing comes any more."""
        if not self._is_over or self._held.strip(_SPACE):
            raise ValueError("it is no list of objects, or not whole")

    def _next(self) -> bytes | None:
        """Go on past the next bracket that has come; gives it."""
        while self._at < len(self._held):
            if self._is_within:
                self._at = _past(_STRING, self._held, self._at).end()
                if self._held[self._at : self._at + 1] != b'"':
                    return None  # at its end, or at half of an escape
                self._at += 1
            found = _past(_BRACKET, self._held, self._at)
            self._at = found.end()
            if bracket := found[2]:
                self._is_within = False
                return bytes(bracket)
            self._is_within = self._at < len(self._held)
            self._at += self._is_within
        return None

    def _pass(self, bracket: bytes) -> bytes | None:
        """Go over a bracket; gives the object that ends with it."""
        if bracket in b"[{":
            if self._depth <= 1:
                self._check_place(bracket)
                self._nested, self._begins = 0, self._at - self._depth
            self._depth += 1
            self._nested += 1
            self._brackets += 1
            if self._nested > MAX_NESTED or self._brackets > MAX_BRACKETS:
                raise ValueError(f"it, or one of its objects, has more than {MAX_NESTED:,} lists and objects within")
            return None
        if self._depth <= 1:
            self._check_place(bracket)
        self._depth -= 1
        if self._depth > 1:
            return None
        begins, self._begins = self._begins, self._at
        if self._depth == 0:
            self._is_over = True
            return None
        self._before = b","
        return self._held[begins : self._at]

    def _check_place(self, bracket: bytes) -> None:
        outside = self._held[self._begins : self._at - 1].strip(_SPACE)
        if not self._belongs(bracket, outside):
            raise ValueError("it is no list of objects")

    def _belongs(self, bracket: bytes, outside: bytes) -> bool:
        """Whether a bracket may stand there: the array's own, or one that begins an object, with a comma before it."""
        if self._depth == 0:
            return bracket == b"[" and not outside and not self._is_over
        return not outside if bracket == b"]" else bracket == b"{" and outside == self._before


def _past(pattern: re.Pattern[bytes], text: bytes, at: int) -> re.Match[bytes]:
    """What a pattern takes, which may be nothing."""
    found = pattern.match(text, at)
    assert found is not None
    return found


def _as_utf8(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces without the mark that some programs begin with. Raises ValueError where they are UTF-16."""
    rest = iter(pieces)
    first = b""
    for piece in rest:
        first += piece
        if len(first) >= len(_MARK):
            break
    if first.startswith(_OTHERS) or b"\0" in first[: len(_MARK)]:
        raise ValueError("it is UTF-16. Save it as UTF-8")
    yield first.removeprefix(_MARK)
    yield from rest
