"""The consumer of the log that finds whom records concern."""

import msgspec

from crewhall.kernel.db import Database
from crewhall.notifications.telling import DIGESTS_CHANNEL, Told, ring_all

BATCH = 2000
"""Records of one step: reading past what concerns nobody is cheap, and cheaper in one go."""
GATHER_S = 0.25
"""How far apart steps are under load: so much may notifications trail a busy log."""


class _Derived(msgspec.Struct):
    seen: int
    told: list[Told] | None
    are_expected: bool


class NotificationDeriver:
    """Derives notifications from the log's records."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def step(self) -> int:
        """Derive the next batch, unless another process does; gives the number of records seen."""
        async with self._db.transaction(None, lazily=True) as tx:
            derived = await tx.one(
                _Derived, "select seen, told, are_expected from derive_notifications(%(size)s)", {"size": BATCH}
            )
            if derived.told:
                await ring_all(tx, derived.told)
            if derived.are_expected:
                await tx.notify(DIGESTS_CHANNEL, "")
        return derived.seen
