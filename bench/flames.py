"""A flame graph as an image: who called whom, as wide as the share of the time; the outermost function is on top.

One SVG without scripts, light or dark as its reader. Opened by itself, its frames tell their file and their share.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement, tostring

WIDTH, ROW, HEAD = 1200, 18, 46
CHARACTER = 6.3
LEAST = 0.004
"""A frame with less of the time than this is left out."""
NEARLY_ALL = 0.98
STYLE = """
text { font: 11px ui-monospace, Menlo, Consolas, monospace; fill: #1c1917; }
.title { font: 600 15px system-ui, sans-serif; } .note { font: 12px system-ui, sans-serif; fill: #57534e; }
rect { stroke: #fff; stroke-width: .6; } .page { fill: #fff; stroke: none; }
.own { fill: #fdba74; } .library { fill: #bfdbfe; } .python { fill: #e7e5e4; }
@media (prefers-color-scheme: dark) {
  text { fill: #f5f5f4; } .note { fill: #a8a29e; } rect { stroke: #1c1917; } .page { fill: #1c1917; }
  .own { fill: #9a3412; } .library { fill: #1e40af; } .python { fill: #44403c; }
}
"""
LEGEND = (("own", "Crewhall"), ("library", "libraries"), ("python", "Python"))


@dataclass
class Call:
    """A function as it was called from where it stands, with all that it called."""

    name: str
    count: int = 0
    calls: dict[str, "Call"] = field(default_factory=dict)


def calls_of(stacks: Iterable[tuple[tuple[str, ...], int]]) -> Call:
    """Put stacks together. What nearly all begin with is left out: it is how the process was started."""
    root = Call("all")
    for stack, count in stacks:
        root.count += count
        at = root
        for name in stack:
            at = at.calls.setdefault(name, Call(name))
            at.count += count
    while (most := max(root.calls.values(), key=lambda call: call.count, default=None)) is not None:
        if most.count < NEARLY_ALL * root.count or not most.calls:
            break
        root = most
    return root


def flame_graph(stacks: Iterable[tuple[tuple[str, ...], int]], title: str, note: str) -> bytes:
    """The image of stacks, each the outermost function first."""
    root = calls_of(stacks)
    svg = Element("svg", xmlns="http://www.w3.org/2000/svg", role="img")
    SubElement(svg, "title").text = title
    SubElement(svg, "style").text = STYLE
    page = SubElement(svg, "rect", {"class": "page", "width": "100%", "height": "100%"})
    SubElement(svg, "text", {"class": "title", "x": "8", "y": "20"}).text = title
    SubElement(svg, "text", {"class": "note", "x": "8", "y": "38"}).text = note
    _legend(svg)
    height = HEAD + ROW * _draw(svg, root, 0.0, 0, root.count) + 6
    svg.set("viewBox", f"0 0 {WIDTH} {height}")
    page.set("height", str(height))
    return tostring(svg)


def _legend(svg: Element) -> None:
    for place, (kind, word) in enumerate(LEGEND):
        x = WIDTH - 110 * (len(LEGEND) - place)
        SubElement(svg, "rect", {"class": kind, "x": str(x), "y": "12", "width": "12", "height": "12"})
        SubElement(svg, "text", {"class": "note", "x": str(x + 17), "y": "22"}).text = word


def _draw(svg: Element, call: Call, x: float, depth: int, whole: int) -> int:
    """Draw what a call called, the most first; returns how many rows that takes."""
    rows = depth
    for one in sorted(call.calls.values(), key=lambda found: -found.count):
        width = WIDTH * one.count / whole
        if one.count >= LEAST * whole:
            _frame(svg, one, x, depth, one.count / whole)
            rows = max(rows, depth + 1, _draw(svg, one, x, depth + 1, whole))
        x += width
    return rows


def _frame(svg: Element, call: Call, x: float, depth: int, share: float) -> None:
    frame = SubElement(svg, "g")
    SubElement(frame, "title").text = f"{call.name}: {share:.1%}"
    y, width = HEAD + ROW * depth, WIDTH * share
    size = {"x": f"{x:.1f}", "y": str(y), "width": f"{width:.1f}", "height": str(ROW)}
    SubElement(frame, "rect", {"class": _kind(call.name), **size})
    room = int((width - 6) / CHARACTER)
    words = call.name.rpartition(" ")[2].replace(".<locals>", "")
    if room > 3:
        words = words if len(words) <= room else words[: room - 1] + "…"
        SubElement(frame, "text", {"x": f"{x + 3:.1f}", "y": str(y + 13)}).text = words


def _kind(name: str) -> str:
    if name.startswith("crewhall/"):
        return "own"
    return "python" if name.startswith(("python3", "<frozen", "bench/")) else "library"
