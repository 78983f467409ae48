"""Watching a turn from outside: whoever waits for one is woken when it is decided, put aside or ended.

The wake-ups say only where something happened; what it was is read from the tables.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.runtime.decisions import DECIDED_CHANNEL
from crewhall.runtime.places import shard_of, shards_named
from crewhall.runtime.runs import TRIGGERS_CHANNEL


class TurnWatch:
    """Who waits in this process, by shard."""

    def __init__(self, db: Database, signals: Signals) -> None:
        self._waiting: dict[int, set[Callable[[], None]]] = defaultdict(set)
        signals.follow(db, DECIDED_CHANNEL, self._wake)
        signals.follow(db, TRIGGERS_CHANNEL, self._wake)
        signals.on_lost(self._wake_all)

    @contextmanager
    def on(self, conversation_id: UUID, stirred: Callable[[], None]) -> Iterator[None]:
        """Within, call back whenever something may have happened to a turn there. The callback is quick."""
        shard = shard_of(conversation_id)
        self._waiting[shard].add(stirred)
        try:
            yield
        finally:
            self._waiting[shard].discard(stirred)

    def _wake(self, payload: str) -> None:
        if not any(self._waiting.values()):
            return
        for shard in shards_named(payload):
            for stirred in tuple(self._waiting.get(shard, ())):
                stirred()

    def _wake_all(self) -> None:
        for waiting in self._waiting.values():
            for stirred in tuple(waiting):
                stirred()
