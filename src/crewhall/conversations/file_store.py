"""Taking files in: bytes to the blob store, what they are to the tables, and nothing left behind of what breaks off."""

from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any, LiteralString
from uuid import UUID

from crewhall.conversations.access import AccessCache, Verb, access_conversation
from crewhall.conversations.file_schemas import MAX_ATTACHED, File
from crewhall.conversations.file_settings import MIB, FileSettings
from crewhall.conversations.file_types import SHOWN_IMAGES, clean_name
from crewhall.conversations.files import StoredFile, access_file, find_attached
from crewhall.conversations.intake import Intake, check_size
from crewhall.conversations.sweeping import CHANNEL as SWEEP_CHANNEL
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CONFLICT, define_error
from crewhall.kernel.ids import new_id
from crewhall.kernel.limits import RateLimiter, per_minute
from crewhall.kernel.stray_blobs import drop_stray, note_stray
from crewhall.kernel.thumbnails import Thumbnails
from crewhall.ports.blobs import Blobs

TOO_MANY_FILES = define_error("too_many_files", 409, "Too many files wait to be posted")
MAX_PENDING = 2 * 1024 * MIB
"""Bytes that one person or agent may have uploaded and not posted."""
_PENDING: LiteralString = """
select (select coalesce(sum(f.size), 0) from files f
        where f.org_id = %(org)s and f.created_by = %(actor)s and f.attached_at is null and f.released_at is null)
     + (select coalesce(sum(u.size), 0) from uploads u where u.org_id = %(org)s and u.created_by = %(actor)s)
"""


class FileStore:
    """What files need of their process. `stir` is called when something is to be removed."""

    def __init__(
        self, db: Database, blobs: Blobs, access: AccessCache, limiter: RateLimiter, settings: FileSettings
    ) -> None:
        self.db = db
        self.blobs = blobs
        self.settings = settings
        self.stir: Callable[[], None] = lambda: None
        self._access = access
        self._limiter = limiter
        self._limit = per_minute("uploads", settings.rate_uploads_per_minute, at_once=2 * MAX_ATTACHED)
        self._thumbnails = Thumbnails()

    async def admit(self, actor: Actor, conversation_id: UUID, name: str, size: int | None) -> str:
        """Let an upload begin, and give the name that it is kept under.

        Raises NOT_FOUND, FORBIDDEN, CONVERSATION_CLOSED, TOO_LARGE, TOO_MANY_FILES, TOO_MANY_REQUESTS.
        """
        self._limiter.check(self._limit, actor.id)
        await self._access.access(actor, conversation_id, Verb.POST)
        cleaned = clean_name(name)
        check_size(size, cleaned, self.settings)
        async with self.db.transaction(actor) as tx:
            pending = await tx.value(_PENDING, {"org": actor.org, "actor": actor.id})
        if pending + (size or 0) > MAX_PENDING:
            raise TOO_MANY_FILES(
                f"You have sent {MAX_PENDING // MIB // 1024} GiB of files that no message has. Post or remove some."
            )
        return cleaned

    async def take(
        self, actor: Actor, conversation_id: UUID, name: str, chunks: AsyncIterable[bytes], size: int | None = None
    ) -> File:
        """Take a whole file in; returns when it is durable. What breaks off leaves nothing.

        Raises what `admit` raises, INVALID (empty), MISLABELLED, IMAGE_REFUSED, UNAVAILABLE.
        """
        cleaned = await self.admit(actor, conversation_id, name, size)
        return await self.keep(actor, conversation_id, new_id(), cleaned, chunks)

    async def keep(
        self, actor: Actor, conversation_id: UUID, file_id: UUID, name: str, chunks: AsyncIterable[bytes]
    ) -> File:
        """Keep the bytes of an admitted file, and the file: the end of each way in."""
        values = await self.keep_bytes(actor, name, chunks)
        values |= {
            "id": file_id, "org": actor.org, "conversation": conversation_id, "by_type": str(actor.type), "by": actor.id
        }  # fmt: skip
        async with self.db.transaction(actor) as tx:
            await access_conversation(tx, actor, conversation_id, Verb.POST)
            await _insert(tx, values)
            file = await access_file(tx, actor, file_id)
        self.stir()
        return file.shown()

    async def keep_past(
        self, actor: Actor, conversation_id: UUID, file_id: UUID, author: UUID, name: str, chunks: AsyncIterable[bytes]
    ) -> dict[str, Any]:
        """Keep a file of what is taken in from elsewhere, as of its author; give what its message says of it.

        One that is kept already is left as it is. Raises TOO_LARGE, INVALID (empty), MISLABELLED, IMAGE_REFUSED,
        UNAVAILABLE.
        """
        async with self.db.transaction(actor) as tx:
            kept = await find_attached(tx, file_id)
        if kept is not None:
            return kept
        values = await self.keep_bytes(actor, clean_name(name), chunks)
        values |= {"id": file_id, "org": actor.org, "conversation": conversation_id, "by_type": "user", "by": author}
        async with self.db.transaction(actor) as tx:
            await _insert(tx, values)
            kept = await find_attached(tx, file_id)
        self.stir()
        return kept or {}

    async def keep_bytes(self, actor: Actor, name: str, chunks: AsyncIterable[bytes]) -> dict[str, object]:
        """Write a file's bytes, and its thumbnail; give what its row says of them."""
        intake = Intake(chunks, name, self.settings)
        key = await self.write(actor, intake)
        width = height = thumbnail_key = None
        if intake.media_type in SHOWN_IMAGES:
            made = await self._thumbnails.make(self.blobs.read(key))
            width, height = made.width, made.height
            thumbnail_key = await self.write(actor, _once(made.webp))
        return {
            "name": name, "media_type": intake.media_type, "size": intake.size, "sha256": intake.sha256, "key": key,
            "thumbnail": thumbnail_key, "width": width, "height": height,
        }  # fmt: skip

    async def write(self, actor: Actor, chunks: AsyncIterable[bytes], *, days: int = 1) -> str:
        """Write bytes under a new key, noted as stray until something refers to it, or for so long; give the key."""
        async with self.db.transaction(actor) as tx:
            key = await note_stray(tx, actor.org, days=days)
        await self.blobs.write(key, chunks)
        return key

    async def find(self, actor: Actor, file_id: UUID) -> StoredFile:
        """The file, for who may read it; else NOT_FOUND."""
        async with self.db.transaction(actor) as tx:
            return await access_file(tx, actor, file_id)

    async def remove(self, actor: Actor, file_id: UUID) -> None:
        """Let go of a file that no message has yet; its uploader alone may. Raises NOT_FOUND, CONFLICT."""
        async with self.db.transaction(actor) as tx:
            file = await access_file(tx, actor, file_id)
            if file.is_attached:
                raise CONFLICT("A message has this file: it goes with the message. Delete that.")
            await tx.run("update files set released_at = now() where id = %(id)s", {"id": file.id})
        self.stir()


