"""Signatures of incoming webhooks, by the Standard Webhooks specification (standardwebhooks.com): symmetric, `v1`.

Signed are the delivery's id, its timestamp and its body, joined by dots. An id that holds a dot itself is none: its
signature would be good for another timestamp and body, too. Several signatures may be sent, so that a sender can go
over from one secret to the next.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

PREFIX = "whsec_"
SECRET_BYTES = 32
TOLERANCE = timedelta(minutes=5)
MOST_SIGNATURES = 8
_ID = re.compile(r"[\x21-\x2d\x2f-\x7e]{1,128}\Z")
_TIMESTAMP = re.compile(r"[0-9]{1,12}\Z")


class SignedCall(Struct, frozen=True):
    """A call as it claims to be: what is signed, and the signatures to compare. `is_fresh`: its timestamp is near."""

    delivery: str
    signed: bytes
    signatures: list[bytes]
    is_fresh: bool


def make_secret() -> tuple[str, bytes]:
    """Return a new secret: as it is shown to its keeper, and as it is kept."""
    raw = secrets.token_bytes(SECRET_BYTES)
    return PREFIX + base64.b64encode(raw).decode(), raw


def read_call(headers: Mapping[str, str], body: bytes, now: datetime) -> SignedCall | None:
    """Read the headers of a call (by lower-case name); None where one is missing or is none."""
    delivery, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _ID.match(delivery) or not _TIMESTAMP.match(timestamp):
        return None
    signatures = [
        raw for one in headers.get("webhook-signature", "").split()[:MOST_SIGNATURES] if (raw := _read(one)) is not None
    ]
    if not signatures:
        return None
    signed = f"{delivery}.{timestamp}.".encode() + body
    is_fresh = abs(now.timestamp() - int(timestamp)) <= TOLERANCE.total_seconds()
    return SignedCall(delivery, signed, signatures, is_fresh)


def _read(signature: str) -> bytes | None:
    """The bytes of a `v1` signature; None for another version, and for what is no signature."""
    version, _, encoded = signature.partition(",")
    if version != "v1":
        return None
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == SECRET_BYTES else None
