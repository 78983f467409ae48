"""How many tokens a text has for the embedding model, without the model: close, and rather too many than too few."""

import re
import unicodedata
from functools import lru_cache

_PARTS = re.compile(r"[A-Za-z]+|[0-9]+|[^\sA-Za-z0-9]+")
_HARD = re.compile(r"[bcdfghjklmnpqrstvwxz]{4}|^[^aeiouy]{3}|[jqxz][bcdfghjklmnpqrstvwxz]", re.IGNORECASE)
"""Letters that seldom follow one another in words, so that no long piece of them is known."""
LONGEST_KNOWN, FIRST_PIECE = 6, 3
"""Letters of a word that is one token, and those that the first of several has."""
LETTERS_EACH, HARD_LETTERS_EACH, DIGITS_EACH = 2.7, 1.6, 2.0


MOST_TOKENS = 215
"""Of a chunk: with what the estimate misses, the model (256) reads it whole."""
LONGEST_KEPT = 40
"""Letters of a word whose tokens are remembered."""
SPACES_EACH = 10
"""Characters that count as a token where there are fewer: nothing is endless for being white."""


def size_of(text: str) -> int:
    """About how many tokens a text has."""
    words = sum(_of_known(word) if len(word) <= LONGEST_KEPT else _of_word(word) for word in text.split())
    return max(words, len(text) // SPACES_EACH)


def _of_word(word: str) -> int:
    is_foreign = not word.isascii()
    if is_foreign:
        word = "".join(one for one in unicodedata.normalize("NFD", word) if unicodedata.category(one) != "Mn")
    parts = _PARTS.findall(word)
    is_hard = is_foreign or (len(parts) > 2 and any(one[0].isdigit() for one in parts))  # noqa: PLR2004 - letters among digits
    return sum(_of_part(part, is_hard=is_hard) for part in parts)


_of_known = lru_cache(maxsize=20_000)(_of_word)


def _of_part(part: str, *, is_hard: bool) -> int:
    first = part[0]
    if not first.isascii() or not first.isalnum():
        return len(part)
    if first.isdigit():
        return max(1, round(len(part) / DIGITS_EACH + 0.4))
    if is_hard or _HARD.search(part):
        return 1 + int((len(part) - 1) / HARD_LETTERS_EACH)
    if len(part) <= LONGEST_KNOWN:
        return 1
    return 1 + int((len(part) - FIRST_PIECE) / LETTERS_EACH)
