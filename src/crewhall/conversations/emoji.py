"""What counts as one emoji in a reaction."""

import re
import unicodedata

from crewhall.kernel.errors import INVALID

MAX_EMOJI_LENGTH = 16
_KEYCAP = re.compile("[0-9#*]\ufe0f?\u20e3")
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_AFTER = r"\ufe0f?[\U0001f3fb-\U0001f3ff]?[\U000e0020-\U000e007f]*"
_SEQUENCE = re.compile(rf"(.{_AFTER})(?:\u200d(.{_AFTER}))*")
_EXTRA = frozenset("\u203c\u2049\u2139\u3030\u303d\u24c2\u3297\u3299")
_STAND_INS = "\ufffc\ufffd"  # what stands for an object or for bytes that are no text
_JOINS = re.compile(r"[\ufe0f\u200d\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")


def check_emoji(emoji: str) -> str:
    """Return the emoji as it stands, or refuse what is not exactly one (several code points may make one)."""
    if len(emoji) <= MAX_EMOJI_LENGTH and _is_one(emoji):
        return emoji
    raise INVALID("A reaction is one emoji, such as 👍.", field="emoji")


def _is_one(emoji: str) -> bool:
    if _KEYCAP.fullmatch(emoji) or _FLAG.fullmatch(emoji):
        return True
    if not _SEQUENCE.fullmatch(emoji):
        return False
    symbols = _JOINS.sub("", emoji) or emoji
    return all(
        symbol > "\xa0"
        and symbol not in _STAND_INS
        and (unicodedata.category(symbol) in {"So", "Sm", "Sk"} or symbol in _EXTRA or _is_newer(symbol))
        for symbol in symbols
    )


def _is_newer(symbol: str) -> bool:
    """Whether it stands among pictures, where this Python does not know it yet."""
    return "\U0001f300" <= symbol <= "\U0001faff" and unicodedata.category(symbol) == "Cn"
