"""Session tokens: who somebody is in one conversation, for whoever cannot or will not ask the server.

A token is a JWT, signed with the Ed25519 key of the conversation's shard. The public half stands on the conversation's
runtime row and verifies by itself. It opens nothing here: the API takes opaque tokens alone (docs/adr/0006, 0013).
"""

import asyncio
import base64
import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import UUID

import msgspec

from crewhall.conversations import Verb, access_conversation, has_access
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.ids import new_id
from crewhall.runtime.derived import read_secret
from crewhall.runtime.places import shard_of
from crewhall.runtime.schemas import SessionToken
from crewhall.runtime.settings import TurnSettings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "EdDSA"
_PUBLISH: LiteralString = """
update controller_shards set public_key = %(key)s where shard = %(shard)s and public_key is distinct from %(key)s
"""


class _Signed(msgspec.Struct):
    token: str
    public_key: str


async def issue_session_token(
    tx: Tx, actor: Actor, conversation_id: UUID, settings: TurnSettings, issuer: str
) -> SessionToken:
    """Say who the actor is in a conversation that it may read, and what it may do there now. Raises NOT_FOUND."""
    access = await access_conversation(tx, actor, conversation_id, Verb.READ)
    rights = ["read", "post"] if await has_access(tx, actor, conversation_id, Verb.POST) else ["read"]
    now = datetime.now(UTC).replace(microsecond=0)
    expires_at = now + timedelta(seconds=settings.session_token_s)
    claims = {
        "iss": issuer,
        "aud": f"conversation:{conversation_id}",
        "sub": f"{actor.type}:{actor.id}",
        "org": str(access.org_id),
        "name": actor.name,
        "rights": rights,
        "iat": now,
        "exp": expires_at,
        "jti": str(new_id()),
    }
    shard = shard_of(conversation_id)
    signed = await asyncio.to_thread(_sign, await read_secret(tx, settings), shard, claims)
    await tx.run(_PUBLISH, {"key": signed.public_key, "shard": shard})
    return SessionToken(token=signed.token, expires_at=expires_at, public_key=signed.public_key, rights=rights)


def _sign(secret: bytes, shard: int, claims: dict[str, Any]) -> _Signed:
    """Sign; in a thread, as the first one imports what signs."""
    import jwt

    key = _key_of(secret, shard)
    raw = key.public_key().public_bytes_raw()
    return _Signed(jwt.encode(claims, key, algorithm=ALGORITHM), base64.b64encode(raw).decode())


def _key_of(secret: bytes, shard: int) -> "Ed25519PrivateKey":
    """The shard's key pair: the same in every process, kept nowhere."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(hmac.digest(secret, b"crewhall session %d" % shard, "sha256"))
