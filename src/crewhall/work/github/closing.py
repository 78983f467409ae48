"""Which issues a pull request closes when it is merged, by the words that GitHub knows.

A keyword, a colon if one likes, then `#12`, `owner/name#12` or the issue's address. What stands in code is none.
"""

import re

import msgspec

MOST = 50
_WORDS = r"(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)"
_NAME = r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}"
_CLOSING = re.compile(
    rf"(?<![\w-]){_WORDS}:?\s+(?:(?P<name>{_NAME})?#|https://github\.com/(?P<linked>{_NAME})/issues/)"
    r"(?P<number>[1-9][0-9]{0,8})(?![\w])",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?P<fence>`{3,}|~{3,}).*?(?:(?P=fence)|\Z)|`[^`\n]*`|<!--.*?(?:-->|\Z)", re.DOTALL)


class Closing(msgspec.Struct, frozen=True, order=True):
    """An issue that is closed. `repository` is its full name, empty for the pull request's own."""

    repository: str
    number: int


def closings(text: str | None) -> list[Closing]:
    """The issues that a text closes, each once, in order; at most fifty."""
    found = {
        Closing((match["name"] or match["linked"] or "").lower(), int(match["number"]))
        for match in _CLOSING.finditer(_CODE.sub(" ", text or ""))
    }
    return sorted(found)[:MOST]
