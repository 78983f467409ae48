"""A passage as it is read behind the one before: without what it repeats, unless it could not be read then."""

import re

_RULE = re.compile(r"[ \t]*(?:\|[ \t]*)?:?-+:?[ \t]*(?:\|[ \t]*(?::?-+:?[ \t]*)?)*")
"""What stands below a table's header."""
_FENCE = re.compile(r"[ \t]*(?:```|~~~)[^`]*")
_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*")
_CELL = re.compile(r"(?<!\\)\|")


def without_repeated(content: str, overlap: int) -> str:
    """The text without what it repeats of the passage before.

    The header of a table and the line that opens code stay: rows are no table without one. A table whose header is too
    long to be repeated gets an empty one.
    """
    repeated, own = content[:overlap], content[overlap:]
    lines = repeated.strip("\n").splitlines()
    is_header = len(lines) == 2 and "|" in lines[0] and _RULE.fullmatch(lines[1])  # noqa: PLR2004 - with its rule
    if is_header or (len(lines) == 1 and _FENCE.fullmatch(lines[0])):
        return content
    return own if lines else _with_header(own)


def _with_header(text: str) -> str:
    """Rows of a table below an empty header, where the text begins with rows that have none."""
    lines = text.lstrip("\n").splitlines()
    if not lines or not _ROW.fullmatch(lines[0]):
        return text
    if len(lines) > 1 and _RULE.fullmatch(lines[1]) and "|" in lines[1]:
        return text
    width = len(_CELL.findall(lines[0])) - 1
    return f"|{'   |' * width}\n|{' --- |' * width}\n{text.lstrip(chr(10))}"
