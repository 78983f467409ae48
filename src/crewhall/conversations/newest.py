"""The newest page of each busy conversation, as JSON, until its log moves on.

Every advance of a conversation, of this process or another, drops its page; who may have missed one drops all.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from uuid import UUID

from crewhall.kernel.signals import Signals
from crewhall.ports.message_log import Advanced, MessageLog

MAX_PAGES = 2_000

Load = Callable[[], Awaitable[bytes]]


class NewestPages:
    """Pages of one process, by (conversation, what is asked of it)."""

    def __init__(self, log: MessageLog, signals: Signals) -> None:
        self._signals = signals
        self._pages: OrderedDict[UUID, dict[object, bytes]] = OrderedDict()
        log.watch(self._on_advance)

    async def page(self, conversation_id: UUID, variant: object, load: Load) -> bytes:
        """Return the page, loading it when it is not known. `variant` tells apart pages of one conversation."""
        if not self._signals.listening:
            return await load()
        known = self._pages.get(conversation_id)
        if known is None:
            known = self._pages[conversation_id] = {}
            if len(self._pages) > MAX_PAGES:
                self._pages.popitem(last=False)
        found = known.get(variant)
        if found is None:
            # An advance while loading drops `known` from the pages: what is stored into it then is never read.
            found = await load()
            known[variant] = found
        return found

    def _on_advance(self, advanced: Advanced | None) -> None:
        if advanced is None:
            self._pages.clear()
        else:
            self._pages.pop(advanced.conversation_id, None)
