"""Message text to safe HTML: CommonMark with tables, strikethrough, task lists and bare links; made once when written.

Raw HTML is shown as text, images become links, and what comes out is sanitised against an allow-list all the same.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from html import escape

from crewhall.conversations.mention_syntax import split_mentions

MAX_MARKS = 4_000
"""Text with more lines and marks of Markdown is shown as plain text: no person writes it, and parsing takes long."""
MAX_LINKS = 500
"""As well with more bare links and mentions: links that run together take the square of their number."""

_MARK = re.compile(r"[\n\\`*_\[\]<>&|~!()#=+-]")
_LINK = re.compile(r"//|mailto:|@", re.IGNORECASE)
_NOT_PLAIN = re.compile(
    r"""
    [\\`*_\[<&|~]                       # inline marks, entities, tables, HTML
    | //  | mailto:                     # links
    | [\x00-\x09\x0b-\x1f\x7f\xa0]      # control characters, tabs; the no-break space is an entity in HTML
    | ^\s  | [^\S\n]$                   # indentation, hard breaks
    | ^[#>=+-]  | ^\d{1,9}[.)]          # headings, quotes, rules, lists
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
_MAYBE_NOT_PLAIN = re.compile(r"[\\`*_\[<&|~\x00-\x1f\x7f\xa0]")
_LINE_START = re.compile(r"[\s#>=+-]|\d{1,9}[.)]")
_MARKS = re.compile(
    r"[\\`*_\[\]<] | ~(?=~) | &(?=\#?\w+;) | /(?=/) | (?<=mailto): | ^[#>=+-]", re.VERBOSE | re.IGNORECASE
)
_NUMBERED = re.compile(r"^(\d{1,9})(?=[.)])")


def render_markdown(
    text: str, mentioned: Collection[str] = (), links: Mapping[str, tuple[str, str]] | None = None
) -> str:
    """Return safe HTML. Of the mentions only those in `mentioned` (names in lower case) are marked.

    A mention is `<span class="mention" data-handle="name">@Name</span>`. Text that holds no Markdown takes a short way
    with the same result. `links`: where what stands in brackets leads, as `1` of `[1]`, with a title.
    """
    if is_plain(text):
        return _render_plain(text, mentioned)
    return _render_parsed(text, mentioned, links or {})


def escape_markdown(line: str) -> str:
    """Return Markdown that shows the line (without surrounding space) as it stands."""
    return _NUMBERED.sub(r"\1\\", _MARKS.sub(r"\\\g<0>", line))


def is_plain(text: str) -> bool:
    """Whether lines and paragraphs are all the text's structure: it surely holds no Markdown, or far too much."""
    if text and text == text.strip():
        # Of words: the usual case, found out eight times as fast.
        is_line = _MAYBE_NOT_PLAIN.search(text) is None and not _may_link(text)
        if (_LINE_START.match(text) if is_line else _NOT_PLAIN.search(text)) is None:
            return True
    return _holds_more(text, _MARK, MAX_MARKS) or _holds_more(text, _LINK, MAX_LINKS)


def _may_link(text: str) -> bool:
    return "//" in text or (":" in text and "mailto:" in text.lower())


def _holds_more(text: str, pattern: re.Pattern[str], count: int) -> bool:
    return len(text) > count and len(pattern.findall(text)) > count


def mentionable_text(text: str) -> Iterator[str]:
    """The pieces of the text in which mentions count: not code, not links, not what somebody else said."""
    if is_plain(text):
        yield text
        return
    from crewhall.conversations.markdown_parser import mentionable_pieces

    yield from mentionable_pieces(text)


def _render_plain(text: str, mentioned: Collection[str]) -> str:
    if "@" not in text and "\n" not in text:
        return f"<p>{escape(text, quote=False)}</p>"
    pieces = [escape(piece, quote=False) if name is None else mention_span(piece, name)
              for piece, name in split_mentions(text, mentioned)]  # fmt: skip
    paragraphs = re.split(r"\n{2,}", "".join(pieces).strip("\n"))
    return "\n".join("<p>" + paragraph.replace("\n", "<br>\n") + "</p>" for paragraph in paragraphs)


def _render_parsed(text: str, mentioned: Collection[str], links: Mapping[str, tuple[str, str]]) -> str:
    from crewhall.conversations.markdown_parser import render_parsed

    return render_parsed(text, mentioned, links)


def mention_span(written: str, name: str) -> str:
    """The HTML of a mention."""
    return f'<span class="mention" data-handle="{escape(name)}">{escape(written)}</span>'
