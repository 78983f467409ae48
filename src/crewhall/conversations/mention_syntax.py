"""Mentions: `@handle` of a person and `@code` of an agent, in text but never inside code, links or email addresses."""

import re
from collections.abc import Collection, Iterator

MAX_MENTIONS = 100
_MENTION = re.compile(r"(?<![A-Za-z0-9_.+/:@-])@([A-Za-z0-9][A-Za-z0-9._-]{0,99}+)(?![A-Za-z0-9_@-])")


def candidates(written: str) -> Iterator[str]:
    """The names that the characters after an `@` may mean, longest first: `ada.` is `ada.` or `ada` and a full stop."""
    name = written.lower()
    yield name
    while name[-1] in "._-":
        name = name[:-1]
        yield name


def names_in(text: str) -> Iterator[str]:
    """The candidate names in plain text (no Markdown)."""
    for found in _MENTION.finditer(text):
        yield from candidates(found[1])


def split_mentions(text: str, names: Collection[str]) -> Iterator[tuple[str, str | None]]:
    """Cut plain text into pieces: (text, None) as it stands, (`@Ada` as written, name) for mentions of `names`."""
    done = 0
    for found in _MENTION.finditer(text):
        name = next((candidate for candidate in candidates(found[1]) if candidate in names), None)
        if name is None:
            continue
        if found.start() > done:
            yield text[done : found.start()], None
        done = found.start() + 1 + len(name)
        yield text[found.start() : done], name
    if done < len(text):
        yield text[done:], None
