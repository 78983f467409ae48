"""What there is to think with on this installation: the runtime says it, the pages of agents offer it."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

Named = list[tuple[str, str]]


class Catalog(Struct, frozen=True):
    """Providers with the models that they are known to have, and tools as (name, what it does).

    `more` knows an organization's own tools.
    """

    providers: dict[str, list[str]] = {}
    tools: Named = []
    more: Callable[[UUID], Awaitable[Named]] | None = None

    async def within(self, org_id: UUID) -> "Catalog":
        """The same with the tools that an organization has besides."""
        return self if self.more is None else replace(self, tools=[*self.tools, *await self.more(org_id)], more=None)
