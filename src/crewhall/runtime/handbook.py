"""The handbook: Crewhall's own documentation, as it comes with the package, in sections to find and to link."""

import math
import re
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

import msgspec

PACKAGED = Path(__file__).resolve().parents[1] / "docs"
CHECKED_OUT = Path(__file__).resolve().parents[3] / "docs"
HEADING = re.compile(r"^(#{1,3})\s+(.*?)\s*#*$")
HELP = "/help/"
NEW_LINE = re.compile(r"\s*([-*+>|#]|\d+[.)]\s|```)|\s*$")
WORD = re.compile(r"[a-z0-9_]+")
PAGE_LINK = re.compile(r"\]\((?:\./)?([a-z-]+)\.md(#[^)]*)?\)")
PICTURES = re.compile(r"^.*!\[[^\[\]]*\]\([^()]*\).*\n?", re.MULTILINE)
"""Lines of pictures: those stand in the repository's pages alone."""
OTHER_LINK = re.compile(r"\[([^\]]*)\]\((?!/|https?:)[^)]*\)")
COMMON = """
a about an and are as at be but by can could did do does for from get had has have how i if in into is it its me my of
on or our please should so tell than that the their them then there these they this to us was we what when where which
who why will with would you your crewhall work works use using explain hello hi hey thanks thank good morning evening
help guide hall somebody someone anybody
"""
STOP_WORDS = frozenset(COMMON.split())
FOR_MAKERS = frozenset({"internals", "pages", "performance", "rules", "events", "chaos"})
"""Pages for those who change Crewhall: there to be read, but no answer to who uses it."""
REFERENCE, REFERENCE_WEIGHT = frozenset({"cli", "settings", "errors"}), 0.7
"""Pages that list everything: where another page says how something is done, that is the answer."""
IN_ORDER = [
    "basics", "reading", "search", "rooms", "writing", "wiki", "work", "sessions", "timeline", "kpis", "agents",
    "colleagues", "tools", "approvals", "budgets", "models", "mcp", "openai", "sdk", "cli", "install", "settings",
    "backup", "scaling",
]  # fmt: skip
"""The pages that one reads first, as the README has them; what is not among them comes after."""
LINK_TARGET = re.compile(r"\]\([^()\s]*\)")
"""Where a link leads: nothing that the text says."""
TITLE_WEIGHT = 3
MOST_ASKED = 2000
"""Characters of a question."""
K1, B = 1.4, 0.6


class Section(msgspec.Struct, frozen=True):
    """A section of a page. `page` is the file's name without its ending, `anchor` the heading's in the page."""

    page: str
    title: str
    heading: str
    anchor: str
    text: str

    @property
    def path(self) -> str:
        """Where the section is read in this installation."""
        return f"{HELP}{self.page}" + (f"#{self.anchor}" if self.anchor else "")


class Page(msgspec.Struct, frozen=True):
    """A page: its name in the address, its title, its text in Markdown."""

    name: str
    title: str
    text: str


