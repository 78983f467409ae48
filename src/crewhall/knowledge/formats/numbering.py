"""What a Word document's styles say of its paragraphs: which are headings, and which stand in lists."""

import re
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING = re.compile(r"heading (\d)$", re.IGNORECASE)
_BULLETS = {"bullet", "none"}
MOST_STYLES = 20
"""How long a chain of styles that rest on one another may be."""
TEXT_LEVEL = 9
"""The outline level of what is no heading."""


class Numbering:
    """Answers for one document, and counts its numbered lists as they come."""

    def __init__(self, document: Any) -> None:
        self._styles = {one.style_id: one.element for one in document.styles}
        self._names = {one.style_id: one.name or "" for one in document.styles}
        self._formats = _formats(document)
        self._counts: dict[tuple[str, int], int] = {}

    def style_of(self, paragraph: Any) -> str:
        """The name of its style, as Word names it in English."""
        return str(self._names.get(_value(paragraph, "pPr/pStyle") or "", ""))

    def heading_level(self, paragraph: Any, style: str) -> int | None:
        """The level of a heading; None for anything else."""
        if style == "Title":
            return 1
        if found := _HEADING.match(style):
            return int(found[1]) or None
        stated = self._stated(paragraph, "outlineLvl")
        return int(stated) + 1 if stated and stated.isdecimal() and int(stated) < TEXT_LEVEL else None

    def place_in_list(self, paragraph: Any) -> tuple[int, int | None] | None:
        """How deep it stands in a list, from 0, and its number if it has one; None outside of lists."""
        number_id = self._stated(paragraph, "numPr/numId")
        if not number_id or number_id == "0":
            return None
        level = self._stated(paragraph, "numPr/ilvl") or "0"
        depth = min(int(level), 8) if level.isdecimal() else 0
        if self._formats.get((number_id, depth), "bullet") in _BULLETS:
            return depth, None
        for deeper in range(depth + 1, TEXT_LEVEL):
            self._counts.pop((number_id, deeper), None)
        count = self._counts[number_id, depth] = self._counts.get((number_id, depth), 0) + 1
        return depth, count

    def _stated(self, paragraph: Any, what: str) -> str | None:
        """What the paragraph says, or the nearest of its styles that says it."""
        value = _value(paragraph, f"pPr/{what}")
        style = _value(paragraph, "pPr/pStyle")
        for _ in range(MOST_STYLES):
            if value is not None or style not in self._styles:
                break
            value = _value(self._styles[style], f"pPr/{what}")
            style = _value(self._styles[style], "basedOn")
        return value


def _formats(document: Any) -> dict[tuple[str, int], str]:
    """How each level of each list is numbered."""
    try:
        root = document.part.numbering_part.element
    except (KeyError, NotImplementedError, AttributeError):
        return {}
    kinds: dict[str, dict[int, str]] = {}
    for abstract in root.iter(f"{W}abstractNum"):
        levels = {
            int(level.get(f"{W}ilvl") or 0): _value(level, "numFmt") or "bullet" for level in abstract.iter(f"{W}lvl")
        }
        kinds[abstract.get(f"{W}abstractNumId")] = levels
    return {
        (number.get(f"{W}numId"), level): kind
        for number in root.iter(f"{W}num")
        for level, kind in kinds.get(_value(number, "abstractNumId") or "", {}).items()
    }


def _value(element: Any, path: str) -> str | None:
    found = element.find("/".join(f"{W}{one}" for one in path.split("/")))
    return None if found is None else found.get(f"{W}val")
