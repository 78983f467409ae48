"""How far a document is, in the words of pages; static/js/documents/standing.js says the same while it changes."""

from collections.abc import Mapping
from typing import Any

UNDER_WAY = frozenset({"queued", "extracting", "embedding"})
TONES = {"ready": "accent", "failed": "danger"}


def standing_words(document: Mapping[str, Any] | None) -> str:
    """Say it; None is what holds no text."""
    if document is None:
        return "Not searchable"
    done, total, unit = document["done"], document["total"], document["unit"] or "part"
    match str(document["status"]):
        case "queued":
            return "Waiting to be read"
        case "extracting" if total:
            return f"Reading {unit} {done} of {total}"
        case "extracting" if done:
            return f"Reading {unit} {done}"
        case "extracting":
            return "Being read"
        case "embedding" if total:
            return f"Read: {done} of {total} passages indexed"
        case "embedding":
            return "Read, being indexed"
        case "failed":
            return "Not searchable"
        case _:
            return "Searchable"
