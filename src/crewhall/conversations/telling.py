"""What changed about a conversation itself, told to whoever has it open: its name, whether it is archived, who is out.

A notice says that something changed and never what it is now: whoever hears it asks with the rights they have.
"""

from enum import StrEnum
from uuid import UUID

import msgspec

from crewhall.kernel.db import Tx

CHANGES_CHANNEL = "crewhall_conversations"


class Change(StrEnum):
    """What happened to a conversation, or to somebody in it."""

    CHANGED = "changed"
    ARCHIVED = "archived"
    RESTORED = "restored"
    DELETED = "deleted"
    REMOVED = "removed"
    """`member` is in it no more."""


class ChangeNotice(msgspec.Struct):
    """A change, as it travels between processes."""

    org_id: UUID
    conversation_id: UUID
    change: Change
    member_id: UUID | None = None


_encoder = msgspec.json.Encoder()
read_change = msgspec.json.Decoder(ChangeNotice).decode


async def tell_change(
    tx: Tx, org_id: UUID, conversation_id: UUID, change: Change, member_id: UUID | None = None
) -> None:
    """Tell whoever follows the conversation, or (`REMOVED`) the member alone, once the transaction has committed.

    Before membership is bumped: who is let follow no more is told first.
    """
    notice = ChangeNotice(org_id, conversation_id, change, member_id)
    await tx.notify(CHANGES_CHANNEL, _encoder.encode(notice).decode())
