"""The characters of a text whose encoding nobody states."""

import codecs
import io
from collections.abc import Iterator

from crewhall.knowledge.formats.source import MIB, Source, too_large

SAMPLE = 256 * 1024
LONGEST_LINE = MIB
"""Characters that are read at once of a line that does not end."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
FALLBACK = "cp1252"
_MOST_BYTES = 4
"""Of a character."""
FEW = 10
"""Characters that are well beside each place that is not."""


def lines(source: Source, encoding: str | None = None) -> Iterator[str]:
    """The text line by line, with line ends; very long ones in parts. What is no character there becomes U+FFFD."""
    if source.size > source.bounds.characters * _MOST_BYTES:
        raise too_large(f"more than {source.bounds.characters:,} characters")
    encoding = encoding or encoding_of(sample(source))
    source.file.seek(0)
    text = io.TextIOWrapper(source.file, encoding=encoding, errors="replace", newline=None)
    try:
        while line := text.readline(LONGEST_LINE):
            yield line
    finally:
        text.detach()


def sample(source: Source) -> bytes:
    """What an encoding is told by."""
    source.file.seek(0)
    return source.file.read(SAMPLE)


def encoding_of(head: bytes, said: str | None = None) -> str:
    """The encoding of what begins so: its mark says it, or UTF-8 if it is that, what is `said`, what it looks like."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 8 and min(even, odd) <= max(even, odd) // 20:
        return "utf-16-be" if even > odd else "utf-16-le"
    if _is_utf8(head):
        return "utf-8"
    return _known(said) or _known(_likeliest(head)) or FALLBACK


def _is_utf8(head: bytes) -> bool:
    """Whether it is, but for a few places: bytes of other encodings are hardly ever characters of this one."""
    text = head.decode(errors="replace")
    bad = text.count("\ufffd")
    return bad == 0 or sum(not one.isascii() for one in text) - bad > FEW * bad


def _known(encoding: str | None) -> str | None:
    try:
        return codecs.lookup(encoding).name if encoding else None
    except LookupError:
        return None


def _likeliest(head: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(head[: SAMPLE // 8]).best()
    return best.encoding if best else None
