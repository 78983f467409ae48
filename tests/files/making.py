"""Files of every kind, and short ways to send them."""

import base64
import hashlib
import io
import struct
import zlib
from typing import Any

import httpx
from PIL import Image

from tests.identity.hall import Member
from tests.support.server import AgentClient

Someone = Member | AgentClient


def image(kind: str = "PNG", size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    """A small image."""
    out = io.BytesIO()
    Image.new("RGB", size, (30, 120, 90)).save(out, kind, **options)
    return out.getvalue()


def photograph() -> bytes:
    """A JPEG that lies on its side, as cameras make them, and says where it was taken."""
    told = Image.Exif()
    told[0x0112] = 6
    told[0x010E] = "taken at home"
    return image("JPEG", (400, 200), exif=told)


def bomb(pixels: int = 60_000) -> bytes:
    """A PNG of a few bytes that says it has very many pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", pixels, pixels, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )


def stating(data: bytes) -> str:
    """The digest of what is sent, as a header states it."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


async def send(who: Someone, conversation: str, data: bytes | Any, name: str = "notes.txt") -> httpx.Response:
    """Send a file up."""
    return await who.api.post(f"/conversations/{conversation}/files", params={"name": name}, content=data)


async def sent(who: Someone, conversation: str, data: bytes, name: str = "notes.txt") -> dict[str, Any]:
    """Send a file up; returns what the server says of it."""
    answer = await send(who, conversation, data, name)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def post(who: Someone, conversation: str, *files: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Post a message with files."""
    body = {"files": [file["id"] for file in files], **fields}
    answer = await who.api.post(f"/conversations/{conversation}/messages", json=body)
    assert answer.is_success, answer.text
    shown: dict[str, Any] = answer.json()
    return shown
