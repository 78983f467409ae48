"""The librarian: quotes what the organization's documents say about a question, with its sources, without any model.

It is given what fits (knowing.py), best first. It quotes and never retells: what it does not find it does not know.
"""

import re

from crewhall.conversations import escape_markdown
from crewhall.knowledge import QUOTED_FROM
from crewhall.ports.knowledge import Passage
from crewhall.runtime.context import Context
from crewhall.runtime.guide import shortened, uncalled

MOST_QUOTED = 3
AGAIN = 500
"""Characters of a passage beside the best one."""
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)
_MARKER = re.compile(r"\[(?=\d{1,3}\])")

NOTHING = (
    "I found nothing about this in the files, sources and wiki entries that you and I may both read. Ask in other "
    "words, or attach the document here: I can quote it as soon as it is searchable."
)
INTRODUCTION = (
    "I look things up in this organization's files, sources and wiki, and quote what I find with its source. Ask me, "
    "for example, *when do invoices fall due?* I read what you and I may both read: add me to a conversation "
    "for its files."
)


def answer_as_librarian(context: Context) -> str:
    """Answer what was asked, in Markdown: the passages that fit best, each quoted and cited."""
    quoted = [(number, one) for number, one in enumerate(context.passages, 1) if one.score >= QUOTED_FROM]
    if not quoted:
        return NOTHING if _is_asked(context) else INTRODUCTION
    return "\n\n".join(_quoted(number, one) for number, one in quoted[:MOST_QUOTED])


def _is_asked(context: Context) -> bool:
    """Whether there is a question at all, beside the librarian's name."""
    asked = next((line.content for line in context.lines if line.seq == context.message_seq), "")
    return bool(re.sub(r"(?<!\w)@[\w.-]+", "", f"{context.prompt or ''} {asked}").strip(" \t\n!?.,"))


def _quoted(number: int, passage: Passage) -> str:
    text = shortened(passage.text) if number == 1 else shortened(passage.text, AGAIN)
    tame = uncalled(_MARKER.sub(r"\\[", _HEADING.sub(r"**\1**", text)))
    quote = "\n".join(f"> {line}".rstrip() for line in tame.splitlines())
    return f"{uncalled(f'**{escape_markdown(passage.title)}**')}\u00a0[{number}]\n\n{quote}"
