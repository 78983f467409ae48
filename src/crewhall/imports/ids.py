"""Ids of what is imported: made of where it comes from, so that what is imported again is the same."""

import hashlib
from datetime import datetime
from uuid import UUID


def id_of(org_id: UUID, *path: str, at: datetime) -> UUID:
    """A UUIDv7 of that moment, whose other bits are those of the path: the same for the same."""
    key = b"\0".join([org_id.bytes, *(part.encode("utf-8", "replace") for part in path)])
    rest = int.from_bytes(hashlib.blake2b(key, digest_size=10).digest(), "big")
    milliseconds = int(at.timestamp() * 1000) & (2**48 - 1)
    value = milliseconds << 80 | 0x7 << 76 | (rest >> 62 & 0xFFF) << 64 | 0b10 << 62 | rest & (2**62 - 1)
    return UUID(int=value)
