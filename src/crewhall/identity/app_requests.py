"""What an app asks a person for: the authorization request of OAuth 2.1 (4.1.1), read and checked."""

import re
from collections.abc import Mapping

import msgspec

from crewhall.identity.app_errors import OAuthRefusal
from crewhall.identity.apps import App
from crewhall.identity.audience import Audience
from crewhall.identity.redirects import is_safe, matches, with_answer

READ, WRITE = "read", "write"
SCOPES = (READ, WRITE)
"""What an app may do: see what the person sees; and besides, post, answer and mark as the person."""
ASKED = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method",
    "resource",
)  # fmt: skip
"""The parameters that count; others are passed over."""
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_STATE = re.compile(r"[\x20-\x7e]{0,2000}")


class Ask(msgspec.Struct, frozen=True):
    """A request that may be put before a person."""

    app: App
    redirect_uri: str
    scopes: list[str]
    state: str | None
    challenge: str
    resource: str


def read_redirect(app: App, given: Mapping[str, str]) -> str:
    """Where the answer goes to. Whatever is wrong before this is known is told to the person, never sent anywhere."""
    asked = given.get("redirect_uri")
    if asked is None and len(app.redirect_uris) == 1:
        return app.redirect_uris[0]
    if asked is None or not is_safe(asked) or not matches(asked, app.redirect_uris):
        raise OAuthRefusal("invalid_request", "The app asks to send you to an address that it has not named before.")
    return asked


def read_ask(app: App, redirect_uri: str, given: Mapping[str, str], audience: Audience) -> Ask:
    """Check the rest. Raises OAuthRefusal with the code that the app is told."""
    if given.get("response_type") != "code":
        raise OAuthRefusal("unsupported_response_type", "Only response_type=code is known here.")
    challenge = given.get("code_challenge", "")
    if given.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise OAuthRefusal("invalid_request", "A code_challenge with code_challenge_method=S256 is needed (PKCE).")
    state = given.get("state")
    if state is not None and not _STATE.fullmatch(state):
        raise OAuthRefusal("invalid_request", "The state is not readable, or longer than 2000.")
    resource = audience.read(given.get("resource"))
    if resource is None:
        raise OAuthRefusal("invalid_target", "The resource is none of this server's.")
    return Ask(app, redirect_uri, read_scopes(given.get("scope")), state, challenge, resource)


def read_scopes(asked: str | None) -> list[str]:
    """The scopes that are asked for; all, where none is named. Writing takes reading along."""
    named = (asked or "").split()
    if any(scope not in SCOPES for scope in named):
        raise OAuthRefusal("invalid_scope", f"The scopes here are: {' '.join(SCOPES)}.")
    return list(SCOPES) if not named or WRITE in named else [READ]


def answered(redirect_uri: str, state: str | None, issuer: str, **answer: str) -> str:
    """Where the browser goes with the answer: `state` as it came, `iss` says who answers (RFC 9207)."""
    given = dict(answer, state=state) if state is not None else answer
    return with_answer(redirect_uri, {**given, "iss": issuer})
