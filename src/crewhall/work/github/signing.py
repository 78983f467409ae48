"""What GitHub signs: HMAC-SHA256 of the body as it came, in `X-Hub-Signature-256`."""

import hmac
import re

HEADER = "x-hub-signature-256"
_SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})\Z")


def sign(secret: str, body: bytes) -> str:
    """The header's value."""
    return "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()


def is_signed(secret: str, signature: str, body: bytes) -> bool:
    """Whether a body was signed with a secret; takes as long for every wrong signature."""
    return bool(_SIGNATURE.match(signature)) and hmac.compare_digest(sign(secret, body), signature)
