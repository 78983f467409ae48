"""Tokens that were verified lately, by digest: a known token costs no bcrypt and no query on the next request.

Revocation is a NOTIFY that names a tag (`login:…`, `user:…`, `agent:…`, `credential:…`, `org:…`); every process forgets
the entries that carry it. A process that loses its LISTEN forgets everything.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import msgspec

from crewhall.kernel.actor import Actor
from crewhall.kernel.crypto import digest
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import UNAUTHENTICATED, UNAVAILABLE
from crewhall.kernel.signals import Signals

CHANNEL = "crewhall_revoked"
PREFIX_LENGTH = 4
MAX_TOKEN_LENGTH = 256
MAX_ENTRIES = 20_000
MAX_AGE_S = 300.0


class Verified(msgspec.Struct, frozen=True):
    """The actor behind a token, the tags that revoke it, and when it stops being valid (Unix seconds, or None).

    `opens` are the requests that the token is good for, as `METHOD /path`; a `*` at the end stands for whatever
    follows. None: everything that the actor may do.
    """

    actor: Actor
    tags: tuple[str, ...]
    expires_at: float | None = None
    opens: tuple[str, ...] | None = None

    def is_good_for(self, method: str, path: str) -> bool:
        """Whether the token may be used for such a request."""
        if self.opens is None:
            return True
        asked = f"{method} {path}"
        return any(asked.startswith(one[:-1]) if one.endswith("*") else asked == one for one in self.opens)


Verifier = Callable[[str, str | None, str | None], Awaitable[Verified]]
"""`verify(token, org, address)`: raises UNAUTHENTICATED, or FORBIDDEN when the organization is not the actor's."""

UsedHook = Callable[[Verified, str | None], None]


class VerifiedTokens:
    """The cache of one process."""

    def __init__(self, signals: Signals | None = None) -> None:
        self._verifiers: dict[str, tuple[Verifier, UsedHook | None]] = {}
        self._entries: OrderedDict[tuple[bytes, str | None], tuple[Verified, float]] = OrderedDict()
        self._by_tag: dict[str, set[tuple[bytes, str | None]]] = {}
        self._waiting: dict[tuple[bytes, str | None], asyncio.Future[Verified]] = {}
        self._epoch = 0
        self._signals = signals
        self._on_revoked: list[Callable[[str | None], None]] = []
        if signals:
            signals.subscribe(CHANNEL, self.forget)
            signals.on_lost(self.forget_all)

    def register(self, prefix: str, verify: Verifier, used: UsedHook | None = None) -> None:
        """Verify tokens that start with this prefix by `verify`; `used` is told of each use of a cached one."""
        self._verifiers[prefix] = (verify, used)

    def on_revoked(self, callback: Callable[[str | None], None]) -> None:
        """Call back with each revoked tag (None: some may have been missed): live sockets close themselves."""
        self._on_revoked.append(callback)

    async def resolve(self, token: str, org: str | None = None, address: str | None = None) -> Verified:
        """Return who is behind the token, or raise UNAUTHENTICATED."""
        if len(token) > MAX_TOKEN_LENGTH or token[:PREFIX_LENGTH] not in self._verifiers:
            raise UNAUTHENTICATED("This token is not valid. Sign in again or make a new key.")
        verify, used = self._verifiers[token[:PREFIX_LENGTH]]
        key = (digest(token), org)
        found = self._entries.get(key)
        if found and found[1] > time.time():
            if used:
                used(found[0], address)
            return found[0]
        return await self._verify_once(key, verify, token, address)

    def holds(self, verified: Verified) -> bool:
        """Whether nothing was revoked since `resolve` gave this; true while revocations are not heard.

        For what lasts: ask once `on_revoked` reaches it, else a revocation in between is missed.
        """
        if not verified.tags or not (self._signals is None or self._signals.listening):
            return True
        return any(self._entries[key][0] is verified for key in self._by_tag.get(verified.tags[0], ()))

    async def _verify_once(
        self, key: tuple[bytes, str | None], verify: Verifier, token: str, address: str | None
    ) -> Verified:
        """Many requests with the same new token share one verification."""
        if waiting := self._waiting.get(key):
            return await asyncio.shield(waiting)
        future: asyncio.Future[Verified] = asyncio.get_running_loop().create_future()
        self._waiting[key] = future
        epoch = self._epoch
        try:
            verified = await verify(token, key[1], address)
        except BaseException as error:
            # Who waited is told the same: a database that is away signs nobody out.
            cut_short = UNAVAILABLE("Verification was cut short. Try again.", retry_after=1)
            future.set_exception(error if isinstance(error, Exception) else cut_short)
            future.exception()
            raise
        else:
            future.set_result(verified)
        finally:
            del self._waiting[key]
        # A revocation that came while verifying may concern this very token; unheard ones may concern any.
        if epoch == self._epoch and (self._signals is None or self._signals.listening):
            self._remember(key, verified)
        return verified

    def _remember(self, key: tuple[bytes, str | None], verified: Verified) -> None:
        until = time.time() + MAX_AGE_S
        self._entries[key] = (verified, min(until, verified.expires_at or until))
        for tag in verified.tags:
            self._by_tag.setdefault(tag, set()).add(key)
        if len(self._entries) > MAX_ENTRIES:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: tuple[bytes, str | None]) -> None:
        entry = self._entries.pop(key, None)
        for tag in entry[0].tags if entry else ():
            keys = self._by_tag.get(tag)
            if keys:
                keys.discard(key)
                if not keys:
                    del self._by_tag[tag]

    def drop(self, tag: str) -> None:
        """Forget the entries with this tag, and tell nobody: the notice that tells them is on its way."""
        self._epoch += 1
        for key in list(self._by_tag.get(tag, ())):
            self._drop(key)

    def forget(self, tag: str) -> None:
        """Forget the entries with this tag."""
        self.drop(tag)
        for callback in self._on_revoked:
            callback(tag)

    def forget_all(self) -> None:
        """Forget everything: revocations may have been missed."""
        self._epoch += 1
        self._entries.clear()
        self._by_tag.clear()
        if self._signals is None or self._signals.listening:
            for callback in self._on_revoked:
                callback(None)


async def revoke(tx: Tx, tag: str) -> None:
    """Make every process forget what carries the tag, when the transaction commits; this one, before it returns."""
    await tx.notify(CHANNEL, tag)
