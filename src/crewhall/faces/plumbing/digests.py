"""Digests of what is sent (RFC 9530): `sha-256=:base64:`, several after commas; unknown kinds are passed over."""

import base64
import binascii
import hashlib
import re
from typing import Any

from crewhall.kernel.errors import UPLOAD_DAMAGED

HEADER = "content-digest"
_KNOWN = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
_MEMBER = re.compile(r"\s*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):\s*")


class StatedDigests:
    """The digests that a request states of its body; `update` is given that as it comes, `check` compares."""

    def __init__(self, header: str | None) -> None:
        stated = _read(header) if header else {}
        self._running: list[tuple[Any, bytes]] = [
            (_KNOWN[kind](), digest) for kind, digest in stated.items() if kind in _KNOWN
        ]

    def __bool__(self) -> bool:
        return bool(self._running)

    def update(self, piece: bytes) -> None:
        """Take what came."""
        for running, _ in self._running:
            running.update(piece)

    def check(self) -> None:
        """Raise UPLOAD_DAMAGED where something else came than was stated."""
        if any(running.digest() != stated for running, stated in self._running):
            raise UPLOAD_DAMAGED(
                "What came is not what Content-Digest says of it. Nothing of it is kept: send it again."
            )


def stating(sha256: bytes) -> str:
    """The header that states a SHA-256."""
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"


def _read(header: str) -> dict[str, bytes]:
    found = [_MEMBER.fullmatch(member) for member in header.split(",")]
    try:
        return {one[1]: base64.b64decode(one[2], validate=True) for one in found}  # type: ignore[index]
    except (TypeError, binascii.Error) as error:
        raise UPLOAD_DAMAGED("Write Content-Digest as in sha-256=:…:, with the digest in base64.") from error
