"""Records that went to Kafka and are not in the read model yet, and until when their authors wait."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from uuid import UUID

from crewhall.adapters.postgres.batch import Pending
from crewhall.ports.message_log import Appended, NewRecord


class Waiting:
    """Who waits for which record, by conversation."""

    def __init__(self) -> None:
        self._by_conversation: dict[UUID, dict[UUID, Pending]] = defaultdict(dict)

    def __bool__(self) -> bool:
        return bool(self._by_conversation)

    def add(self, pending: Pending) -> None:
        """Wait for a record."""
        self._by_conversation[pending.record.conversation_id][pending.record.id] = pending

    def pop(self, record: NewRecord) -> Pending | None:
        """Who waits for the record, and no longer does."""
        those = self._by_conversation.get(record.conversation_id)
        if those is None:
            return None
        found = those.pop(record.id, None)
        if not those:
            del self._by_conversation[record.conversation_id]
        return found

    def conversations(self) -> set[UUID]:
        """The conversations of which somebody waits for a record."""
        return set(self._by_conversation)

    def among(self, conversations: Iterable[UUID]) -> set[UUID]:
        """Those of the conversations of which somebody waits for a record."""
        return {one for one in conversations if one in self._by_conversation}

    def of(self, conversations: Iterable[UUID]) -> list[Pending]:
        """Who waits for records of these conversations."""
        return [pending for one in conversations for pending in self._by_conversation.get(one, {}).values()]


class Deadlines:
    """Tells whose time is over; all wait equally long, so that one timer is enough."""

    def __init__(self, patience_s: float, on_late: Callable[[list[Pending]], None]) -> None:
        self._patience_s = patience_s
        self._on_late = on_late
        self._order: deque[tuple[float, Pending]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, pending: Pending) -> None:
        """Let a record's time begin."""
        while self._order and self._order[0][1].future.done():
            self._order.popleft()
        self._order.append((asyncio.get_running_loop().time() + self._patience_s, pending))
        if self._timer is None:
            self._set()

    def close(self) -> None:
        """Forget all of them."""
        self._order.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _set(self) -> None:
        while self._order and self._order[0][1].future.done():
            self._order.popleft()
        self._timer = asyncio.get_running_loop().call_at(self._order[0][0], self._ring) if self._order else None

    def _ring(self) -> None:
        now, late = asyncio.get_running_loop().time(), []
        while self._order and self._order[0][0] <= now:
            pending = self._order.popleft()[1]
            if not pending.future.done():
                late.append(pending)
        self._set()
        if late:
            self._on_late(late)


def nobodys(record: NewRecord) -> Pending:
    """A record for which nobody waits here."""
    future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
    future.cancel()
    return Pending(record, future, 0)