@cache
def pages() -> dict[str, Page]:
    """Every page by its name; links between them lead to their addresses in this installation."""
    folder = PACKAGED if PACKAGED.is_dir() else CHECKED_OUT
    found = {}
    for path in sorted(folder.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        first = HEADING.match(text.partition("\n")[0])
        found[path.stem] = Page(path.stem, first[2] if first else path.stem.title(), text)
    return {name: msgspec.structs.replace(page, text=_linked(page.text, found)) for name, page in found.items()}


def _linked(text: str, known: dict[str, Page]) -> str:
    """The text with links to the pages that are there; what else is linked by a relative address becomes words."""

    def link(match: re.Match[str]) -> str:
        return f"]({HELP}{match[1]}{match[2] or ''})" if match[1] in known else match[0]

    return OTHER_LINK.sub(r"\1", PAGE_LINK.sub(link, PICTURES.sub("", text)))


@cache
def sections() -> list[Section]:
    """Every section of every page for those who use Crewhall."""
    return [section for page in pages().values() if page.name not in FOR_MAKERS for section in sections_of(page)]


def name_of(section: Section) -> str:
    """What a section is called outside its page."""
    return section.heading if section.heading == section.title else f"{section.title}: {section.heading}"


def at_home(text: str, base_url: str) -> str:
    """The text with addresses that hold wherever it is read: messages know no relative ones."""
    return text.replace(f"]({HELP}", f"]({base_url}{HELP}")


def sections_of(page: Page) -> list[Section]:
    """The sections of one page, in order."""
    found: list[Section] = []
    heading, anchor, lines = page.title, "", list[str]()
    in_code = False

    def close() -> None:
        if text := unwrapped(lines):
            found.append(Section(page.name, page.title, heading, anchor, text))

    for line in page.text.splitlines():
        in_code ^= line.lstrip().startswith("```")
        match = None if in_code else HEADING.match(line)
        if match is None:
            lines.append(line)
            continue
        close()
        lines = []
        heading, anchor = match[2], "" if len(match[1]) == 1 else anchor_of(match[2])
    close()
    return found


def unwrapped(lines: list[str]) -> str:
    """The text with each paragraph on one line: in messages, the end of a line is the end of a line."""
    kept: list[str] = []
    in_code = False
    for line in lines:
        goes_on = bool(kept) and not in_code and not NEW_LINE.match(line)
        if goes_on and kept[-1].strip() and not kept[-1].lstrip().startswith(("|", "```", "#")):
            kept[-1] = f"{kept[-1].rstrip()} {line.strip()}"
        else:
            kept.append(line)
        in_code ^= line.lstrip().startswith("```")
    return "\n".join(kept).strip()


def anchor_of(heading: str) -> str:
    """A heading's name in its page's address."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"[`*_]", "", heading.lower())).strip("-")


def words_of(text: str) -> list[str]:
    """The words that count, without their endings."""
    return [_stem(word) for word in WORD.findall(text.lower()) if word not in STOP_WORDS]


def _stem(word: str) -> str:
    for ending in ("ations", "ation", "ings", "ing", "ies", "ers", "ed", "es", "er", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:  # noqa: PLR2004 - less is no stem
            return word[: -len(ending)]
    return word


class _Index(msgspec.Struct):
    counts: list[Counter[str]]
    lengths: list[int]
    seen_in: Counter[str]
    average: float


@cache
def _index() -> _Index:
    counts = []
    for section in sections():
        titles = words_of(f"{section.title} {section.heading} {section.page}")
        counts.append(Counter(words_of(LINK_TARGET.sub("]", section.text)) + titles * TITLE_WEIGHT))
    lengths = [sum(counted.values()) for counted in counts]
    seen_in = Counter(word for counted in counts for word in counted)
    return _Index(counts, lengths, seen_in, sum(lengths) / max(1, len(lengths)))


def find_sections(question: str, most: int = 3) -> list[Section]:
    """The sections that answer a question best, best first; none where no word of it is known."""
    return [section for _, section in rank_sections(question)[:most]]


def rank_sections(question: str) -> list[tuple[float, Section]]:
    """Every section that has to do with a question, with how well it fits (BM25), best first.

    Of a long question only the beginning is looked at: whatever is pasted after it says no more of what is asked.
    """
    index, asked = _index(), _asked_words(question[:MOST_ASKED])
    scored = []
    for at, section in enumerate(sections()):
        score = sum(_weight(index, at, word) for word in asked)
        if section.page in REFERENCE:
            score *= REFERENCE_WEIGHT
        if score > 0:
            scored.append((score, -at, section))
    ranked = sorted(scored, key=lambda one: one[:2], reverse=True)
    return [(score, section) for score, _, section in ranked]


def _asked_words(question: str) -> set[str]:
    """The words of a question that count. Two that the pages write as one (to back up: backup) are that one."""
    asked = set(words_of(question))
    for first, second in pairwise(WORD.findall(question.lower())):
        joined = _stem(first + second)
        if joined in _index().seen_in:
            asked = asked - {_stem(first), _stem(second)} | {joined}
    return asked


def _weight(index: _Index, at: int, word: str) -> float:
    times = index.counts[at][word]
    if not times:
        return 0.0
    rarity = math.log(1 + (len(index.counts) - index.seen_in[word] + 0.5) / (index.seen_in[word] + 0.5))
    return rarity * times * (K1 + 1) / (times + K1 * (1 - B + B * index.lengths[at] / index.average))
