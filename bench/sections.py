"""Sections of real documents on this machine: where a title asks, and the text below it answers. Nothing is fetched."""

import re
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from pydoc_data.topics import topics

import msgspec

PLACES = (
    ("Node.js", "/usr/share/doc/nodejs/api", "*.md"),
    ("npm", "/usr/lib/node_modules/npm/docs/content", "*/*.md"),
    ("Valgrind", "/usr/share/doc/valgrind/html", "*manual*.html"),
    ("CMake", "/usr/share/cmake-*/Help/manual", "*.rst"),
    ("Git", "/usr/share/doc/git", "**/*.html"),
    ("PostgreSQL", "/usr/share/doc/postgresql-doc-*/html", "*.html"),
)
"""Documentation that distributions package: name, folder, files."""
SHORTEST, LONGEST = 200, 12_000
CHUNK = 900
"""Characters of a chunk, about 220 tokens."""


class Section(msgspec.Struct, frozen=True):
    """A title with the text below it. `above` are the titles that it stands under; `is_dev`: for choosing by."""

    document: str
    above: tuple[str, ...]
    title: str
    body: str

    @property
    def is_dev(self) -> bool:
        """Whether it belongs to the half that may be tuned on; a document's sections all do, or none."""
        return sha256(self.document.encode()).digest()[0] % 2 == 0

    @property
    def asks(self) -> bool:
        """Whether its title is a question in words: three or more, and none of code."""
        words = self.title.split()
        return 3 <= len(words) <= 14 and bool(re.fullmatch(r"[A-Za-z][A-Za-z ,'’?-]+", self.title))

    def chunks(self) -> list[str]:
        """Its text in pieces: paragraphs together up to the length of a chunk."""
        made = [""]
        for paragraph in re.split(r"\n\s*\n", self.body):
            for at in range(0, len(paragraph), CHUNK):
                piece = paragraph[at : at + CHUNK].strip()
                if made[-1] and len(made[-1]) + len(piece) > CHUNK:
                    made.append("")
                made[-1] = f"{made[-1]}\n\n{piece}".strip()
        return [one for one in made if one]


def read_sections() -> list[Section]:
    """Every section on this machine that is neither tiny nor huge, in an order that is the same everywhere."""
    found = [*_topics()]
    for name, folder, pattern in PLACES:
        root, _, rest = folder.partition("*")
        folders = sorted(Path(root).parent.glob(Path(root).name + "*" + rest)) if _ else [Path(folder)]
        for place in folders:
            for path in sorted(place.glob(pattern)):
                found += _of_file(f"{name}: {path.stem}", path)
    seen: set[str] = set()
    kept = []
    for section in found:
        if SHORTEST <= len(section.body) <= LONGEST and section.body not in seen:
            seen.add(section.body)
            kept.append(section)
    return kept


def _topics() -> Iterator[Section]:
    for name, text in sorted(topics.items()):
        yield from _underlined(f"Python: {name}", text)


def _of_file(document: str, path: Path) -> Iterator[Section]:
    text = path.read_text(errors="replace")
    if path.suffix == ".md":
        return _marked(document, text)
    if path.suffix == ".rst":
        return _underlined(document, text)
    reader = _Html()
    reader.feed(text)
    return _marked(document, "".join(reader.parts))


def _marked(document: str, text: str) -> Iterator[Section]:
    """Markdown: titles behind `#`, but not within fences."""
    lines, fenced = [], False
    for line in re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL).splitlines():
        fenced ^= line.lstrip().startswith("```")
        title = None if fenced else re.match(r"(#{1,6})\s+(.+)", line)
        lines.append((len(title[1]), title[2].strip(" #`*")) if title else line)
    return _sections(document, lines)


def _underlined(document: str, text: str) -> Iterator[Section]:
    """The form of Python's and CMake's documents: titles with a line of one sign below, the first outermost."""
    found: list[str | tuple[int, str]] = []
    signs: list[str] = []
    for line in text.splitlines():
        last = found[-1] if found else ""
        if isinstance(last, str) and last.strip() and re.fullmatch(r"([*=\-~^\"#])\1{2,}", line):
            if line[0] not in signs:
                signs.append(line[0])
            found[-1] = (signs.index(line[0]) + 1, last.strip())
        else:
            found.append(line)
    return _sections(document, found)


def _sections(document: str, lines: list[str | tuple[int, str]]) -> Iterator[Section]:
    path: list[tuple[int, str]] = []
    body: list[str] = []
    for line in [*lines, (0, "")]:
        if isinstance(line, str):
            body.append(line)
            continue
        if path:
            above = tuple(title for _, title in path[:-1])
            yield Section(document, above, path[-1][1], "\n".join(body).strip())
        path = [one for one in path if one[0] < line[0]] + [line]
        body = []


class _Html(HTMLParser):
    """Text of a page, its titles as Markdown's."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._skipped += tag in {"script", "style", "head"}
        if re.fullmatch("h[1-6]", tag):
            self.parts.append(f"\n\n{'#' * int(tag[1])} ")
        elif tag in {"p", "li", "pre", "tr", "dt", "dd", "div"}:
            self.parts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        self._skipped -= tag in {"script", "style", "head"}
        if re.fullmatch("h[1-6]", tag):
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.parts.append(re.sub(r"\s+", " ", data))
