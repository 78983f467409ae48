"""Slack's markup as Markdown: mentions, links and marks become ours; what Slack shows as it stands stays so."""

import re
from collections.abc import Callable

from crewhall.imports.shortcodes import emoji_of

Named = Callable[[str], str]
"""Gives the name of somebody, or of a channel, by its id there; mentions of who is here are their handle."""

_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_ANGLED = re.compile(r"<([^<>\n]{1,4000})>")
_BOLD = re.compile(r"(?<![\w*\\])\*(?=\S)([^*\n]{1,4000}?)(?<=\S)\*(?![\w*])")
_STRUCK = re.compile(r"(?<![\w~\\])~(?=\S)([^~\n]{1,4000}?)(?<=\S)~(?![\w~])")
_EMPHASIS = re.compile(r"(?<![\w_\\])_(?=\S)([^_\n]{1,4000}?)(?<=\S)_(?![\w_])")
_WITHIN = re.compile(r"(?<=\w)\*(?=\w)")
_BULLET = re.compile(r"^([ \t]*)[•◦▪][ \t]+", re.MULTILINE)
_LITERAL = re.compile(r"^([ \t]*)(#+ |\+ |(?:=|-){2,}[ \t]*$)", re.MULTILINE)
_SCHEME = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
_HOLD = "\ue000{}\ue001"
_HELD = re.compile("\ue000(\\d+)\ue001")
_PRIVATE = re.compile("[\ue000\ue001]")
_EMOJI = re.compile(r"(?<![\w:]):([a-z0-9_+'-]{1,100}(?:::skin-tone-[2-6])?):(?![\w:])")
_BROADCASTS = {"here": "@here", "channel": "@channel", "everyone": "@everyone", "group": "@group"}


def to_markdown(text: str, person: Named, channel: Named) -> str:
    """Return the Markdown that shows what Slack shows of `text`."""
    held: list[str] = []

    def named(name: Named) -> Named:
        return lambda ident: _PRIVATE.sub("", name(ident))

    def hold(value: str) -> str:
        held.append(value)
        return _HOLD.format(len(held) - 1)

    def code(found: re.Match[str]) -> str:
        return hold(_fenced(_plain(found[0])))

    def angled(found: re.Match[str]) -> str:
        return hold(_reference(found[1], named(person), named(channel)))

    text = _CODE.sub(code, _PRIVATE.sub("", text))
    text = _EMOJI.sub(lambda found: emoji_of(found[1]) or found[0], _ANGLED.sub(angled, text))
    text = _unescape(_marked(text))
    while _HELD.search(text):
        text = _HELD.sub(lambda found: held[int(found[1])], text)
    return text


def _marked(text: str) -> str:
    """Marks of Slack's as Markdown's, and what only Markdown would read as a mark as it stands."""
    text = text.replace("![", "!\\[").replace("](", "]\\(").replace("**", "\\*\\*")
    text = _LITERAL.sub(lambda found: f"{found[1]}\\{found[2]}", text)
    text = _BOLD.sub(r"**\1**", text)
    text = _STRUCK.sub(r"~~\1~~", text)
    text = _EMPHASIS.sub(r"*\1*", _WITHIN.sub(r"\\*", text))
    text = re.sub(r"^([ \t]*)&gt;(?:&gt;&gt;)?", r"\1> ", text, flags=re.MULTILINE)
    return _BULLET.sub(r"\1- ", text)


def _reference(inner: str, person: Named, channel: Named) -> str:
    """What stands between angle brackets: somebody, a channel, a command of Slack's, an address."""
    target, _, label = inner.partition("|")
    if target.startswith("@"):
        return f"@{person(target[1:])}"
    if target.startswith("#"):
        return f"#{_plain(label) or channel(target[1:])}"
    if target.startswith("!"):
        word = target[1:].partition("^")[0]
        return _BROADCASTS.get(word) or _label(label) or f"@{word}"
    address = _unescape(target)
    if not _SCHEME.match(address) or re.search(r"[\s()<>]", address):
        return _label(label or target)
    if not label or label in {target, address.removeprefix("mailto:")}:
        return address.removeprefix("mailto:")
    return f"[{_label(label)}]({address})"


def _label(text: str) -> str:
    return re.sub(r"([\[\]\\*_`])", r"\\\1", _plain(text))


def _plain(text: str) -> str:
    """Text in which no markup is: the labels of references alone are left of them."""
    return _unescape(_ANGLED.sub(lambda found: found[1].rpartition("|")[2], text))


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _fenced(code: str) -> str:
    """A block on lines of its own, as Markdown wants it."""
    if not code.startswith("```"):
        return code
    return "\n```\n" + code[3:-3].strip("\n") + "\n```\n"
