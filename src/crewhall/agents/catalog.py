"""What there is to think with on this installation: the runtime says it, the pages of agents offer it."""

from msgspec import Struct


class Catalog(Struct, frozen=True):
    """Providers with the models that they are known to have, and tools as (name, what it does)."""

    providers: dict[str, list[str]] = {}
    tools: list[tuple[str, str]] = []
