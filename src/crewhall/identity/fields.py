"""The types of identity's fields at the edge, and how they are brought into their one form."""

import re
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Meta

from crewhall.kernel.errors import INVALID
from crewhall.kernel.visible import visible_line
from crewhall.ports.github import GITHUB_LOGIN

Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S", description="Shown to others.")]
Email = Annotated[str, Meta(min_length=3, max_length=255, description="Case does not matter.")]
Password = Annotated[str, Meta(min_length=1, max_length=256, description="10 characters to 72 bytes.")]
Secret = Annotated[str, Meta(min_length=1, max_length=256)]
Handle = Annotated[
    str,
    Meta(min_length=1, max_length=32, pattern=r"^[a-z0-9][a-z0-9._-]*$", description="Unique; how one is mentioned."),
]
Slug = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[a-z0-9-]+$", description="Unique; used in links.")]
Locale = Annotated[str, Meta(max_length=35, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", examples=["en", "pt-BR"])]
Timezone = Annotated[str, Meta(min_length=1, max_length=64, examples=["Europe/Berlin"])]
GithubLogin = Annotated[str, Meta(pattern=GITHUB_LOGIN, description="What GitHub calls the person.")]
Accent = Annotated[
    str,
    Meta(pattern=r"^#[0-9a-fA-F]{6}$", examples=["#7c3aed"], description="Made legible where it is not."),
]

_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")
_HANDLE = re.compile(r"[a-z0-9][a-z0-9._-]*")
_SLUG = re.compile(r"[a-z0-9-]+")
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
RESERVED_HANDLES = frozenset({"all", "channel", "crewhall", "everyone", "here", "me", "system"})
"""Words that mentions may one day give a meaning of their own."""


def check_email(email: str) -> str:
    """Return the email in lower case, or refuse what cannot be one."""
    email = email.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise INVALID("This is not an email address.", field="email")
    return email


def check_handle(handle: str) -> str:
    """Return the handle, or refuse one that breaks the rules."""
    if not _HANDLE.fullmatch(handle) or len(handle) > 32:  # noqa: PLR2004
        raise INVALID(
            "A handle has at most 32 lower-case letters, digits, dots, dashes and underscores.", field="handle"
        )
    if handle in RESERVED_HANDLES:
        raise INVALID("This handle is reserved. Choose another.", field="handle")
    return handle


def check_slug(slug: str) -> str:
    """Return the slug, or refuse one that breaks the rules or looks like an id."""
    if not _SLUG.fullmatch(slug) or _UUID.fullmatch(slug):
        raise INVALID("A slug has lower-case letters, digits and dashes, and is no id.", field="slug")
    return slug


def check_text(text: str, field: str) -> str:
    """Return the text on one line, without what nobody sees, or refuse an empty one."""
    text = visible_line(text)
    if not text:
        raise INVALID(f"{field} must not be empty.", field=field)
    return text


def check_timezone(name: str) -> None:
    """Refuse a timezone that this machine does not know."""
    try:
        known = name == "UTC" or bool(ZoneInfo(name))
    except (KeyError, ValueError, OSError):
        known = False
    if not known:
        raise INVALID("This timezone is not known. Use a name such as Europe/Berlin.", field="timezone")
