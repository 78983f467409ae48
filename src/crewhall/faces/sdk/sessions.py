"""Session tokens of conversations: verified with the public key of the conversation's runtime, without any server."""

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec

LEEWAY_S = 5


class SessionToken(msgspec.Struct, frozen=True, kw_only=True):
    """A signed word about who one is in a conversation, until it expires."""

    token: str
    expires_at: datetime
    public_key: str
    rights: list[str]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says: `actor_type` is `user` or `agent`, `rights` are `read` and perhaps `post`."""

    conversation_id: str
    org_id: str
    actor_type: str
    actor_id: str
    name: str
    rights: list[str]
    issuer: str
    expires_at: datetime


class InvalidSession(Exception):
    """The token is not what it should be: forged, expired, or for another conversation."""


def verify_session(token: str, public_key: str, *, conversation_id: str) -> Session:
    """Return what a token says, if the conversation's key signed it, for this conversation, and it has not expired.

    `public_key`: as `GET /conversations/{id}/runtime` shows it. Clocks may differ by five seconds.
    Raises InvalidSession.
    """
    import jwt
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["EdDSA"],
            audience=f"conversation:{conversation_id}",
            leeway=LEEWAY_S,
            options={"require": ["aud", "exp", "iat", "sub"]},
        )
        actor_type, _, actor_id = claims["sub"].partition(":")
        said = {
            "conversation_id": conversation_id,
            "org_id": claims["org"],
            "actor_type": actor_type,
            "actor_id": actor_id,
            "name": claims["name"],
            "rights": claims["rights"],
            "issuer": claims["iss"],
            "expires_at": datetime.fromtimestamp(claims["exp"], UTC),
        }
        return msgspec.convert(said, Session)
    except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError, KeyError) as error:
        raise InvalidSession(f"This is no valid session token of the conversation: {error}.") from error
