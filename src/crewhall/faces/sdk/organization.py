"""Organizations, the people in them, and invitations."""

from collections.abc import AsyncIterator
from typing import Any

from crewhall.faces.sdk.errors import CrewhallApiError
from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.resources import Invitation, Organization, OwnershipOffer, Page, Person, SentInvitation
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

    async def change_logo(self, org_id: str, image: bytes) -> Organization:
        """Make an image (PNG, JPEG, GIF or WebP) the organization's logo."""
        path = join("organizations", org_id, "logo")
        return await self._transport.send("PUT", path, Organization, content=image, repeatable=True)

    async def remove_logo(self, org_id: str) -> Organization:
        """Take the logo away."""
        return await self._transport.call("DELETE", join("organizations", org_id, "logo"), Organization)

    async def offer(self, org_id: str, person_id: str) -> OwnershipOffer:
        """Offer an organization that one owns to one of its people."""
        path = join("organizations", org_id, "ownership-offer")
        return await self._transport.call("PUT", path, OwnershipOffer, body={"person_id": person_id})

    async def show_offer(self, org_id: str) -> OwnershipOffer:
        """To whom an organization is offered."""
        return await self._transport.call("GET", join("organizations", org_id, "ownership-offer"), OwnershipOffer)

    async def end_offer(self, org_id: str) -> None:
        """Take one's offer back, or decline what is offered to oneself."""
        await self._transport.call("DELETE", join("organizations", org_id, "ownership-offer"), Nothing)

    async def accept_offer(self, org_id: str) -> Organization:
        """Become the owner of an organization that is offered to oneself."""
        path = join("organizations", org_id, "ownership-offer", "accept")
        return await self._transport.call("POST", path, Organization)

    async def switch(self, org_id: str) -> Organization:
        """Make an organization the current one of this login."""
        path = join("organizations", org_id, "switch")
        return await self._transport.call("POST", path, Organization, repeatable=True)


class People:
    """The people of the organization."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self, *, text: str | None = None, role: str | None = None, deactivated: bool = False
    ) -> AsyncIterator[Person]:
        """Give people by name; `text` is part of a name, handle or email. Admins find the `deactivated` ones, too."""
        status = "deactivated" if deactivated else None
        return walk(self._transport, "/people", Page[Person], {"q": text, "role": role, "status": status})

    async def find(self, name: str, *, deactivated: bool = False) -> Person:
        """Give the person with this handle (with or without `@`), email or id."""
        wanted = name.removeprefix("@").lower()
        async for person in self.list(deactivated=deactivated):
            if wanted in {person.handle, person.email, person.id}:
                return person
        raise CrewhallApiError("not_found", 404, f"Nobody in this organization has {name} as handle, email or id.")

    async def change_role(self, person_id: str, role: str) -> Person:
        """Make somebody member or admin."""
        return await self._transport.call("PATCH", join("people", person_id), Person, body={"role": role})

    async def remove(self, person_id: str) -> None:
        """Take a person out of the organization."""
        await self._transport.call("DELETE", join("people", person_id), Nothing)

    async def deactivate(self, person_id: str) -> Person:
        """Keep a person out, at once; what they had is kept for when they are let back in."""
        return await self._transport.call("PUT", join("people", person_id, "deactivation"), Person)

    async def reactivate(self, person_id: str) -> Person:
        """Let a deactivated person back in."""
        return await self._transport.call("DELETE", join("people", person_id, "deactivation"), Person)

    def invitations(self) -> AsyncIterator[Invitation]:
        """Give the invitations that are neither used up nor withdrawn, newest first."""
        return walk(self._transport, "/invitations", Page[Invitation])

    async def invite(
        self, email: str | None = None, *, role: str = "member", max_uses: int = 1, days: int | None = None
    ) -> SentInvitation:
        """Invite somebody; the answer holds the link. Without an email, `max_uses` people may join by it."""
        body = as_body(email=email, role=role, max_uses=max_uses, expires_in_days=days)
        return await self._transport.call("POST", "/invitations", SentInvitation, body=body)

    async def resend(self, invitation_id: str) -> SentInvitation:
        """Send an invitation again, with a new link; the one before stops working."""
        return await self._transport.call("POST", join("invitations", invitation_id, "resend"), SentInvitation)

    async def withdraw(self, invitation_id: str) -> None:
        """Make an invitation's link stop working."""
        await self._transport.call("DELETE", join("invitations", invitation_id), Nothing)
