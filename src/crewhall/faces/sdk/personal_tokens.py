"""Personal tokens: keys that last, for programs that act as the signed-in person."""

from collections.abc import AsyncIterator

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.resources import Page, PersonalToken
from crewhall.faces.sdk.transport import Nothing, Transport, as_body, join


class PersonalTokens:
    """The signed-in person's own tokens."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> AsyncIterator[PersonalToken]:
        """Give those that are still good, newest first, without their secrets."""
        return walk(self._transport, "/me/tokens", Page[PersonalToken])

    async def create(self, name: str, *, expires_in_days: int | None = None) -> PersonalToken:
        """Make one for the current organization. `token` of the answer is the secret, shown this once."""
        body = as_body(name=name, expires_in_days=expires_in_days)
        return await self._transport.call("POST", "/me/tokens", PersonalToken, body=body)

    async def revoke(self, token_id: str) -> None:
        """Stop one now, everywhere."""
        await self._transport.call("DELETE", join("me", "tokens", token_id), Nothing)
