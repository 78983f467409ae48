"""Ending digests by one click from a mail, without signing in (RFC 8058).

A token names organization and person, and is signed with a key derived from the installation's own secret: it is kept
nowhere, good for nothing else, and the same in every mail.
"""

import hmac
from uuid import UUID

from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import NOT_FOUND
from crewhall.notifications.preferences import end_digests
from crewhall.notifications.web_push import decoded, encoded

ID_BYTES, MARK_BYTES = 16, 16


async def unsubscribe_token(tx: Tx, org_id: UUID, user_id: UUID) -> str:
    """The token that ends a person's digests."""
    named = org_id.bytes + user_id.bytes
    return encoded(named + await _mark(tx, named))


async def check_token(db: Database, token: str) -> tuple[UUID, UUID]:
    """Give the organization and the person whom a token names. Raises NOT_FOUND."""
    async with db.transaction(None) as tx:
        try:
            raw = decoded(token)
        except ValueError:
            raw = b""
        named, mark = raw[: 2 * ID_BYTES], raw[2 * ID_BYTES :]
        if len(named) != 2 * ID_BYTES or not hmac.compare_digest(mark, await _mark(tx, named)):
            raise NOT_FOUND("This link is not whole. Sign in, and turn digests off in your settings.")
    return UUID(bytes=named[:ID_BYTES]), UUID(bytes=named[ID_BYTES:])


async def unsubscribe(db: Database, token: str) -> None:
    """End the digests of whom the token names; again changes nothing. Raises NOT_FOUND."""
    org_id, user_id = await check_token(db, token)
    async with db.transaction(system_actor(org_id)) as tx:
        await end_digests(tx, org_id, user_id)


async def _mark(tx: Tx, named: bytes) -> bytes:
    secret = bytes(await tx.value("select session_secret from installation"))
    return hmac.digest(secret, b"crewhall unsubscribe " + named, "sha256")[:MARK_BYTES]
