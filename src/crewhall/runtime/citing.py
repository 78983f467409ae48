"""Citations: the numbers in an answer, held against what its turn was given or found. None is invented.

Passages are numbered from 1 in the order in which a turn comes by them: those of its context, then what its searches
find, each once. A model writes `[2]`; what is posted has the numbers in the order of the text, and the message says of
each what it names. A number that names nothing is taken out.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from crewhall.knowledge.tools import Passages
from crewhall.runtime.handbook import HELP
from crewhall.runtime.journal import Step
from crewhall.runtime.vocabulary import StepKind

MOST_SOURCES = 20
_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
_MARKER = re.compile(
    r"(?P<before>[ \t]?)[\[【]\^?(?P<numbers>\d{1,3}(?:\s*[,;–-]\s*\^?\d{1,3})*)[\]】](?P<link>\([^()\s]*\))?(?!\()"
)
_MOST_IN_RANGE = 10
_OWN_NUMBER = re.compile(r"\[(\d{1,3})\](?!\()")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What a number in an answer names. `id` is the chunk's or the message's; `url` opens it where it stands."""

    number: int
    id: str
    title: str
    url: str
    document_id: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """An answer as it is posted: its numbers count from 1 in the order of the text, and each is among the sources."""

    text: str
    sources: list[Source]


def given_to(steps: Iterable[Step]) -> dict[int, Source]:
    """What a turn was given or found so far, by the numbers that it was told."""
    found: dict[int, Source] = {}
    for step in steps:
        if step.kind is StepKind.CONTEXT:
            passages, home = step.body.get("passages") or [], str(step.body.get("base_url") or "")
            for number, one in enumerate(passages, 1):
                url = one["url"].removeprefix(home)
                if not url.startswith(HELP):  # the guide links what it quotes of the handbook
                    found[number] = Source(
                        number=number, id=one["id"], title=one["title"], url=url, document_id=one.get("document_id")
                    )
        elif step.kind is StepKind.RESULT:
            for one in step.body.get("sources") or ():
                source = msgspec.convert(one, Source)
                found[source.number] = source
    return found


def number_found(result: Passages, given: dict[int, Source]) -> list[Source]:
    """Number what a search has found, in the result itself; gives what is new. What was given before has its number.

    Numbers of a passage's own are put in other brackets.
    """
    numbers = {one.id: one.number for one in given.values()}
    new: list[Source] = []
    for one in result.passages:
        if (known := numbers.get(str(one.id))) is None:
            known = numbers[str(one.id)] = max(numbers.values(), default=0) + 1
            title = f"{one.title}, {one.where}" if one.where else one.title
            document_id = None if one.document_id is None else str(one.document_id)
            new.append(Source(number=known, id=str(one.id), title=title, url=one.link, document_id=document_id))
        one.cite_as, one.text = f"[{known}]", unnumbered(one.text)
    return new


def unnumbered(text: str) -> str:
    """A passage's text whose own numbers in brackets are not taken for those of passages."""
    return _OWN_NUMBER.sub(r"(\1)", text)


def cite(text: str, given: dict[int, Source]) -> Answer:
    """Hold the numbers in a text against what was given. Code stays as it is; so does all where nothing was given."""
    if not given:
        return Answer(text, [])
    cited: dict[int, Source] = {}

    def settle(match: re.Match[str]) -> str:
        if match["numbers"] == "0":
            return match[0]  # the first of a list, in a program's words
        kept = []
        for number in _numbers(match["numbers"]):
            if number in given and (number in cited or len(cited) < MOST_SOURCES):
                if number not in cited:
                    cited[number] = msgspec.structs.replace(given[number], number=len(cited) + 1)
                kept.append(f"[{cited[number].number}]")
        if not kept and match["link"]:
            return match[0]  # a link of its own
        return match["before"] + " ".join(dict.fromkeys(kept)) if kept else ""

    parts = [part if part.startswith("`") else _MARKER.sub(settle, part) for part in _CODE.split(text)]
    settled = _apart("".join(parts)) if cited else "".join(parts)
    return Answer(settled, list(cited.values())) if settled.strip() else Answer(text, [])


def _apart(text: str) -> str:
    """The text with a space between numbers that stand side by side: Markdown takes two in brackets for one link."""
    return "".join(
        part if part.startswith("`") else re.sub(r"(\[\d{1,3}\])(?=\[\d{1,3}\])", r"\1 ", part)
        for part in _CODE.split(text)
    )


def _numbers(written: str) -> list[int]:
    """The numbers of a marker: one, several, or a range."""
    found: list[int] = []
    for part in re.split(r"[,;]", written.replace("^", "")):
        first, _, last = (one.strip() for one in re.sub(r"[–-]", "-", part).partition("-"))
        begin, end = int(first), int(last or first)
        found += range(begin, min(end, begin + _MOST_IN_RANGE) + 1)
    return found


def links_of(sources: Iterable[Source], base_url: str) -> dict[str, tuple[str, str]]:
    """Where the numbers of an answer lead, with what is shown of them."""
    return {str(one.number): (base_url + one.url, one.title) for one in sources}


def as_metadata(sources: Iterable[Source]) -> list[dict[str, Any]]:
    """Sources as a message keeps them."""
    return [msgspec.to_builtins(one) for one in sources]
