"""Leases: which process decides for which share of the conversations.

A lease is taken when something is to be decided there and nobody holds it; it lasts 15 seconds beyond the last renewal
and is renewed by deciding alone. Where the holder's sign of life is gone (a lock of its connection, which a killed
process leaves at once), it need not have lapsed. Who takes over raises the epoch: whatever the former holder still
decides is refused.
"""

import asyncio
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import define_error

TTL_S = 15.0
RENEW_BELOW_S = 10.0
SURE_S = 1.0
"""A lease that lasts no longer than this is asked for anew before anything is decided."""
LEASE_LOST = define_error("lease_lost", 409, "Another process decides for this conversation now")


HOLD: LiteralString = """
select true from controller_shards where shard = %(shard)s and epoch = %(epoch)s and controller_id = %(me)s for share
"""
RENEW: LiteralString = """
update controller_shards set lease_until = now() + make_interval(secs => %(ttl)s)
where shard = %(shard)s and epoch = %(epoch)s and controller_id = %(me)s returning true
"""


class Lease(msgspec.Struct, frozen=True):
    """The right to decide for a shard, as long as its epoch lasts."""

    shard: int
    epoch: int


class _Answer(msgspec.Struct):
    epoch: int | None
    seconds: float


class Leases:
    """The leases of one process, `controller_id`, whose signals show that it lives."""

    def __init__(self, db: Database, controller_id: UUID, *, region: str = "", ttl_s: float = TTL_S) -> None:
        self.controller_id = controller_id
        self._db = db
        self._region = region
        self._ttl_s = ttl_s
        self._held: dict[int, tuple[Lease, float]] = {}

    async def take(self, shard: int) -> Lease | float:
        """Return the lease, taken where need be; or the seconds until the other holder's may lapse."""
        known, until = self._held.get(shard, (None, 0.0))
        now = asyncio.get_running_loop().time()
        if known is not None and until - now > self._ttl_s * SURE_S / TTL_S:
            return known
        answer = await self._ask(shard)
        if answer.epoch is None:
            self._held.pop(shard, None)
            return max(answer.seconds, 0.0)
        lease = Lease(shard, answer.epoch)
        self._held[shard] = lease, now + self._ttl_s
        return lease

    async def _ask(self, shard: int) -> _Answer:
        async with self._db.transaction(None, lazily=True) as tx:
            return await tx.one(
                _Answer,
                """
                with held as (
                    update controller_shards s
                    set epoch = s.epoch + (s.controller_id is distinct from %(me)s)::integer, controller_id = %(me)s,
                        region = %(region)s, lease_until = now() + make_interval(secs => %(ttl)s)
                    where s.shard = %(shard)s and (
                        s.controller_id = %(me)s or s.lease_until < now()
                        or pg_try_advisory_xact_lock(hashtextextended('crewhall.life.' || s.controller_id, 0))
                    )
                    returning s.epoch
                )
                select (select h.epoch from held h) as epoch,
                       extract(epoch from s.lease_until - now())::double precision as seconds
                from controller_shards s where s.shard = %(shard)s
                """,
                {"me": self.controller_id, "shard": shard, "region": self._region, "ttl": self._ttl_s},
            )

    async def check(self, tx: Tx, lease: Lease) -> None:
        """Hold the lease for the rest of the transaction, and longer where it lapses soon.

        Raises LEASE_LOST when another process has taken over.
        """
        now = asyncio.get_running_loop().time()
        _, until = self._held.get(lease.shard, (None, 0.0))
        is_old = until - now <= self._ttl_s * RENEW_BELOW_S / TTL_S
        values = {"shard": lease.shard, "epoch": lease.epoch, "me": self.controller_id, "ttl": self._ttl_s}
        if not await tx.value(RENEW if is_old else HOLD, values):
            self._held.pop(lease.shard, None)
            raise LEASE_LOST("Another process decides for this conversation now; it will decide this, too.")
        if is_old:
            self._held[lease.shard] = lease, now + self._ttl_s

    async def release(self) -> list[int]:
        """Give every lease back; returns the shards that others may take at once."""
        self._held.clear()
        async with self._db.transaction(None) as tx:
            return await tx.values(
                """
                update controller_shards set lease_until = '-infinity'
                where controller_id = %(me)s and lease_until > now() returning shard
                """,
                {"me": self.controller_id},
            )
