"""What happened to organizations and their people, told within the transaction in which it happened.

`actor.org` is the organization concerned and the transaction is scoped to it.
"""

from uuid import UUID

import msgspec

from crewhall.kernel.actor import Role


class InstallationSeeded(msgspec.Struct, frozen=True):
    """First start: the first organization was made. Domains add what a new installation starts with."""

    org_id: UUID


class OrganizationFounded(msgspec.Struct, frozen=True):
    """Somebody made a further organization. Domains add what one starts with beside its channels."""

    org_id: UUID


class OrganizationGivenUp(msgspec.Struct, frozen=True):
    """Its owner confirmed that it is deleted, which follows. Domains delete what it began with."""

    org_id: UUID


class OrganizationCreated(msgspec.Struct, frozen=True):
    """An organization was made; its owner is its first member (no `MemberJoined` follows for the owner)."""

    org_id: UUID
    name: str
    slug: str
    owner_id: UUID


class MemberJoined(msgspec.Struct, frozen=True):
    """A person became a member by invitation."""

    org_id: UUID
    user_id: UUID
    role: Role


class MemberLeft(msgspec.Struct, frozen=True):
    """A person left or was removed; the membership is gone already."""

    org_id: UUID
    user_id: UUID


class MemberDeactivated(msgspec.Struct, frozen=True):
    """A person was deactivated; the membership is gone already, and they may come back to what they had."""

    org_id: UUID
    user_id: UUID


class MemberReactivated(msgspec.Struct, frozen=True):
    """A deactivated person is a member again."""

    org_id: UUID
    user_id: UUID


class MemberRoleChanged(msgspec.Struct, frozen=True):
    """A member has another role now."""

    org_id: UUID
    user_id: UUID
    old: Role
    new: Role
