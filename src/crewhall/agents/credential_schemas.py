"""Credentials at the edge. The key itself is in one answer only: that of its making."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

Label = Annotated[str, Meta(max_length=100)]
Overlap = Annotated[int, Meta(ge=0, le=7 * 86_400, description="Seconds that the old key stays valid, at most 7 days.")]


class Credential(Struct):
    """A credential of an agent. `is_active` is false once it was revoked, has expired, or its rotation took effect."""

    id: UUID
    agent_id: UUID
    type: str
    label: str
    prefix: str
    is_active: bool
    expires_at: datetime | None
    last_used_at: datetime | None
    rotated_from: UUID | None
    created_at: datetime
    updated_at: datetime
    created_by: UUID | None


class NewCredential(Credential):
    """A credential just made, with its key: keep it now, it is never shown again."""

    key: str


class CredentialInput(Struct, forbid_unknown_fields=True):
    """A new credential; without `expires_at` it is good until it is revoked or rotated."""

    label: Label = ""
    expires_at: datetime | None = None


class RotationInput(Struct, forbid_unknown_fields=True):
    """A rotation. Without `expires_at` the new key lives as long from now as the old one was meant to."""

    overlap_seconds: Overlap = 0
    expires_at: datetime | None = None


class CredentialUse(Struct):
    """A validation of a key, good or bad, or the count of further uses of a key that was verified already."""

    id: UUID
    ok: bool
    reason: str | None
    uses: int
    address: str | None
    used_at: datetime
