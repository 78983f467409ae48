"""What another server offers as a tool, read with care: it is somebody else's words, and may be of any size.

An offer is known by its digest: name, title, description, schema and annotations. Whatever changes of it changes that.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from crewhall.kernel.tools import Risk

PREFIX = "mcp-"
MOST_TOOLS = 200
MOST_DESCRIPTION, MOST_TITLE = 4000, 200
MOST_SCHEMA_BYTES, MOST_DEPTH = 16 * 1024, 12
MAX_NAME = 50
_PART = re.compile(r"[^a-z0-9]+")


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A tool as its server describes it. The hints are its own word: they may raise a call's risk, never lower it."""

    tool: str
    title: str = ""
    description: str = ""
    schema: dict[str, Any] = {}
    is_read_only: bool = False
    is_destructive: bool = False

    @property
    def digest(self) -> str:
        """What it is known by."""
        return hashlib.blake2b(msgspec.json.encode(self, order="sorted"), digest_size=16).hexdigest()

    @property
    def risk(self) -> Risk:
        """What a call risks: its arguments leave in any case, so that no call merely reads."""
        return Risk.DESTRUCTIVE if self.is_destructive else Risk.OUTSIDE


def is_server_tool(name: str) -> bool:
    """Whether a tool's name is that of another server's."""
    return name.startswith(PREFIX)


def name_of(server: str, tool: str) -> str:
    """The name by which agents and models know a tool: `mcp-<server>-<tool>`, at most 50 of a-z, 0-9, `-` and `_`."""
    part = _PART.sub("_", tool.lower()).strip("_") or "tool"
    name = f"{PREFIX}{server}-{part}"
    if len(name) <= MAX_NAME:
        return name
    mark = hashlib.blake2b(tool.encode(), digest_size=3).hexdigest()
    return f"{name[: MAX_NAME - 7].rstrip('_-')}_{mark}"


def checked(server: str, offers: Iterable[Offer]) -> tuple[list[Offer], list[str]]:
    """Those offers of a server that can be used, and what is wrong with the others, a sentence each."""
    good: dict[str, Offer] = {}
    wrong: list[str] = []
    for offer in offers:
        name = name_of(server, offer.tool)
        if fault := _fault(offer):
            wrong.append(f"{offer.tool[:50]!a} is left out: {fault}.")
        elif name in good:
            wrong.append(f"{offer.tool[:50]!a} is left out: another one is called so as well.")
        elif len(good) >= MOST_TOOLS:
            wrong.append(f"There are more than {MOST_TOOLS} tools: the others are left out.")
            break
        else:
            good[name] = offer
    return list(good.values()), wrong


def _fault(offer: Offer) -> str | None:
    if not 1 <= len(offer.tool) <= 128 or not offer.tool.isprintable() or not offer.tool.isascii():  # noqa: PLR2004
        return "its name cannot be used"
    if len(offer.description) > MOST_DESCRIPTION or len(offer.title) > MOST_TITLE:
        return f"its description is longer than {MOST_DESCRIPTION} characters"
    if _depth(offer.schema) > MOST_DEPTH:
        return f"what it takes is more than {MOST_DEPTH} levels deep"
    if len(msgspec.json.encode(offer.schema)) > MOST_SCHEMA_BYTES:
        return f"what it takes is described by more than {MOST_SCHEMA_BYTES // 1024} KiB"
    if offer.schema.get("type", "object") != "object":
        return "it takes no object"
    if "\0" in offer.title + offer.description or "\\u0000" in msgspec.json.encode(offer.schema).decode():
        return "it holds a NUL character"
    return None


def _depth(value: object) -> int:
    """How many levels lie in one another, counted without descending into the stack; stops when it is too many."""
    depth, level = 0, [value]
    while (level := [one for one in level if isinstance(one, dict | list)]) and depth <= MOST_DEPTH:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth
