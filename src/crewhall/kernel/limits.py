"""Rate limits: token buckets per process, keyed by (rule, person | agent | address)."""

import time
from collections import OrderedDict
from ipaddress import AddressValueError, IPv6Address, IPv6Network

import msgspec

from crewhall.kernel.errors import TOO_MANY_REQUESTS

MAX_BUCKETS = 50_000


class RateLimit(msgspec.Struct, frozen=True):
    """`burst` at once, refilled at `per_second`."""

    name: str
    burst: float
    per_second: float


def per_minute(name: str, count: int, *, at_once: int = 20) -> RateLimit:
    """So many a minute, of which those of ten seconds may come at once, and `at_once` in any case."""
    return RateLimit(name, burst=max(at_once, count / 6), per_second=count / 60)


class RateLimiter:
    """Buckets of one process; the least recently used are forgotten first (they are full again by then)."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[tuple[str, object], tuple[float, float]] = OrderedDict()

    def check(self, limit: RateLimit, key: object, cost: float = 1.0) -> None:
        """Take `cost` from the bucket, or raise 429 with `retry_after` in whole seconds."""
        now = time.monotonic()
        bucket = (limit.name, key)
        level, stamp = self._buckets.pop(bucket, (limit.burst, now))
        level = min(limit.burst, level + (now - stamp) * limit.per_second)
        if level < cost:
            self._buckets[bucket] = (level, now)
            wait = max(1, int((cost - level) / limit.per_second + 0.999))
            raise TOO_MANY_REQUESTS(
                f"Too many requests ({limit.name}). Try again in {wait} s.", limit=limit.name, retry_after=wait
            )
        self._buckets[bucket] = (level - cost, now)  # taken out and put back: it is the last one now
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)


def network_of(address: str | None) -> str | None:
    """What a limit per address counts by: an IPv6 address's /64, since one client has all of it; others as they are."""
    if address is None or ":" not in address:
        return address
    try:
        parsed = IPv6Address(address)
    except AddressValueError:
        return address
    return str(parsed.ipv4_mapped or IPv6Network((int(parsed) >> 64 << 64, 64)))
