"""Slack's names of emoji: those that the composer knows, and a few that are Slack's own."""

import unicodedata
from functools import cache
from importlib.resources import files

_OTHERS = {"simple_smile": "🙂", "thumbsup_all": "👍", "man-shrugging": "🤷‍♂️", "woman-shrugging": "🤷‍♀️"}
_TONES = {f"skin-tone-{number}": chr(0x1F3F9 + number) for number in range(2, 7)}
_SHOWN_AS_EMOJI = "\ufe0f"


def emoji_of(name: str) -> str | None:
    """The emoji of this name (`thumbsup`, `wave::skin-tone-3`); None for one that a workspace made for itself."""
    base, _, tone = name.partition("::")
    found = _names().get(base) or _OTHERS.get(base) or _flag(base)
    if found is None:
        return None
    return found + _TONES[tone] if tone in _TONES and len(found) == 1 else found


def _flag(name: str) -> str | None:
    country = name.removeprefix("flag-")
    if len(country) != len(name) - len("flag-") or len(country) != 2 or not (country.isascii() and country.isalpha()):  # noqa: PLR2004
        return None
    return "".join(chr(0x1F1E6 + ord(letter) - ord("a")) for letter in country.lower())


@cache
def _names() -> dict[str, str]:
    """The composer's list (static/vendor/emoji.txt): each line an emoji, its names, and words that it is found by."""
    text = (files("crewhall") / "faces/web/static/vendor/emoji.txt").read_text(encoding="utf-8")
    named: dict[str, str] = {}
    for line in text.splitlines():
        emoji, _, rest = line.partition(" ")
        if line.startswith("# ") or not rest:
            continue
        for name in rest.partition(" ")[0].split(","):
            named.setdefault(name, _bare(emoji))
    return named


def _bare(emoji: str) -> str:
    """The emoji as it is chosen from a message's tools: told to be one only where it would not be one else."""
    bare = emoji.removesuffix(_SHOWN_AS_EMOJI)
    return bare if len(bare) == 1 and unicodedata.east_asian_width(bare) == "W" else emoji
