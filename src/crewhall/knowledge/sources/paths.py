"""The small paths that name a place in JSON: `data.items`, `results[0].body`, `title`."""

import re
from typing import Any

_STEP = re.compile(r"([^.\[\]]+)|\[(\d{1,6})\]")


def at_path(value: Any, path: str) -> Any:
    """What stands at a path; None where nothing does. An empty path is the value itself."""
    for name, place in _STEP.findall(path):
        if name and isinstance(value, dict):
            value = value.get(name)
        elif place and isinstance(value, list):
            value = value[int(place)] if int(place) < len(value) else None
        else:
            return None
    return value


def in_words(value: Any, depth: int = 0) -> str:
    """A value as Markdown: lists as lists, fields by name."""
    indent = "  " * depth
    if isinstance(value, dict) and depth < 8:  # noqa: PLR2004
        return "\n".join(f"{indent}- {name}: {_below(one, depth)}" for name, one in value.items())
    if isinstance(value, list) and depth < 8:  # noqa: PLR2004
        return "\n".join(f"{indent}- {_below(one, depth)}" for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _below(value: Any, depth: int) -> str:
    said = in_words(value, depth + 1)
    return f"\n{said}" if isinstance(value, dict | list) and said else said
