"""The design system as a page, in development alone: drawn with the parts that every page is made of."""

import re
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.enums import MediaType

from crewhall.conversations.markdown import render_markdown
from crewhall.conversations.wire import Message
from crewhall.faces.plumbing.assets import ROOT
from crewhall.faces.plumbing.forms import Form
from crewhall.faces.plumbing.messages import render_stream
from crewhall.faces.plumbing.pages import environment, render_in_hall, zone_of
from crewhall.faces.plumbing.services import Services
from crewhall.identity import contrast, hex_of
from crewhall.kernel.actor import Actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.errors import NOT_FOUND
from crewhall.kernel.ids import new_id

AnyRequest = Request[Any, Any, Any]
PAIRS = (
    ("ink", "paper"), ("ink-soft", "paper"), ("ink-faint", "paper"), ("ink", "hall"), ("ink-soft", "hall"),
    ("ink-faint", "sunken"), ("accent", "paper"), ("on-accent", "accent"), ("accent-ink", "accent-soft"),
    ("brass-ink", "brass-soft"), ("danger", "paper"), ("on-danger", "danger"), ("sky-ink", "sky-soft"),
    ("plum-ink", "plum-soft"),
)  # fmt: skip
"""Which colour is written on which."""
_TOKEN = re.compile(r"^    --([a-z0-9-]+):\s*([^;]+);", re.MULTILINE)
_SHADES = re.compile(r"light-dark\(oklch\(([\d. ]+)\), oklch\(([\d. ]+)\)\)")
_ICON = re.compile(r'<symbol id="([a-z-]+)"')
_GROUPS = ("text", "font", "space", "radius")


class Sample(msgspec.Struct, frozen=True):
    """A colour on another, and how well it is read in light and in dark (1 to 21; small text wants 4.5)."""

    ink: str
    ground: str
    light: float
    dark: float


@cache
def tokens() -> dict[str, str]:
    """What tokens.css gives names to, in its order."""
    return dict(_TOKEN.findall((ROOT / "css" / "tokens.css").read_text(encoding="utf-8")))


def colours() -> list[str]:
    """The names of colours."""
    return [name for name, value in tokens().items() if "oklch(" in value and not name.startswith("shadow")]


_SOURCES = [{"number": 1, "id": UUID(int=1), "title": "Handbook, page 3", "url": "/documents"}]


def _groups() -> dict[str, list[str]]:
    return {kind: [name for name in tokens() if name.startswith(f"{kind}-")] for kind in _GROUPS}


def samples() -> list[Sample]:
    """What is written on what."""
    return [Sample(ink, ground, *_contrasts(ink, ground)) for ink, ground in PAIRS]


def _contrasts(ink: str, ground: str) -> tuple[float, float]:
    light, dark = (contrast(one, other) for one, other in zip(_shades(ink), _shades(ground), strict=True))
    return light, dark


def _shades(name: str) -> tuple[str, str]:
    found = _SHADES.fullmatch(tokens()[name])
    if found is None:
        raise ValueError(name)
    light, dark = (tuple(map(float, shade.split())) for shade in found.groups())
    return hex_of((light[0], light[1], light[2])), hex_of((dark[0], dark[1], dark[2]))


def _messages() -> list[Message]:
    """A question with an answer in its thread, one that was changed, one that was deleted."""
    now, first = utc_now(), new_id()
    ada, scout = ({"type": kind, "id": new_id(), "name": name} for kind, name in (("user", "Ada"), ("agent", "Scout")))
    liked = {"👍": [{"type": one["type"], "id": one["id"]} for one in (ada, scout)]}
    asked = {"id": first, "kind": "question", "title": "With a title", "pinned_at": now, "reactions": liked}
    told: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
        (ada, "A question, with **weight** and `code`.", {**asked, "reply_count": 1, "last_reply_at": now}),
        (scout, "An answer in its thread.", {"kind": "answer", "parent_id": first, "metadata": {"sources": _SOURCES}}),
        (ada, "Changed afterwards.", {"edited_at": now}),
        (ada, "", {"deleted_at": now, "html": None}),
    ]
    plain = {"conversation_id": UUID(int=0), "role": "user", "kind": "message"}
    made = [
        {**plain, "id": new_id(), "seq": seq, "author": who, "content": text, "html": render_markdown(text),
         "created_at": now + timedelta(seconds=seq), **fields}
        for seq, (who, text, fields) in enumerate(told, 1)
    ]  # fmt: skip
    return [msgspec.convert(one, Message) for one in made]


def _in_development(services: Services) -> None:
    if not services.settings.development:
        raise NOT_FOUND("There is no such page.")


@get("/styleguide")
async def show_styleguide(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Response[str]:
    """Tokens, type, colours with their contrast, and every part."""
    _in_development(services)
    refused = Form()
    refused.problem = "It could not be saved: somebody changed it meanwhile."
    return await render_in_hall(
        "styleguide.html",
        request,
        services,
        actor,
        tokens=tokens(),
        groups=_groups(),
        colours=colours(),
        samples=samples(),
        icons=_ICON.findall((ROOT / "icons.svg").read_text(encoding="utf-8")),
        stream=render_stream(_messages(), zone_of(request), viewer=actor.id),
        refused=refused,
        now=utc_now(),
    )


@get("/styleguide.css", media_type=MediaType.CSS, sync_to_thread=False)
def show_samples_sheet(services: NamedDependency[Services]) -> str:
    """What makes each token to be seen: pages have no styles of their own."""
    _in_development(services)
    return environment.get_template("styleguide.css").render(colours=colours(), groups=_groups())


HANDLERS = [show_styleguide, show_samples_sheet]