async def forget_stray(tx: Tx, key: str) -> None:
    """Let the bytes of a stray key go now."""
    if await tx.run("update stray_blobs set due_at = now() where key = %(key)s", {"key": key}):
        await tx.notify(SWEEP_CHANNEL, "")


async def refer_to_bytes(tx: Tx, values: dict[str, object]) -> None:
    """Write a row for what `keep_bytes` kept, unless the organization has the same bytes: then these go.

    `values` are what `keep_bytes` gave, with the organization as `org`.
    """
    kept = await tx.value(
        """
        insert into blobs (org_id, sha256, key, size, thumbnail_key, width, height)
        values (%(org)s, %(sha256)s, %(key)s, %(size)s, %(thumbnail)s, %(width)s, %(height)s)
        on conflict (org_id, sha256) do update set size = excluded.size returning key
        """,
        values,
    )
    new = [key for key in (values["key"], values["thumbnail"]) if isinstance(key, str)]
    if kept == values["key"]:
        await drop_stray(tx, new)
    else:
        await tx.run("update stray_blobs set due_at = now() where key = any (%(keys)s)", {"keys": new})


async def _insert(tx: Tx, values: dict[str, object]) -> None:
    """Write the file, and its bytes unless the organization has them: then these go, and the file is the others."""
    await refer_to_bytes(tx, values)
    await tx.run(
        """
        insert into files (id, org_id, conversation_id, created_by_type, created_by, name, media_type, size, sha256)
        values (%(id)s, %(org)s, %(conversation)s, %(by_type)s, %(by)s, %(name)s, %(media_type)s, %(size)s, %(sha256)s)
        """,
        values,
    )


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
