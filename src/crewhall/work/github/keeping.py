"""The secrets of connections: encrypted for their row, opened only to ask GitHub and to verify what it sends."""

from uuid import UUID

from pydantic import SecretStr

from crewhall.kernel.db import Tx
from crewhall.kernel.sealing import seal, sealing_key, unseal

_ACCESS, _WEBHOOK = b"github access", b"github webhook"


class Keeping:
    """Seals and opens with the installation's key."""

    def __init__(self, secrets_key: SecretStr | None) -> None:
        self._secrets_key = secrets_key

    async def seal_access(self, tx: Tx, connection_id: UUID, secret: str) -> bytes:
        """Encrypt a token or a private key."""
        return seal(await sealing_key(tx, self._secrets_key), secret, _ACCESS + connection_id.bytes)

    async def open_access(self, tx: Tx, connection_id: UUID, sealed: bytes) -> str:
        """Decrypt it. Raises UNREADABLE_SECRET."""
        return unseal(await sealing_key(tx, self._secrets_key), sealed, _ACCESS + connection_id.bytes)

    async def seal_webhook(self, tx: Tx, connection_id: UUID, secret: str) -> bytes:
        """Encrypt what webhooks are signed with."""
        return seal(await sealing_key(tx, self._secrets_key), secret, _WEBHOOK + connection_id.bytes)

    async def open_webhook(self, tx: Tx, connection_id: UUID, sealed: bytes) -> str:
        """Decrypt it. Raises UNREADABLE_SECRET."""
        return unseal(await sealing_key(tx, self._secrets_key), sealed, _WEBHOOK + connection_id.bytes)
