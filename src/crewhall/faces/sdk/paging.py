"""Walking through lists page by page."""

from collections.abc import AsyncIterator, Mapping
from typing import TypeVar

from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.transport import Transport

T = TypeVar("T")
PAGE = 200


async def walk(
    transport: Transport, path: str, into: type[Page[T]], query: Mapping[str, object] | None = None
) -> AsyncIterator[T]:
    """Give every item of a list, asking for the next page when the last item of one was taken."""
    after: str | None = None
    while True:
        page = await transport.call("GET", path, into, query={**(query or {}), "after": after, "limit": PAGE})
        for item in page.items:
            yield item
        after = page.next
        if after is None:
            return
