"""Messages as HTML: each is rendered once per version and timezone, and kept.

static/js/live/view.js makes the same view in the browser.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from jinja2 import Template
from markupsafe import Markup

from crewhall.faces.plumbing import moments
from crewhall.faces.plumbing.attachments import attachment_views
from crewhall.faces.plumbing.pages import environment
from crewhall.faces.plumbing.sources import source_views

KIND_LABELS = {
    "insight": "Insight", "question": "Question", "answer": "Answer", "alert": "Alert", "metric": "Metric",
}  # fmt: skip
ORIGINS = {"slack": "Slack"}
"""Where imported messages were written."""
TOGETHER = timedelta(minutes=5)
"""Messages of one author this close stand under one name."""
_KEPT = 20_000
LONG_CHARACTERS, LONG_LINES = 4_000, 40
"""A message with more than this is folded until its reader wants all of it."""
_LINES = re.compile(r"</(?:p|li|tr|h[1-6])>|\n(?=[^<])")
_BINDINGS = re.compile(r' data-(?:field|html|attrs|if|each)="[^"]*"')


class ShownActor(Protocol):
    """Whoever wrote a message or reacted to it."""

    @property
    def type(self) -> str:
        """Person, agent or system."""

    @property
    def id(self) -> UUID:
        """Its id."""

    @property
    def name(self) -> str:
        """Its name."""


class Reactor(Protocol):
    """Whoever reacted."""

    @property
    def id(self) -> UUID:
        """Its id."""


class ShownMessage(Protocol):
    """A message as it goes over the wire; only what is shown."""

    @property
    def id(self) -> UUID:
        """Its id."""

    @property
    def seq(self) -> int:
        """Its place."""

    @property
    def author(self) -> ShownActor:
        """Who wrote it."""

    @property
    def kind(self) -> str:
        """What it is for."""

    @property
    def status(self) -> str:
        """Sent, delivered or failed."""

    @property
    def title(self) -> str | None:
        """Its title."""

    @property
    def html(self) -> str | None:
        """Its sanitised text; none when deleted."""

    @property
    def parent_id(self) -> UUID | None:
        """The message it replies to."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What came with it; its files are named there."""

    @property
    def mentions(self) -> Sequence[UUID]:
        """Who is mentioned."""

    @property
    def client_id(self) -> str | None:
        """The author's own id for it."""

    @property
    def created_at(self) -> datetime:
        """When it was written."""

    @property
    def edited_at(self) -> datetime | None:
        """When it was edited last."""

    @property
    def deleted_at(self) -> datetime | None:
        """When it was deleted."""

    @property
    def pinned_at(self) -> datetime | None:
        """When it was pinned."""

    @property
    def reactions(self) -> Mapping[str, Sequence[Reactor]]:
        """Who reacted, by emoji."""

    @property
    def reply_count(self) -> int:
        """How many replies it has."""

    @property
    def last_reply_at(self) -> datetime | None:
        """When the last one was written."""


def message_view(message: ShownMessage, zone: ZoneInfo, *, grouped: bool = False) -> dict[str, Any]:
    """Every value that the template `message` names."""
    author = message.author
    deleted = message.deleted_at is not None
    count = message.reply_count
    return {
        "id": str(message.id),
        "dom_id": f"m-{message.id}",
        "seq": message.seq,
        "kind": str(message.kind),
        "status": str(message.status),
        "author_type": str(author.type),
        "author_id": str(author.id),
        "author_name": author.name,
        "initials": moments.initials(author.name),
        "hue": moments.hue(author.id),
        "is_agent": author.type == "agent",
        "is_webhook": author.type == "system" and author.id.int != 0,  # Crewhall itself is 0
        "kind_label": KIND_LABELS.get(message.kind),
        "origin": ORIGINS.get(str(message.metadata.get("imported"))),
        "created_at": _iso(message.created_at),
        "time": moments.clock(message.created_at, zone),
        "stamp": f"{message.created_at.astimezone(zone):%Y-%m-%d %H:%M}",
        "parent_id": str(message.parent_id) if message.parent_id else None,
        "thread_href": f"?thread={message.parent_id or message.id}",
        "own_thread_href": f"?thread={message.id}",
        "versions_href": f"?versions={message.id}",
        "mentions": " ".join(map(str, message.mentions)) or None,
        "client_id": message.client_id,
        "grouped": "1" if grouped else None,
        "title": None if deleted else message.title,
        "html": None if deleted or message.html is None else Markup(message.html),  # noqa: S704 - sanitised when written
        "files": [] if deleted else attachment_views(message.metadata),
        "sources": [] if deleted else source_views(message.metadata),
        "long": not deleted and is_long(message.html or ""),
        "edited": message.edited_at is not None and not deleted,
        "pinned": message.pinned_at is not None and not deleted,
        "deleted": deleted,
        "present": not deleted,
        "reactions": [] if deleted else _reactions(message.reactions),
        "replies": f"{count} {'reply' if count == 1 else 'replies'}" if count else None,
        "last_reply": _last_reply(message, zone),
        "last_reply_at": _iso(message.last_reply_at) if message.last_reply_at else None,
        "unsent": None,
    }


