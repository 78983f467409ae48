"""Ed25519 public keys (RFC 8032): 32 bytes that name a point of the curve, given in base64."""

import base64
import binascii

from crewhall.kernel.errors import INVALID

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
_ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
WEAK = frozenset({0, 1, P - 1, _ORDER_8, P - _ORDER_8})
"""The y of the points of small order: signatures under them prove nothing."""


def check_public_key(text: str) -> str:
    """Return the key in canonical base64 (44 characters), or refuse what is no usable Ed25519 public key."""
    try:
        raw = base64.b64decode(text, altchars=b"-_" if "-" in text or "_" in text else None, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32 or not _is_point(raw):  # noqa: PLR2004
        raise INVALID("public_key must be an Ed25519 public key: 32 bytes in base64.", field="public_key")
    return base64.b64encode(raw).decode()


def _is_point(raw: bytes) -> bool:
    """Whether the bytes decode to a point that is not of small order: x² = (y² - 1) / (d y² + 1) must have a root."""
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if y >= P or y in WEAK:
        return False
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    return pow(square, (P - 1) // 2, P) == 1
