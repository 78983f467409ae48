"""The guide: answers how Crewhall works from the handbook, with links, without any model. It quotes, never guesses."""

import re

from crewhall.ports.knowledge import Passage
from crewhall.runtime.context import Context
from crewhall.runtime.handbook import HELP, at_home, pages

MOST_CHARACTERS = 1200
MOST_NAMED = 3
MENTION = re.compile(r"(?<!\w)@[\w.-]+")
CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)
FIRST_PAGES = ("basics", "agents", "turns", "cli", "settings", "glossary")

INTRODUCTION = (
    "I answer questions about how Crewhall works, from its handbook. Ask me, for example, *how do I invite people?* or "
    "*when do agents answer?* Or read:"
)


def answer_as_guide(context: Context) -> str:
    """Answer what was asked, in Markdown: the passage that fits best, and where to read on."""
    if not context.passages:
        return at_home(_introduction(), context.base_url)
    best, *others = context.passages[:MOST_NAMED]
    parts = [f"**{best.title}**", uncalled(shortened(best.text)), f"Read on: {_link(best)}"]
    if others:
        parts.append("See also: " + ", ".join(map(_link, others)))
    return "\n\n".join(parts)


def shortened(text: str, most: int = MOST_CHARACTERS) -> str:
    """The beginning of a text, in whole paragraphs and whole pieces of code, about so many characters."""
    kept: list[str] = []
    for block in _blocks(text):
        if kept and sum(map(len, kept)) + len(block) > most:
            return "\n\n".join([*kept, "…"])
        kept.append(block)
    return "\n\n".join(kept)[: 4 * most]


def uncalled(text: str) -> str:
    """The text as it may be quoted: whoever is named in it with an @ is not called. Code calls nobody anyway."""
    return "".join(part if part.startswith("`") else MENTION.sub(r"`\g<0>`", part) for part in CODE.split(text))


def _blocks(text: str) -> list[str]:
    """The paragraphs of a text; code stays in one piece."""
    blocks: list[list[str]] = [[]]
    in_code = False
    for line in text.splitlines():
        in_code ^= line.lstrip().startswith("```")
        if line.strip() or in_code:
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return ["\n".join(block) for block in blocks if block]


def _introduction() -> str:
    known = pages()
    links = [f"- [{known[name].title}]({HELP}{name})" for name in FIRST_PAGES if name in known]
    return "\n".join([INTRODUCTION, "", *links])


def _link(passage: Passage) -> str:
    return f"[{passage.title}]({passage.url})"
