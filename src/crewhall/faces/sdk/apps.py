"""Apps: programs that the signed-in person let in through MCP."""

from collections.abc import AsyncIterator

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.resources import LetInApp, Page
from crewhall.faces.sdk.transport import Nothing, Transport, join


class Apps:
    """The apps that the signed-in person let in."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> AsyncIterator[LetInApp]:
        """Give them, newest first."""
        return walk(self._transport, "/me/apps", Page[LetInApp])

    async def shut_out(self, app_id: str) -> None:
        """Take the access of one back now, everywhere."""
        await self._transport.call("DELETE", join("me", "apps", app_id), Nothing)
