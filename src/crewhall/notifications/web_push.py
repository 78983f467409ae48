"""Web push on the wire: what is sent is sealed for the browser alone (RFC 8291) and signed by this server (RFC 8292).

The signing key is derived from the installation's own secret and kept nowhere. The ciphers are `cryptography`'s; what
is here is the order in which the two documents use them.
"""

import base64
import hmac
import os
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

RECORD_SIZE = 4096
MOST_PAYLOAD = RECORD_SIZE - 17 - 86
"""Bytes of a message that push services take: one record, without its tag, delimiter and header."""
SIGNED_FOR_S = 12 * 3600
KEY_BYTES, SECRET_BYTES, SALT_BYTES = 65, 16, 16
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def signing_key(root: bytes) -> "EllipticCurvePrivateKey":
    """The server's key (P-256), the same wherever and whenever it is derived from this secret."""
    from cryptography.hazmat.primitives.asymmetric import ec

    wide = hmac.digest(root, b"crewhall push", "sha512")
    return ec.derive_private_key(int.from_bytes(wide) % (_ORDER - 1) + 1, ec.SECP256R1())


def public_bytes(key: "EllipticCurvePrivateKey") -> bytes:
    """The public half of a key, as browsers take it: an uncompressed point."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def is_public_key(raw: bytes) -> bool:
    """Whether these bytes are a point of the curve, uncompressed."""
    from cryptography.hazmat.primitives.asymmetric import ec

    if len(raw) != KEY_BYTES:
        return False
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError:
        return False
    return True


def authorization(key: "EllipticCurvePrivateKey", endpoint: str, contact: str) -> str:
    """The header that tells a push service that the browser's own server asks. `contact`: a URI of who runs it."""
    import jwt

    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int(time.time()) + SIGNED_FOR_S, "sub": contact}
    return f"vapid t={jwt.encode(claims, key, algorithm='ES256')}, k={encoded(public_bytes(key))}"


def seal(
    payload: bytes,
    public_key: bytes,
    secret: bytes,
    *,
    sender: "EllipticCurvePrivateKey | None" = None,
    salt: bytes | None = None,
) -> bytes:
    """Encrypt for one browser, given its public key and secret: one record of `aes128gcm`.

    `sender` and `salt` are made anew for each message; they are given by tests alone.
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(payload) > MOST_PAYLOAD:
        raise ValueError(f"{len(payload)} bytes are more than {MOST_PAYLOAD}")
    sender = sender or ec.generate_private_key(ec.SECP256R1())
    salt = salt or os.urandom(SALT_BYTES)
    receiver = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
    own = public_bytes(sender)
    content_key, nonce = derive(sender.exchange(ec.ECDH(), receiver), secret, salt, public_key, own)
    sealed = AESGCM(content_key).encrypt(nonce, payload + b"\x02", None)
    return salt + RECORD_SIZE.to_bytes(4) + bytes([len(own)]) + own + sealed


def derive(shared: bytes, secret: bytes, salt: bytes, receiver: bytes, sender: bytes) -> tuple[bytes, bytes]:
    """The key and the nonce of a message, from what both sides know; `receiver` and `sender` are public keys."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    def expanded(key: bytes, over: bytes, info: bytes, length: int) -> bytes:
        return HKDF(SHA256(), length, over, info).derive(key)

    keying = expanded(shared, secret, b"WebPush: info\0" + receiver + sender, 32)
    return (
        expanded(keying, salt, b"Content-Encoding: aes128gcm\0", 16),
        expanded(keying, salt, b"Content-Encoding: nonce\0", 12),
    )


def encoded(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Read base64url, padded or not. Raises ValueError."""
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
