"""Tokens, digests and passwords. bcrypt runs in a small bounded pool of threads, so that logins cannot starve posts."""

import asyncio
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import bcrypt

from crewhall.kernel.errors import INVALID

BCRYPT_COST = 12
MAX_PASSWORD_BYTES = 72
MIN_PASSWORD_LENGTH = 10
_THREADS = 2


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="bcrypt")


def _nobodys_hash(cost: int) -> str:
    """A hash of what nobody has: a check against it takes as long as a real one."""
    return f"$2b${cost:02}$XucJ8vy1g6P9XRrHBMwGUOfy12kxjBfp8f7uY3.Y9Zu6EW97ogR7u"


def new_token(prefix: str) -> str:
    """Return a new opaque secret: the prefix and 256 random bits, URL-safe."""
    return prefix + secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """Return the SHA-256 of a high-entropy token: what is stored and looked up in its place."""
    return hashlib.sha256(token.encode()).digest()


def check_password(password: str, *, least: int = MIN_PASSWORD_LENGTH) -> bytes:
    """Return the password's bytes, or refuse one too short, or longer than bcrypt reads (never cut it)."""
    raw = password.encode()
    if len(password) < least:
        raise INVALID(f"Choose a password of at least {least} characters.", field="password")
    if len(raw) > MAX_PASSWORD_BYTES or b"\0" in raw:
        raise INVALID(f"Choose a password of at most {MAX_PASSWORD_BYTES} bytes without NUL.", field="password")
    return raw


async def hash_secret(secret: bytes, cost: int = BCRYPT_COST) -> str:
    """Return the bcrypt hash of a secret (its salt is inside)."""
    loop = asyncio.get_running_loop()
    return (await loop.run_in_executor(_pool(), bcrypt.hashpw, secret, bcrypt.gensalt(cost))).decode()


async def verify_secret(secret: bytes, hashed: str | None, cost: int = BCRYPT_COST) -> bool:
    """Tell whether the secret matches; with no hash, spend the time of one of that cost and say no."""
    if len(secret) > MAX_PASSWORD_BYTES or b"\0" in secret:
        secret, hashed = b"never matches", None
    loop = asyncio.get_running_loop()
    known = (hashed or _nobodys_hash(cost)).encode()
    matches = await loop.run_in_executor(_pool(), bcrypt.checkpw, secret, known)
    return matches and hashed is not None
