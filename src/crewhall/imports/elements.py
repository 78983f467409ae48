"""A JSON array of objects, one object after the other: no more than one of them is in memory."""

import re
from collections.abc import Iterable, Iterator

MAX_ELEMENT = 8 * 1024 * 1024
"""Bytes of one object."""
_SPACE = b" \t\r\n"
_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+([\[\]{}])', re.DOTALL)
"""Up to the next bracket that stands in no string. What is cut within a string does not match yet."""


def elements_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Give the text of each object of an array.

    Raises ValueError where it is no array of objects, or one is too large; what an object says is not looked at.
    """
    held, at, begins, depth, before = b"", 0, 0, 0, b""
    is_over = False
    for piece in pieces:
        held += piece
        while found := _BRACKET.match(held, at):
            at = found.end()
            opens = found[1] in b"[{"
            if depth <= 1 and not _belongs(
                found[1], depth, held[begins : at - 1].strip(_SPACE), before, is_over=is_over
            ):
                raise ValueError("it is no list of objects")
            depth += 1 if opens else -1
            if depth == 1 and not opens:
                yield held[begins:at]
                before = b","
            if depth <= 1:
                begins = at
                is_over = depth == 0
            elif depth == 2 and opens:  # noqa: PLR2004 - the array's own, and the object's
                begins = at - 1
        held, at, begins = held[begins:], at - begins, 0
        if len(held) > MAX_ELEMENT:
            raise ValueError(f"one of its objects is larger than {MAX_ELEMENT // 1024 // 1024} MiB")
    if not is_over or held.strip(_SPACE):
        raise ValueError("it is no list of objects, or not whole")


def _belongs(bracket: bytes, depth: int, outside: bytes, before: bytes, *, is_over: bool) -> bool:
    """Whether a bracket may stand there: the array's own, or one that begins an object, with a comma before it."""
    if depth == 0:
        return bracket == b"[" and not outside and not is_over
    return not outside if bracket == b"]" else bracket == b"{" and outside == before
