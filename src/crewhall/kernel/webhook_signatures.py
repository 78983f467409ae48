"""Signatures of webhooks, as the Standard Webhooks specification has them: HMAC-SHA256 over id, timestamp and body.

A secret is `whsec_` and base64 of 24 to 64 bytes. A request bears `webhook-id`, `webhook-timestamp` (seconds) and
`webhook-signature`: one or several `v1,<base64>`, separated by spaces. Whoever sends the same thing again keeps its id.
"""

import base64
import binascii
import hmac
import secrets as random
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256

from crewhall.kernel.errors import define_error

BAD_SIGNATURE = define_error("bad_signature", 401, "The webhook's signature is not valid")
SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with, no secret
SECRET_BYTES = 32
FEWEST_BYTES, MOST_BYTES = 24, 64
VERSION = "v1"
TOLERANCE_S = 300
"""How far the sender's clock may be off, either way: an older request may be one that somebody has overheard."""
MOST_SIGNATURES = 16
MOST_DIGITS = 12
ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER = "webhook-id", "webhook-timestamp", "webhook-signature"


def new_secret() -> str:
    """Return a new secret of 256 random bits."""
    return SECRET_PREFIX + base64.b64encode(random.token_bytes(SECRET_BYTES)).decode()


def sign(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """Return the signature, `v1,<base64>`, of a body sent under an id at a time in seconds.

    Raises ValueError for what is no secret, and for an id that holds a dot: it would be ambiguous.
    """
    if "." in id:
        raise ValueError("a webhook's id holds no dot")
    signed = f"{id}.{timestamp}.".encode() + body
    return f"{VERSION},{base64.b64encode(hmac.digest(key_of(secret), signed, sha256)).decode()}"


def headers_for(secrets: Iterable[str], id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of a request, signed with every secret that is valid now."""
    signatures = " ".join(sign(secret, id, timestamp, body) for secret in secrets)
    return {ID_HEADER: id, TIMESTAMP_HEADER: str(timestamp), SIGNATURE_HEADER: signatures}


def verify(secrets: Iterable[str], headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check that a body was signed with one of the secrets, within five minutes of now (aware).

    `body` are the bytes as they came, before anything has read them. Raises BAD_SIGNATURE.
    """
    known = {name.lower(): value for name, value in headers.items()}
    sent_id, sent_at, signatures = (known.get(name, "") for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER))
    if not sent_id or "." in sent_id or not sent_at or not signatures:
        raise BAD_SIGNATURE(f"Send the headers {ID_HEADER}, {TIMESTAMP_HEADER} and {SIGNATURE_HEADER}.")
    if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= MOST_DIGITS):
        raise BAD_SIGNATURE(f"{TIMESTAMP_HEADER} is a number of seconds since 1970.")
    timestamp = int(sent_at)
    if abs(now.timestamp() - timestamp) > TOLERANCE_S:
        raise BAD_SIGNATURE(f"The webhook was signed more than {TOLERANCE_S} s from now: check both clocks.")
    given = [one.encode() for one in signatures.split()[:MOST_SIGNATURES] if one.startswith(f"{VERSION},")]
    matches = False
    for secret in secrets:
        wanted = sign(secret, sent_id, timestamp, body).encode()
        for one in given:  # every pair is compared, however early one matches
            matches |= hmac.compare_digest(wanted, one)
    if not matches:
        raise BAD_SIGNATURE(
            "None of the signatures is one of this webhook's: check its secret, and that the body is raw."
        )


def key_of(secret: str) -> bytes:
    """Return the key that a secret stands for. Raises ValueError."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a webhook's secret is whsec_ and base64") from error
    if not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(f"a webhook's secret holds {FEWEST_BYTES} to {MOST_BYTES} bytes")
    return key
