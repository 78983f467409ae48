"""What is shown of a message that was found: its text around what matched."""

import re
from collections.abc import Sequence
from html import escape

WHOLE = 200
"""Texts of at most this many characters are shown whole; of longer ones, what stands around the matches."""
AROUND = 60
"""Characters shown before and after a match, words that these would cut left out."""
PLACES = 2
"""Of a long text, as many places at most are shown; each but the first for a word that the others do not show."""

_SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
"""As `is_spaceless` of the schema: what is found by its pieces."""

Span = tuple[int, int]


def snippet(body: str, q: str, words: Sequence[str]) -> str:
    """Show a text as safe HTML, with `<mark>` around what matched.

    `words` are those of the text that the query `q` found it by, as written there; what is found by its pieces is
    marked where the query stands in it literally.
    """
    spans = [found.span() for found in _pattern(q, words).finditer(body)]
    places = [(0, len(body))] if len(body) <= WHOLE else _places(body, spans) or [(0, 2 * AROUND)]
    head, tail = "… " if places[0][0] else "", " …" if places[-1][1] < len(body) else ""
    return head + " … ".join(_marked(body, place, spans) for place in places) + tail


def _pattern(q: str, words: Sequence[str]) -> re.Pattern[str]:
    if not words or _SPACELESS.search(q):
        return re.compile(re.escape(q), re.IGNORECASE)
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, longest_first))})(?![^\W_])")


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
