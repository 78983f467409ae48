"""Files: sent up whole or in parts, listed, downloaded; a lost connection is taken up where it broke off."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import msgspec

from crewhall.faces.sdk.errors import CrewhallApiError, NotReachable
from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.records import Reactor
from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.transport import Nothing, Transport, join

PART = 8 * 1024 * 1024
"""Bytes of one part; what is smaller is sent whole."""
ATTEMPTS = 6
OFFSET_PASSED = "offset_passed"
DAMAGED = "upload_damaged"


class FileDocument(msgspec.Struct, frozen=True, kw_only=True):
    """How far a file is in being made searchable: `done` of `total` (in `unit`) of its stage."""

    id: str
    status: str
    done: int = 0
    total: int | None = None
    unit: str | None = None
    failure: str | None = None


class FilePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How many days after its conversation was archived a file is kept; None: for good."""

    keep_days: int | None = 30


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a conversation. `media_type` is what its bytes are; `message_id` is the message that has it."""

    id: str
    conversation_id: str
    name: str
    media_type: str
    size: int
    sha256: str
    created_at: datetime
    created_by: Reactor
    status: str = "ready"
    failure: str | None = None
    document: FileDocument | None = None
    expires_at: datetime | None = None
    width: int | None = None
    height: int | None = None
    message_id: str | None = None
    message_seq: int | None = None


class _Upload(msgspec.Struct):
    id: str
    offset: int


class Files:
    """The files that the signed-in actor may reach."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def upload(self, conversation_id: str, source: Path | str | bytes, *, name: str | None = None) -> File:
        """Send a file (its path, or its bytes with a name) up; returns when it is stored.

        Post a message with its id in `files` to attach it: one that no message takes is removed after a day. What is
        stored is compared with what was sent: CrewhallApiError `upload_damaged` where it differs.
        """
        if isinstance(source, bytes):
            return await self._whole(conversation_id, name or "file", source)
        path = Path(source)
        size = (await asyncio.to_thread(path.stat)).st_size
        if size <= PART:
            return await self._whole(conversation_id, name or path.name, await asyncio.to_thread(path.read_bytes))
        return await self._in_parts(conversation_id, name or path.name, path, size)

    def list(self, conversation_id: str) -> AsyncIterator[File]:
        """Give what is attached to a conversation's messages, the newest first."""
        return walk(self._transport, join("conversations", conversation_id, "files"), Page[File])

    async def get(self, file_id: str) -> File:
        """Give one file."""
        return await self._transport.call("GET", join("files", file_id), File)

    async def read(self, file_id: str) -> bytes:
        """Give a file's bytes, whole in memory."""
        return b"".join([piece async for piece in self._pieces(file_id)])

    async def download(self, file_id: str, target: Path | str) -> Path:
        """Write a file to a path; an existing one is replaced once all has come."""
        path = Path(target)
        unfinished = path.with_name(f".{path.name}.part")
        try:
            with unfinished.open("wb") as file:
                async for piece in self._pieces(file_id):
                    await asyncio.to_thread(file.write, piece)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        return path

    async def remove(self, file_id: str) -> None:
        """Let go of an own upload that no message has."""
        await self._transport.call("DELETE", join("files", file_id), Nothing)

    async def policy(self) -> FilePolicy:
        """Give what the organization has settled about how long files are kept."""
        return await self._transport.call("GET", "/file-policy", FilePolicy)

    async def settle_policy(self, keep_days: int | None) -> FilePolicy:
        """Settle how many days after its conversation was archived a file is kept (None: for good)."""
        return await self._transport.call("PUT", "/file-policy", FilePolicy, body={"keep_days": keep_days})

    async def _whole(self, conversation_id: str, name: str, data: bytes) -> File:
        path = join("conversations", conversation_id, "files")
        stated = {"content-digest": _stating(hashlib.sha256(data).digest())}
        # Sent twice it is stored twice, and the one that nobody posts is removed.
        return await self._transport.send(
            "POST", path, File, data, headers=stated, query={"name": name}, repeatable=True
        )

    async def _in_parts(self, conversation_id: str, name: str, path: Path, size: int) -> File:
        body = {"name": name, "size": size}
        place = join("conversations", conversation_id, "uploads")
        upload = await self._transport.call("POST", place, _Upload, body=body, repeatable=True)
        failures = 0
        while upload.offset < size:
            data = await asyncio.to_thread(_read_part, path, upload.offset)
            try:
                await self._send_part(upload, data)
                upload.offset += len(data)
                failures = 0
            except (NotReachable, CrewhallApiError) as error:
                failures += 1
                passing = isinstance(error, NotReachable) or error.status >= 500 or error.code == OFFSET_PASSED  # noqa: PLR2004
                if not passing or failures == ATTEMPTS or not data:
                    raise
                upload = await self._transport.call("GET", join("uploads", upload.id), _Upload)
        file = await self.get(upload.id)
        if file.sha256 != await asyncio.to_thread(_sha256_of, path):
            await self.remove(file.id)
            raise CrewhallApiError(DAMAGED, 0, "The file was changed while it was sent, or on the way. Send it again.")
        return file

    async def _send_part(self, upload: _Upload, data: bytes) -> None:
        headers = {"content-type": "application/offset+octet-stream", "upload-offset": str(upload.offset)}
        await self._transport.send("PATCH", join("uploads", upload.id), Nothing, data, headers=headers)

    async def _pieces(self, file_id: str) -> AsyncIterator[bytes]:
        """The bytes; after a lost connection those that are missing. What came is compared with what is stored."""
        at, failures, came = 0, 0, hashlib.sha256()
        tag: str | None = None
        while True:
            more = {"range": f"bytes={at}-", "if-range": tag} if at and tag else {}
            try:
                async with self._transport.download(join("files", file_id, "content"), more) as answer:
                    tag = answer.headers.get("etag")
                    async for piece in answer.aiter_bytes():
                        at, failures = at + len(piece), 0
                        came.update(piece)
                        yield piece
                    if answer.headers.get("repr-digest") not in {None, _stating(came.digest())}:
                        raise CrewhallApiError("download_damaged", 0, "What came is not what is stored. Try again.")
            except NotReachable:
                failures += 1
                if failures == ATTEMPTS:
                    raise
            else:
                return


def _read_part(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(PART)


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stating(digest: bytes) -> str:
    """A digest as headers state it (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(digest).decode()}:"
