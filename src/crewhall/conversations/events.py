"""What happened to conversations and their members, told within the transaction in which it happened."""

from uuid import UUID

import msgspec


class MemberAdded(msgspec.Struct, frozen=True):
    """Somebody was made a member by somebody else; the handler's `actor` is who did."""

    org_id: UUID
    conversation_id: UUID
    member_type: str
    member_id: UUID
    role: str = "member"


class ConversationRead(msgspec.Struct, frozen=True):
    """The actor's read mark stands at `seq`."""

    conversation_id: UUID
    seq: int
