"""The parser of Markdown, and what cleans its HTML: imported with the first text that needs them."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from crewhall.conversations.markdown import mention_span
from crewhall.conversations.mention_syntax import split_mentions

MAX_NESTING = 20
_TAGS = {
    "p", "br", "hr", "em", "strong", "s", "a", "code", "pre", "blockquote", "ul", "ol", "li", "h1", "h2", "h3", "h4",
    "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "span",
}  # fmt: skip
_ALIGNED = {"left", "center", "right"}
_CODE_CLASS = re.compile(r"language-[\w+#.-]{1,40}")
_TASK = re.compile(r"\[([ xX])\](?=\s)")


def render_parsed(text: str, mentioned: Collection[str], links: Mapping[str, tuple[str, str]]) -> str:
    """Return safe HTML of Markdown, with those mentions marked, and those brackets links."""
    references = {label: {"href": href, "title": title} for label, (href, title) in links.items()}
    env: dict[str, Any] = {"mentioned": frozenset(mentioned), "references": references}
    return _CLEANER.clean(_MARKDOWN.render(text, env)).rstrip("\n")


def mentionable_pieces(text: str) -> Iterator[str]:
    """The pieces of Markdown in which mentions count: not code, not links, not what somebody else said."""
    quoted = 0
    for block in _MARKDOWN.parse(text):
        quoted += {"blockquote_open": 1, "blockquote_close": -1}.get(block.type, 0)
        if quoted == 0:
            for token in _outside_links(block.children or ()):
                yield token.content


def _outside_links(tokens: Sequence[Token]) -> Iterator[Token]:
    depth = 0
    for token in tokens:
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "text" and depth == 0:
            yield token


def _mark_mentions(state: StateCore) -> None:
    """Core rule: cut the resolved mentions out of text that is not inside a link (code is no text token)."""
    mentioned = state.env.get("mentioned")
    if not mentioned:
        return
    for block in state.tokens:
        if block.children and "@" in block.content:
            marked = {id(token) for token in _outside_links(block.children)}
            block.children = [
                piece
                for token in block.children
                for piece in (_cut(token, mentioned) if id(token) in marked else (token,))
            ]


def _cut(token: Token, mentioned: Collection[str]) -> Iterator[Token]:
    for piece, name in split_mentions(token.content, mentioned):
        kind = "text" if name is None else "mention"
        yield Token(kind, "", 0, content=piece, meta={"name": name}, level=token.level)


def _mark_tasks(state: StateCore) -> None:
    """Core rule: `[ ]` and `[x]` at the start of a list item become boxes."""
    for item, paragraph, inline in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        if item.type != "list_item_open" or paragraph.type != "paragraph_open" or not inline.children:
            continue
        first = inline.children[0]
        if first.type == "text" and (box := _TASK.match(first.content)):
            first.content = ("☐" if box[1] == " " else "☑") + first.content[box.end() :]
            item.attrs = {"class": "task"}


def _align_cells(state: StateCore) -> None:
    """Core rule: how a table's columns are aligned becomes a class of their cells (styles are not let through)."""
    for token in state.tokens:
        if token.type in {"th_open", "td_open"} and token.attrs:
            token.attrs = {"class": str(token.attrs["style"]).removeprefix("text-align:")}


def _render_mention(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    return mention_span(tokens[index].content, tokens[index].meta["name"])


def _filter_attribute(tag: str, attribute: str, value: str) -> str | None:
    if tag == "code" and attribute == "class":
        return value if _CODE_CLASS.fullmatch(value) else None
    return value


def _parser() -> MarkdownIt:
    options: dict[str, Any] = {"html": False, "breaks": True, "linkify": True, "maxNesting": MAX_NESTING}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough", "linkify"])
    parser.disable(["image", "html_block", "html_inline"])
    if parser.linkify is not None:
        parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
    parser.core.ruler.after("text_join", "tasks", _mark_tasks)
    parser.core.ruler.after("tasks", "cells", _align_cells)
    parser.core.ruler.after("tasks", "mentions", _mark_mentions)
    parser.add_render_rule("mention", _render_mention)
    return parser


_MARKDOWN = _parser()
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes={"a": {"href", "title"}, "code": {"class"}, "ol": {"start"}, "span": {"data-handle"}},
    attribute_filter=_filter_attribute,
    allowed_classes={"span": {"mention"}, "li": {"task"}, "th": _ALIGNED, "td": _ALIGNED},
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
)
