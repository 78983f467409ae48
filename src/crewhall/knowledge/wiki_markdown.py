"""Wiki entries as HTML: Markdown with headings that can be led to, and links between entries. Imported when used.

`[[Coffee basics]]`, `[[coffee-basics]]` and `[[coffee-basics|how we brew]]` lead to the entry of that name; where there
is none, the link says so.
"""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from msgspec import Struct

from crewhall.knowledge.wiki_names import key_of, path_of, slug_of

MAX_MARKS = 20_000
"""Text with more marks of Markdown is shown as it is typed: parsing takes long, and no person writes it."""
MOST_LINKS = 500
_LONGEST_LINK = 300
_MARK = re.compile(r"[\\`*_\[\]<>&|~!]")
_WIKI_LINK = re.compile(r"\[\[([^\[\]|\n]{1,200})(?:\|([^\[\]|\n]{1,200}))?\]\]")
_TAGS = {
    "p", "br", "hr", "em", "strong", "s", "a", "code", "pre", "blockquote", "ul", "ol", "li", "h2", "h3", "h4", "h5",
    "h6", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_HEADINGS = ("h2", "h3", "h4", "h5", "h6")
_ANCHOR = re.compile(r"at-[a-z0-9-]{1,220}")
_CODE_CLASS = re.compile(r"language-[\w+#.-]{1,40}")


class Heading(Struct, frozen=True):
    """A heading of an entry; `anchor` leads to it."""

    level: int
    text: str
    anchor: str


class Rendered(Struct, frozen=True):
    """An entry's text as safe HTML, its headings, and the keys that it links to, each once."""

    html: str
    headings: list[Heading]
    links: list[str]


def render_entry(content: str, known: Mapping[str, tuple[str, str]] | None = None) -> Rendered:
    """Render an entry. `known`: slug and title of the entries that are there, by key; None: all are."""
    env: dict[str, Any] = {"known": known, "links": {}, "headings": []}
    if len(content) > MAX_MARKS and len(_MARK.findall(content)) > MAX_MARKS:
        return Rendered(f"<pre>{escape(content, quote=False)}</pre>", [], [])
    html = _CLEANER.clean(_MARKDOWN.render(content, env)).rstrip("\n")
    return Rendered(html, env["headings"], list(env["links"]))


def links_of(content: str) -> list[str]:
    """The keys that an entry links to, each once."""
    return render_entry(content).links if "[[" in content else []


def _wiki_link(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser calls it so
    """Inline rule: `[[target]]` and `[[target|text]]`."""
    if not state.src.startswith("[[", state.pos):
        return False
    found = _WIKI_LINK.match(state.src, state.pos, state.pos + 2 * _LONGEST_LINK)
    if found is None or not found[1].strip() or len(state.env["links"]) >= MOST_LINKS:
        return False
    if not silent:
        key, known = key_of(found[1]), state.env["known"]
        there = None if known is None else known.get(key)
        state.env["links"][key] = None
        opened = state.push("link_open", "a", 1)
        opened.attrs = {"href": path_of(there[0] if there else key)}
        if known is not None and there is None:
            opened.attrs["class"] = "missing"
            opened.attrs["title"] = "There is no entry of this name yet"
        state.push("text", "", 0).content = (found[2] or (there[1] if there else found[1])).strip()
        state.push("link_close", "a", -1)
    state.pos = found.end()
    return True


def _lead_to_headings(state: StateCore) -> None:
    """Core rule: headings are one level below the page's own, and have anchors."""
    taken: set[str] = set()
    for token, inline in zip(state.tokens, state.tokens[1:], strict=False):
        if token.type != "heading_open":
            continue
        level = min(6, int(token.tag[1]) + 1)
        text = "".join(one.content for one in inline.children or () if one.type in {"text", "code_inline"}).strip()
        anchor = f"at-{slug_of(text) or len(taken) + 1}"
        while anchor in taken:
            anchor = f"{anchor}-{len(taken) + 1}"
        taken.add(anchor)
        token.tag, token.attrs = f"h{level}", {"id": anchor}
        state.env["headings"].append(Heading(level, text, anchor))
    for token in state.tokens:
        if token.type == "heading_close":
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"


def _filter_attribute(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "id":
        return value if _ANCHOR.fullmatch(value) else None
    if tag == "code" and attribute == "class":
        return value if _CODE_CLASS.fullmatch(value) else None
    if tag == "a" and attribute == "href":
        is_whole = value.startswith(("http://", "https://", "mailto:", "/wiki/", "#at-"))
        return value if is_whole else None
    return value


def _parser() -> MarkdownIt:
    options: dict[str, Any] = {"html": False, "breaks": False, "linkify": True, "maxNesting": 20}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough", "linkify"])
    parser.disable(["image", "html_block", "html_inline"])
    if parser.linkify is not None:
        parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
    parser.inline.ruler.before("link", "wiki_link", _wiki_link)
    parser.core.ruler.push("headings", _lead_to_headings)
    return parser


_MARKDOWN = _parser()
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes={"a": {"href", "title"}, "code": {"class"}, "ol": {"start"}, **{tag: {"id"} for tag in _HEADINGS}},
    attribute_filter=_filter_attribute,
    allowed_classes={"a": {"missing"}},
    url_schemes={"http", "https", "mailto"},
    url_relative="pass_through",
    link_rel="noopener noreferrer nofollow",
)
