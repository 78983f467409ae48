"""Walking through lists page by page."""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol, TypeVar

from crewhall.faces.sdk.errors import CrewhallApiError
from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.transport import Transport

T = TypeVar("T")
PAGE = 200


class Named(Protocol):
    """What goes by an id, and by a name that others may have as well."""

    @property
    def id(self) -> str:
        """Its own alone."""
        ...

    @property
    def name(self) -> str:
        """What people call it."""
        ...


N = TypeVar("N", bound=Named)


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


async def find_named(items: AsyncIterator[N], named: str, what: str) -> N:
    """Give the item of this id, else the only one of this name, whatever its case; `what` it is stands in the refusal.

    Raises CrewhallApiError: `not_found`, or `ambiguous` where several have the name.
    """
    found = []
    async for item in items:
        if item.id == named.lower():
            return item
        if item.name.lower() == named.lower():
            found.append(item)
    if len(found) == 1:
        return found[0]
    if found:
        raise CrewhallApiError("ambiguous", 409, f"{len(found)} {what}s are called {named}: give the id of one.")
    raise CrewhallApiError("not_found", 404, f"There is no {what} {named} that you can see.")
