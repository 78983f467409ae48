"""The scribe: a digest of a conversation without any model. Who said what, which questions are open, what was decided.

It reads words, not meaning, and says so little that this is enough: quotes with their place, never a retelling.
"""

import re
from collections import Counter

from crewhall.conversations import escape_markdown
from crewhall.kernel.actor import ActorType
from crewhall.runtime.context import Context, Line

MOST = 5
QUOTE = 160
DECIDED = re.compile(
    r"\b(decided|decision|agreed|we will|we'll|let's (?:go|do|use|take)|going with|settled|approved|resolved|"
    r"from now on)\b",
    re.IGNORECASE,
)
CODE = re.compile(r"```.*?```", re.DOTALL)
LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
"""Both parts end where another may begin: however many are opened and never closed, no text is read twice."""
EMPHASIS = re.compile(r"\*{1,3}|~~|`|(?<!\w)_{1,3}(?=\w)|(?<=[\w.!?])_{1,3}(?!\w)")
CALL = re.compile(r"(?<!\w)@(?=\w)")
SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")


def write_digest(context: Context) -> str:
    """The digest of the messages that the scribe was shown, in Markdown."""
    lines = [line for line in context.lines if not _is_request(line, context)]
    if not lines:
        return "There is nothing to digest yet: nobody has said anything here."
    parts = [
        _head(lines, omitted=context.omitted),
        _speakers(lines),
        _section("Decided", [_quote(line, said) for line, said in _decisions(lines)]),
        _section("Open questions", [_quote(line, said) for line, said in _open_questions(lines)]),
        _section("Links", _links(lines)),
    ]
    return "\n\n".join(part for part in parts if part)


def _is_request(line: Line, context: Context) -> bool:
    """The scribe's own digests, and the message that asks for this one, are not part of it."""
    return line.author_id == context.agent_id or line.seq == context.message_seq


def _head(lines: list[Line], *, omitted: bool) -> str:
    since = lines[0].created_at.strftime("%d %B %Y, %H:%M")
    count = f"{len(lines)} message" + ("s" if len(lines) > 1 else "")
    older = " Older ones are left out." if omitted else ""
    return f"**Digest of {count} since {since} UTC.**{older}"


def _speakers(lines: list[Line]) -> str:
    """Who spoke how often, and last about what."""
    counted = Counter(line.author_id for line in lines)
    last = {line.author_id: line for line in lines}
    said = []
    for author, times in counted.most_common(MOST):
        line = last[author]
        agent = ", agent" if line.author_type is ActorType.AGENT else ""
        quoted = _short(_sentences(line.content)[0])
        said.append(f"- **{_named(line)}**{agent} ({times}): “{quoted}” (#{line.seq})")
    rest = len(counted) - MOST
    return "\n".join(["**Who said what**", *said, *([f"- and {rest} more"] if rest > 0 else [])])


def _decisions(lines: list[Line]) -> list[tuple[Line, str]]:
    found = [
        (line, said)
        for line in lines
        for said in _sentences(line.content)
        if DECIDED.search(said) and not said.endswith("?")
    ]
    return found[-MOST:]


def _open_questions(lines: list[Line]) -> list[tuple[Line, str]]:
    """Questions that nobody else answered in their thread, or right after them."""
    found = []
    for at, line in enumerate(lines):
        asked = [said for said in _sentences(line.content) if said.endswith("?")]
        if asked and not _is_answered(line, lines[at + 1 :]):
            found.append((line, asked[-1]))
    return found[-MOST:]


def _is_answered(question: Line, later: list[Line]) -> bool:
    """By anybody in its thread, by an agent that it names, or by whoever spoke next, unless with a question."""
    place = question.thread or question.seq
    if any(line.thread == place and line.author_id != question.author_id for line in later):
        return True
    beside = [line for line in later if line.thread == question.thread]
    agents = [line for line in beside if line.author_type is ActorType.AGENT]
    asked = question.content.casefold()
    if any(line.name.casefold() in asked for line in agents):
        return True
    following = next((line for line in beside if line not in agents), None)
    if following is None or following.author_id == question.author_id:
        return False
    return not _sentences(following.content)[-1].endswith("?")


def _links(lines: list[Line]) -> list[str]:
    found = {url.rstrip(".,;:!?)"): line for line in lines for url in re.findall(r"https?://[^\s<>\])]+", line.content)}
    return [f"- {url} ({_named(line)}, #{line.seq})" for url, line in list(found.items())[-MOST:]]


def _section(title: str, items: list[str]) -> str:
    return "\n".join([f"**{title}**", *items]) if items else ""


def _quote(line: Line, said: str) -> str:
    return f"- “{_short(said)}” ({_named(line)}, #{line.seq})"


def _named(line: Line) -> str:
    """Who spoke, as it may stand in a digest: a name is no markup, and calls nobody."""
    return escape_markdown(CALL.sub("", line.name))


def _sentences(text: str) -> list[str]:
    """The sentences of a message, without its code; at least one."""
    plain = CODE.sub(" ", text)
    return [said for part in SENTENCE.split(plain) if (said := _tame(part))] or ["(code)"]


def _tame(part: str) -> str:
    """A sentence as it may stand in a quotation: nobody is called, nothing is emphasised, no heading or list begins."""
    plain = CALL.sub("", LINK.sub(r"\1", re.sub(r"^[\s>#*+\-]+", "", part)))
    return re.sub(r"\s+", " ", EMPHASIS.sub("", plain)).strip()


def _short(said: str) -> str:
    return escape_markdown(said if len(said) <= QUOTE else said[: QUOTE - 1].rsplit(" ", 1)[0] + "…")
