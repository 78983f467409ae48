"""What changed from one version of a text to the next, word by word, as people read it."""

import re
from typing import Literal, NamedTuple

MOST_WORDS = 1_500
"""Where more words than these lie between the first and the last change, the whole stretch is shown as changed."""
AROUND = 160
"""So many characters of what stayed are shown beside a change."""
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")

How = Literal["same", "added", "removed", "left out"]


class Piece(NamedTuple):
    """A piece of text and what became of it; `left out` stands for text that stayed, far from any change."""

    how: How
    text: str


def differences(before: str, after: str) -> list[Piece]:
    """The pieces of both texts in order: together those not added are `before`, those not removed are `after`."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    middle = _between(old[head : len(old) - tail], new[head : len(new) - tail])
    return _joined([Piece("same", "".join(old[:head])), *middle, Piece("same", "".join(old[len(old) - tail :]))])


def shortened(pieces: list[Piece]) -> list[Piece]:
    """The pieces without long stretches that stayed, but for what is beside a change."""
    shown: list[Piece] = []
    for place, piece in enumerate(pieces):
        if piece.how != "same" or len(piece.text) <= 3 * AROUND:
            shown.append(piece)
            continue
        begin = piece.text[:AROUND] if place else ""
        end = piece.text[-AROUND:] if place < len(pieces) - 1 else ""
        parts = (Piece("same", begin), Piece("left out", "…"), Piece("same", end))
        shown += [part for part in parts if part.text]
    return shown


def _common(old: list[str], new: list[str]) -> int:
    count = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        count += 1
    return count


def _between(old: list[str], new: list[str]) -> list[Piece]:
    from difflib import SequenceMatcher  # when somebody looks: most processes never need it

    if len(old) > MOST_WORDS or len(new) > MOST_WORDS:
        return [Piece("removed", "".join(old)), Piece("added", "".join(new))]
    found: list[Piece] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new).get_opcodes():
        if tag == "equal":
            found.append(Piece("same", "".join(old[a:b])))
        else:
            found += [Piece("removed", "".join(old[a:b])), Piece("added", "".join(new[c:d]))]
    return _readable(found)


def _readable(pieces: list[Piece]) -> list[Piece]:
    """A space that stayed between two changes counts as changed with them: phrases are read, not every other word."""
    changed: list[Piece] = []
    for place, piece in enumerate(pieces):
        inside = 0 < place < len(pieces) - 1
        if piece.how == "same" and inside and not piece.text.strip():
            changed += [Piece("removed", piece.text), Piece("added", piece.text)]
        else:
            changed.append(piece)
    return changed


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbours of a kind as one, within a change what was removed before what was added."""
    joined: list[Piece] = []
    removed = added = ""
    for piece in [*(one for one in pieces if one.text), Piece("same", "")]:
        if piece.how == "removed":
            removed += piece.text
        elif piece.how == "added":
            added += piece.text
        else:
            joined += [Piece("removed", removed), Piece("added", added), piece]
            removed = added = ""
    return [piece for piece in joined if piece.text]
