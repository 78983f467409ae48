"""Callers: who speaks at the door, by a token alone, in one of their organizations."""

from collections.abc import MutableMapping
from typing import Any

import msgspec

from crewhall.faces.plumbing.dependencies import NO_ORGANIZATION
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import UNAUTHENTICATED
from crewhall.kernel.verified import Verified


class Caller(msgspec.Struct, frozen=True):
    """Who calls, what signed them in, and the token that did."""

    actor: Actor
    verified: Verified
    token: str

    async def within(self, services: Services, organization: str) -> "Caller":
        """The same caller in another organization, by id or slug: as `X-Crewhall-Org` would have it.

        Raises FORBIDDEN where it is none of theirs, whether it exists or not.
        """
        verified = await services.verified.resolve(self.token, organization, self.actor.address)
        return Caller(msgspec.structs.replace(verified.actor, address=self.actor.address), verified, self.token)


def caller_of(scope: MutableMapping[str, Any]) -> Caller:
    """Who calls. A browser's cookie opens pages, not this. Raises UNAUTHENTICATED, NO_ORGANIZATION."""
    actor: Actor | None = scope.get("actor")
    bearer: bytes = dict(scope["headers"]).get(b"authorization", b"")
    if actor is None or bearer[:7].lower() != b"bearer ":
        raise UNAUTHENTICATED(
            "Your API key is a personal token (`crewhall token create`) or an agent's key: `Authorization: Bearer …`."
        )
    if actor.org_id is None:
        raise NO_ORGANIZATION("Choose an organization first: send its id or slug as `X-Crewhall-Org`.")
    return Caller(actor, scope["verified"], bearer[7:].decode("latin-1").strip())