def is_long(html: str) -> bool:
    """Whether a message is folded until its reader wants all of it."""
    return len(html) > LONG_CHARACTERS or len(_LINES.findall(html)) > LONG_LINES


def _reactions(reactions: Mapping[str, Sequence[Reactor]]) -> list[dict[str, Any]]:
    return [
        {
            "emoji": emoji,
            "count": len(actors),
            "actors": " ".join(str(actor.id) for actor in actors),
            "label": f"{emoji} {len(actors)}",
        }
        for emoji, actors in reactions.items()
    ]


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _last_reply(message: ShownMessage, zone: ZoneInfo) -> str:
    moment = message.last_reply_at
    if moment is None:
        return ""
    if moments.day_key(moment, zone) == moments.day_key(message.created_at, zone):
        return f"last at {moments.clock(moment, zone)}"
    return f"last on {moments.day_and_month(moment, zone)}"


def _shown_template() -> Template:
    """The template without its bindings. They go before it is filled: what a person writes may look like one."""
    name = "parts/message.html"
    source, _, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
    return environment.from_string(_BINDINGS.sub("", source))


class Fragments:
    """Rendered messages, the least recently shown forgotten first."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._html: OrderedDict[tuple[object, ...], str] = OrderedDict()
        self._macro = _shown_template().module.message  # type: ignore[attr-defined]

    def render(self, message: ShownMessage, zone: ZoneInfo, *, grouped: bool = False) -> str:
        """The message's HTML, from what is kept when this version was shown before."""
        key = (*_version(message), zone.key, grouped)
        found = self._html.get(key)
        if found is not None:
            self._html.move_to_end(key)
            return found
        rendered = str(self._macro(message_view(message, zone, grouped=grouped)))
        self._html[key] = rendered
        if len(self._html) > self._kept:
            self._html.popitem(last=False)
        return rendered


def _version(message: ShownMessage) -> tuple[object, ...]:
    """What changes whenever the shown message does."""
    reactions = tuple((emoji, tuple(actor.id for actor in actors)) for emoji, actors in message.reactions.items())
    return (
        message.id, message.author.name, message.edited_at, message.deleted_at, message.pinned_at, reactions,
        message.reply_count, message.last_reply_at,
    )  # fmt: skip


fragments = Fragments()
_separators: Any = environment.get_template("parts/separators.html").module


def render_stream(
    messages: Sequence[ShownMessage], zone: ZoneInfo, *, read_seq: int | None = None, viewer: UUID | None = None
) -> Markup:
    """Messages in order with what stands between them: days, and the line above the first unread one.

    `read_seq` is the last seq that the viewer has read (None: no line); one's own messages are never unread.
    """
    parts: list[str] = []
    before: ShownMessage | None = None
    line_wanted = read_seq is not None
    for message in messages:
        day = moments.day_key(message.created_at, zone)
        if before is None or moments.day_key(before.created_at, zone) != day:
            parts.append(_separators.day(day, moments.day_name(message.created_at, zone)))
            before = None
        if line_wanted and message.seq > (read_seq or 0) and message.author.id != viewer:
            line_wanted, before = False, None
            if read_seq:
                parts.append(_separators.unread())
        parts.append(fragments.render(message, zone, grouped=before is not None and _together(before, message)))
        before = message
    return Markup("".join(parts))  # noqa: S704 - rendered by the template


def _together(before: ShownMessage, message: ShownMessage) -> bool:
    return (
        before.author.id == message.author.id
        and before.parent_id == message.parent_id
        and before.kind == message.kind
        and message.title is None
        and message.created_at - before.created_at < TOGETHER
    )


SKELETON: dict[str, Any] = dict(
    dict.fromkeys(
        ("id", "dom_id", "seq", "kind", "status", "author_type", "author_id", "author_name", "initials", "hue",
         "created_at", "time", "stamp", "thread_href", "own_thread_href", "versions_href", "last_reply",
         "last_reply_at"), ""),
    is_agent=True, is_webhook=True, kind_label="-", origin="-", parent_id="-", mentions="-", client_id="-", grouped="-",
    title="-", html="-", long=True, edited=True, pinned=True, deleted=True, present=True, replies="-", unsent="-",
    files=[dict.fromkeys(("id", "name", "media_type", "size", "href", "label", "shown_width", "shown_height"), "")
           | {"width": "-", "height": "-", "thumbnail": "-", "card": "-"}],
    sources=[{"id": "", "number": "", "title": "", "href": ""}],
    reactions=[{"emoji": "", "count": "", "actors": "", "label": ""}],
)  # fmt: skip
"""A view in which every optional part is there: what the page's `<template>` is rendered from."""

environment.globals["kind_labels"] = KIND_LABELS
environment.globals["message_skeleton"] = SKELETON
environment.globals["message_tools"] = Markup(environment.get_template("parts/message_tools.html").render())  # noqa: S704
