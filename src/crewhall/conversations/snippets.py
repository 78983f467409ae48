"""What is shown of a message that was found: its text around what matched."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import lru_cache
from html import escape

from crewhall.conversations.search_syntax import SPACELESS

WHOLE = 200
"""Texts of at most this many characters are shown whole; of longer ones, what stands around the matches."""
AROUND = 60
"""Characters shown before and after a match, words that these would cut left out."""
PLACES = 2
"""Of a long text, as many places at most are shown; each but the first for a word that the others do not show."""

_SPACELESS = re.compile(f"[{SPACELESS}]")
_WORD = rf"(?![{SPACELESS}])[^\W_]"
"""A letter or digit that a word goes on with: those of languages without spaces end one."""

MARKS = "HighlightAll=true, StartSel=\ue000, StopSel=\ue001"
"""How the database is asked to mark the words that match, in texts freed of these two characters."""
_MARKED = re.compile("\ue000(.*?)\ue001")
_BEGINNING = re.compile(r"'((?:[^']|'')+)':\*")
_OTHER_LETTERS = {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "\u0131": "i", "æ": "ae", "œ": "oe"}
"""Letters that are no others with a mark; as `without_accents` of the schema."""

_LINK = re.compile(r"!?\[([^\[\]]{1,200})\]\([^()\s]{1,2000}\)")
_RULES = re.compile(r"^(?=[^\n]*--)[ \t|:-]+$\n?", re.MULTILINE)
_MARKS = re.compile(r"\*\*|~~|`+|^[ \t]*(?:#{1,6}[ \t]|>|[-*+][ \t]|\|)|(?<![ \t])[ \t]*\|[ \t]*$", re.MULTILINE)

Span = tuple[int, int]


def readable(text: str) -> str:
    """Markdown as it reads in passing: its words without their marks, links by their text."""
    return _MARKS.sub("", _RULES.sub("", _LINK.sub(r"\1", text))).strip()


def marked_words(headline: str) -> set[str]:
    """The words that the database has marked."""
    return set(_MARKED.findall(headline))


def beginnings_of(wanted: str) -> set[str]:
    """What words may begin with to match a query, as the database prints it: `'depl':*`."""
    return {found.replace("''", "'").replace("\\\\", "\\") for found in _BEGINNING.findall(wanted)}


def snippet(
    body: str, q: str, words: Collection[str], beginnings: Collection[str] = (), pieces: Collection[str] = ()
) -> str:
    """Show a text as safe HTML, with `<mark>` around what matched.

    That is `words`, what begins with one of the `beginnings`, in whatever spelling, and `pieces` wherever they stand;
    where there are none of these, the query `q` as it stands.
    """
    spans = _spans(body, q, words, beginnings, pieces)
    places = [(0, len(body))] if len(body) <= WHOLE else _places(body, spans) or [(0, 2 * AROUND)]
    head, tail = "… " if places[0][0] else "", " …" if places[-1][1] < len(body) else ""
    return head + " … ".join(_marked(body, place, spans) for place in places) + tail


def _spans(
    body: str, q: str, words: Collection[str], beginnings: Collection[str], pieces: Collection[str]
) -> list[Span]:
    wanted = [re.escape(plain) for word in words if not _SPACELESS.search(word) and (plain := _plain(word)[0])]
    wanted += [
        re.escape(plain) + rf"(?:(?![{SPACELESS}])\w)*"
        for one in beginnings
        if not _SPACELESS.search(one) and (plain := _plain(one)[0])
    ]
    found = [re.escape(_plain(piece)[0]) for piece in sorted(pieces, key=len, reverse=True)]
    if wanted:
        longest_first = "|".join(sorted(wanted, key=len, reverse=True))
        found.append(rf"(?<!{_WORD})(?:{longest_first})(?!{_WORD})")
    if not found:
        return [one.span() for one in re.finditer(re.escape(q), body, re.IGNORECASE)] if q else []
    text, origins = _plain(body)
    marked = re.finditer(f"(?:{'|'.join(found)})+", text)
    return [(origins[one.start()], origins[one.end() - 1] + 1) for one in marked]


def _plain(text: str) -> tuple[str, Sequence[int]]:
    """A text in small letters without accents, and of each of its characters the place that it comes from."""
    if text.isascii():
        return text.lower(), range(len(text))
    plain_of = {ord(char): _plain_letter(char) for char in set(text)}
    if all(len(plain) == 1 for plain in plain_of.values()):
        return text.translate(plain_of), range(len(text))
    letters: list[str] = []
    origins: list[int] = []
    for place, char in enumerate(text):
        plain = plain_of[ord(char)]
        letters.append(plain)
        origins.extend([place] * len(plain))
    return "".join(letters), origins


@lru_cache(maxsize=4096)
def _plain_letter(char: str) -> str:
    small = char.casefold()
    parts = unicodedata.normalize("NFD", _OTHER_LETTERS.get(small, small))
    return "".join(part for part in parts if not "\u0300" <= part <= "\u036f")


def _places(body: str, spans: Sequence[Span]) -> list[Span]:
    """Choose what to show of a long text, from its beginning to its end, nothing twice."""
    first_of = {body[slice(*span)].casefold(): span for span in reversed(spans)}
    places: list[Span] = []
    taken = 0
    for span in sorted(first_of.values()):
        if taken == PLACES:
            break
        if places and span[1] <= places[-1][1]:
            continue
        first, last = _around(body, span)
        if places and first <= places[-1][1]:
            first, _ = places.pop()
        places.append((first, last))
        taken += 1
    return places


def _around(body: str, span: Span) -> Span:
    """Widen a match to whole words on both sides."""
    start, stop = span
    first, last = max(0, start - AROUND), min(len(body), stop + AROUND)
    if first and (space := re.search(r"\s+", body[first:start])):
        first += space.end()
    if last < len(body) and (space := re.search(r"\s\S*$", body[stop:last])):
        last = stop + space.start()
    return first, last


def _marked(body: str, place: Span, spans: Sequence[Span]) -> str:
    at, end = place
    shown = ""
    for start, stop in spans:
        if at <= start and stop <= end:
            shown += f"{escape(body[at:start], quote=False)}<mark>{escape(body[start:stop], quote=False)}</mark>"
            at = stop
    return shown + escape(body[at:end], quote=False)
