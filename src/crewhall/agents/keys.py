"""Agent keys: `cwk_`, eight random characters (with these the lookup prefix), then the secret. Only a hash is kept."""

import secrets

from msgspec import Struct

from crewhall.kernel.crypto import hash_secret

KEY_PREFIX = "cwk_"
LOOKUP_LENGTH = 12
KEY_COST = 8
"""bcrypt's cost for keys: nobody guesses 256 random bits, however quick a guess is, and each process checks each key."""


class Key(Struct, frozen=True):
    """A key just made: the key itself, shown once; its lookup prefix; its bcrypt hash."""

    key: str
    prefix: str
    hash: str


async def make_key(cost: int = KEY_COST) -> Key:
    """Return a new key of 55 characters, all of which bcrypt reads; takes the time of one bcrypt in its pool."""
    prefix = KEY_PREFIX + secrets.token_urlsafe(6)
    key = prefix + secrets.token_urlsafe(32)
    return Key(key, prefix, await hash_secret(key.encode(), cost))


def lookup_prefix(key: str) -> str | None:
    """Return the part of a key by which its row is found; None for what can be no key."""
    return key[:LOOKUP_LENGTH] if key.isascii() and key.isprintable() and len(key) > LOOKUP_LENGTH else None
