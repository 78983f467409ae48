"""Signatures of events: Ed25519 (RFC 8032) by the agent's own key, over the canonical JSON of what it posts."""

import base64
import binascii
import json
from uuid import UUID

from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import define_error
from crewhall.work.timeline_schemas import NewEvent

SIGNATURE_REQUIRED = define_error("signature_required", 422, "The event is not signed")
SIGNATURE_WRONG = define_error("signature_wrong", 422, "The signature does not fit")


def signed_text(event: NewEvent) -> bytes:
    """What an agent signs: JSON with sorted keys, without blanks, in UTF-8."""
    said = {
        "content": event.content,
        "mentions": [str(one) for one in event.mentions],
        "metadata": event.metadata,
        "type": event.type,
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


async def check_signature(tx: Tx, actor: Actor, event: NewEvent) -> str | None:
    """The signature in its one form, or None for who has no key.

    An agent with a public key signs what it posts by itself; what it does in a turn Crewhall does for it, without its
    private key. Raises SIGNATURE_REQUIRED, SIGNATURE_WRONG.
    """
    key = await _public_key(tx, actor.id) if actor.type is ActorType.AGENT else None
    if event.signature is None:
        if key is not None and actor.run_id is None and not actor.behalf:
            raise SIGNATURE_REQUIRED(
                "This agent has a public key: sign what it posts, or take the key off it.", field="signature"
            )
        return None
    if key is None:
        raise SIGNATURE_WRONG("Only an agent with a public key signs. Leave `signature` out.", field="signature")
    return _verified(key, event)


def _verified(key: str, event: NewEvent) -> str:
    from cryptography.exceptions import InvalidSignature  # with the first that signs
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        raw = base64.b64decode(event.signature or "", validate=True)
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key)).verify(raw, signed_text(event))
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise SIGNATURE_WRONG(
            "This is no signature of this event by the agent's key. Sign the canonical JSON of content, mentions, "
            "metadata and type.",
            field="signature",
        ) from error
    return base64.b64encode(raw).decode()


async def _public_key(tx: Tx, agent_id: UUID) -> str | None:
    key: str | None = await tx.value(
        "select public_key from agents where org_id = any (current_orgs()) and id = %(id)s", {"id": agent_id}
    )
    return key
