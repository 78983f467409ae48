"""Organizations, the people in them, and invitations."""

from collections.abc import AsyncIterator
from typing import Any

from crewhall.faces.sdk.errors import CrewhallApiError
from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.resources import Invitation, Organization, Page, Person, SentInvitation
from crewhall.faces.sdk.transport import Nothing, Transport, as_body, join


class Organizations:
    """The organizations that the signed-in person belongs to."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> AsyncIterator[Organization]:
        """Give them by name."""
        return walk(self._transport, "/organizations", Page[Organization])

    async def find(self, name: str) -> Organization:
        """Give the one with this slug or id."""
        async for organization in self.list():
            if name in {organization.slug, organization.id}:
                return organization
        raise CrewhallApiError("not_found", 404, f"You belong to no organization {name!r}.")

    async def create(self, name: str, *, slug: str | None = None) -> Organization:
        """Make an organization; whoever makes it owns it."""
        return await self._transport.call("POST", "/organizations", Organization, body=as_body(name=name, slug=slug))

    async def update(self, org_id: str, **changes: Any) -> Organization:
        """Change an organization."""
        return await self._transport.call("PATCH", join("organizations", org_id), Organization, body=changes)

    async def switch(self, org_id: str) -> Organization:
        """Make an organization the current one of this login."""
        path = join("organizations", org_id, "switch")
        return await self._transport.call("POST", path, Organization, repeatable=True)


class People:
    """The people of the organization."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, text: str | None = None) -> AsyncIterator[Person]:
        """Give people by name; `text` is part of a name, handle or email."""
        return walk(self._transport, "/people", Page[Person], {"q": text})

    async def find(self, name: str) -> Person:
        """Give the person with this handle (with or without `@`), email or id."""
        wanted = name.removeprefix("@").lower()
        async for person in self.list():
            if wanted in {person.handle, person.email, person.id}:
                return person
        raise CrewhallApiError("not_found", 404, f"Nobody in this organization has {name} as handle, email or id.")

    async def change_role(self, person_id: str, role: str) -> Person:
        """Make somebody member, admin or owner."""
        return await self._transport.call("PATCH", join("people", person_id), Person, body={"role": role})

    async def remove(self, person_id: str) -> None:
        """Take a person out of the organization."""
        await self._transport.call("DELETE", join("people", person_id), Nothing)

    def invitations(self) -> AsyncIterator[Invitation]:
        """Give the open invitations, newest first."""
        return walk(self._transport, "/invitations", Page[Invitation])

    async def invite(self, email: str | None = None, *, role: str = "member") -> SentInvitation:
        """Invite somebody; the answer holds the link."""
        return await self._transport.call("POST", "/invitations", SentInvitation, body=as_body(email=email, role=role))

    async def withdraw(self, invitation_id: str) -> None:
        """Make an invitation's link stop working."""
        await self._transport.call("DELETE", join("invitations", invitation_id), Nothing)
