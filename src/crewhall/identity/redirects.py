"""Where an app may have people sent back to: https, this computer, or an editor that is known here.

The address must be one that the app named before, letter by letter; only the port on this computer is free, since a
program takes the one that it gets (RFC 8252, 7.3; OAuth 2.1, 2.3).
"""

from collections.abc import Sequence
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit

from crewhall.identity.app_errors import OAuthRefusal

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
EDITORS = frozenset({"cursor", "vscode", "vscode-insiders"})
"""Schemes that editors register with the system for themselves."""
MAX_LENGTH, MOST = 2000, 20


def check_redirects(uris: Sequence[str]) -> None:
    """Refuse addresses that nobody should be sent to (`invalid_redirect_uri`)."""
    if not 1 <= len(uris) <= MOST:
        raise OAuthRefusal("invalid_redirect_uri", f"Name 1 to {MOST} redirect URIs.")
    for uri in uris:
        if not is_safe(uri):
            raise OAuthRefusal(
                "invalid_redirect_uri", "A redirect URI is https, or http on 127.0.0.1, [::1] or localhost."
            )


def is_safe(uri: str) -> bool:
    """Whether people may be sent to this address at all."""
    parts = _split(uri)
    if parts is None or len(uri) > MAX_LENGTH or "#" in uri or parts.username is not None or not uri.isascii():
        return False
    if any(character <= " " or character in '"<>\\^`{|}\x7f' for character in uri):
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    return (parts.scheme == "http" and parts.hostname in LOOPBACK) or (parts.scheme in EDITORS and bool(parts.netloc))


def is_on_this_computer(uri: str) -> bool:
    """Whether the address is one of the person's own computer."""
    parts = _split(uri)
    return parts is not None and (parts.scheme in EDITORS or parts.hostname in LOOPBACK)


def matches(asked: str, named: Sequence[str]) -> bool:
    """Whether an address is one that the app named."""
    return asked in named or any(_is_same_but_port(asked, one) for one in named)


def _is_same_but_port(asked: str, named: str) -> bool:
    left, right = _split(asked), _split(named)
    if left is None or right is None or not is_safe(asked):
        return False
    if left.scheme != "http" or left.hostname not in LOOPBACK:
        return False
    return _without_port(left) == _without_port(right)


def _without_port(parts: SplitResult) -> tuple[str, str | None, str, str]:
    return parts.scheme, parts.hostname, parts.path, parts.query


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    return parts


def with_answer(uri: str, answer: dict[str, str]) -> str:
    """The address with the answer in its query, beside what was there (RFC 6749, 4.1.2)."""
    parts = urlsplit(uri)
    query = f"{parts.query}&{urlencode(answer)}" if parts.query else urlencode(answer)
    return urlunsplit(parts._replace(query=query))


def shown_address(uri: str) -> str:
    """Where an address leads, for people: a host, or this computer."""
    parts = urlsplit(uri)
    if parts.scheme in EDITORS:
        return f"{parts.scheme} on this computer"
    return "this computer" if parts.hostname in LOOPBACK else str(parts.hostname)
