"""Invitations as they are taken and given at the edge."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.identity.fields import Email


class Invitation(Struct):
    """An open invitation. Without an email it is a link, which `max_uses` people may accept; `uses` have.

    `sent_at`: when its link was made, or made anew.
    """

    id: UUID
    email: str | None
    role: Literal["admin", "member"]
    max_uses: int
    uses: int
    expires_at: datetime
    sent_at: datetime
    created_at: datetime
    created_by: UUID | None


class NewInvitation(Struct, forbid_unknown_fields=True):
    """Whom to invite, and as what. `max_uses` is for links: how many people may join as members by it."""

    email: Email | None = None
    role: Literal["admin", "member"] = "member"
    expires_in_days: Annotated[int, Meta(ge=1, le=90)] | None = None
    max_uses: Annotated[int, Meta(ge=1, le=1000)] = 1


class SentInvitation(Struct):
    """A new invitation with its link, which is shown only now."""

    invitation: Invitation
    link: str
    token: str


class InvitationShown(Struct):
    """What the holder of an invitation's link sees before accepting."""

    organization: str
    email: str | None
    role: Literal["admin", "member"]
    expires_at: datetime
