"""Secrets that the database keeps: encrypted here (AES-256-GCM), and bound to the row that holds them.

The key comes from the operator's setting; without one from the installation's own secret, which a dump holds as well.
"""

import hmac
import secrets

from pydantic import SecretStr

from crewhall.kernel.db import Tx
from crewhall.kernel.errors import define_error

UNREADABLE_SECRET = define_error("unreadable_secret", 409, "A secret cannot be read any more")
NONCE = 12


async def sealing_key(tx: Tx, secrets_key: SecretStr | None) -> bytes:
    """The key of this installation, of the operator's setting."""
    if secrets_key is not None:
        secret = secrets_key.get_secret_value().encode()
    else:
        secret = bytes(await tx.value("select session_secret from installation"))
    return hmac.digest(secret, b"crewhall sealed secrets", "sha256")


def seal(key: bytes, text: str, place: bytes) -> bytes:
    """Encrypt a text for this place alone."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, text.encode(), place)


def unseal(key: bytes, sealed: bytes, place: bytes) -> str:
    """Decrypt what was sealed for this place. Raises UNREADABLE_SECRET."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], place).decode()
    except InvalidTag as error:
        raise UNREADABLE_SECRET(
            "The secret was encrypted with another key (CREWHALL_SECRETS_KEY). Give it again."
        ) from error
