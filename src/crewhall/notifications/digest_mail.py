"""The mail of a digest: the same in plain text and HTML, both from templates, with a way to end it by one click."""

from functools import cache
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from crewhall.kernel.links import path_into
from crewhall.notifications.schemas import Notification
from crewhall.ports.mailer import Mail

TEMPLATES = Path(__file__).parent / "templates"
MOST_SHOWN = 20


class DigestMail(msgspec.Struct, frozen=True, kw_only=True):
    """What a digest tells, and to whom. Of more items than are shown, the rest is counted as more."""

    to: str
    name: str
    org_id: UUID
    organization: str
    items: list[Notification]
    timezone: str
    base_url: str
    token: str


def compose(digest: DigestMail) -> Mail:
    """Write the mail. It is for its reader alone: without a mail server no owner is shown it."""
    shown = digest.items[:MOST_SHOWN]
    leave = f"{digest.base_url}/unsubscribe/{digest.token}"
    said = {
        "digest": digest,
        "items": shown,
        "has_more": len(digest.items) > len(shown),
        "home": digest.base_url + path_into(digest.org_id, ""),
        "leave": leave,
        "zone": ZoneInfo(digest.timezone),
    }
    return Mail(
        digest.to,
        _subject(digest),
        _template("digest.txt").render(said),
        html=_template("digest.html").render(said),
        headers={"List-Unsubscribe": f"<{leave}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    )


def _subject(digest: DigestMail) -> str:
    count = f"{MOST_SHOWN} things and more" if len(digest.items) > MOST_SHOWN else f"{len(digest.items)} things"
    one = len(digest.items) == 1
    said = digest.items[0].summary if one else f"{count} concern you"
    return " ".join(f"{said} ({digest.organization})".split())  # a header is one line, whatever names hold


@cache
def _template(name: str) -> Template:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return made.get_template(name)
