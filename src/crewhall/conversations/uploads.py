"""Uploads in parts: what came stays, whatever broke off, and the sender goes on from there (tus 1.0).

Each part is bytes of its own in the blob store; once all are there they are read through and become the file, which has
the upload's id.
"""

from collections.abc import AsyncIterable, AsyncIterator
from uuid import UUID

from msgspec import Struct

from crewhall.conversations.file_schemas import NewUpload, Upload
from crewhall.conversations.file_store import FileStore
from crewhall.conversations.intake import Intake
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import (
    BROKEN_OFF,
    CONFLICT,
    INVALID,
    NOT_FOUND,
    UNAVAILABLE,
    UPLOAD_DAMAGED,
    CrewhallError,
    define_error,
)
from crewhall.kernel.ids import new_id
from crewhall.kernel.stray_blobs import drop_stray
from crewhall.ports.blobs import BLOB_MISSING

OFFSET_PASSED = define_error("offset_passed", 409, "The upload stands at another offset")
MAX_PARTS = 1000
MAX_OPEN = 100
"""Uploads that one person or agent may have under way."""


class Part(Struct):
    """Where the bytes of a part are."""

    key: str
    size: int


class Uploads:
    """Takes files in by parts."""

    def __init__(self, store: FileStore) -> None:
        self._store = store
        self._db = store.db

    async def begin(self, actor: Actor, conversation_id: UUID, data: NewUpload) -> Upload:
        """Begin an upload of this size. Raises what `FileStore.admit` raises, CONFLICT (too many are under way)."""
        name = await self._store.admit(actor, conversation_id, data.name, data.size)
        upload_id = new_id()
        values = {
            "id": upload_id, "org": actor.org, "conversation": conversation_id, "by_type": str(actor.type),
            "by": actor.id, "name": name, "size": data.size,
        }  # fmt: skip
        async with self._db.transaction(actor) as tx:
            mine = await tx.value("select count(*) from uploads where org_id = %(org)s and created_by = %(by)s", values)
            if mine >= MAX_OPEN:
                raise CONFLICT(f"You have {MAX_OPEN} uploads under way. End or cancel some first.")
            await tx.run(
                """
                insert into uploads (id, org_id, conversation_id, created_by_type, created_by, name, size)
                values (%(id)s, %(org)s, %(conversation)s, %(by_type)s, %(by)s, %(name)s, %(size)s)
                """,
                values,
            )
            begun = await _own(tx, actor, upload_id)
        self._store.stir()
        return begun

    async def show(self, actor: Actor, upload_id: UUID) -> Upload:
        """How far an own upload is; one whose bytes are all there is finished now. Raises NOT_FOUND."""
        async with self._db.transaction(actor) as tx:
            found = await _own(tx, actor, upload_id)
            is_file = await tx.value("select true from files where id = %(id)s", {"id": upload_id})
        if found.offset == found.size and not is_file:
            await self._finish(actor, found)
        return found

    async def proceed(self, actor: Actor, upload_id: UUID, offset: int, chunks: AsyncIterable[bytes]) -> Upload:
        """Take the bytes that follow `offset`; what came before a break is kept. The last ones make the file.

        Raises NOT_FOUND, OFFSET_PASSED, UPLOAD_DAMAGED (the part is to be sent again), TOO_LARGE, and what a file is
        refused for: then the upload is gone.
        """
        found = await self.show(actor, upload_id)
        if offset != found.offset:
            raise OFFSET_PASSED(f"This upload goes on at {found.offset}. Send what follows.", offset=found.offset)
        try:
            part = await self._write_part(actor, found, chunks)
        except CrewhallError as error:
            if error.kind.status < UNAVAILABLE.status and error.kind is not UPLOAD_DAMAGED:
                await self.cancel(actor, upload_id)
            raise
        if part is None:
            return found
        async with self._db.transaction(actor) as tx:
            await _add_part(tx, actor, found, part)
            found = await _own(tx, actor, upload_id)
        if found.offset == found.size:
            await self._finish(actor, found)
        return found

    async def cancel(self, actor: Actor, upload_id: UUID) -> None:
        """Forget an own upload and what came of it. Raises NOT_FOUND."""
        async with self._db.transaction(actor) as tx:
            await _own(tx, actor, upload_id)
            await _drop(tx, upload_id)
            await tx.run(
                "update files set released_at = now() where id = %(id)s and attached_at is null", {"id": upload_id}
            )
        self._store.stir()

    async def _write_part(self, actor: Actor, upload: Upload, chunks: AsyncIterable[bytes]) -> Part | None:
        left = upload.size - upload.offset
        counted = _Counted(chunks, left)
        first = Intake(counted, upload.name, self._store.settings, upload.size) if upload.offset == 0 else counted
        try:
            key = await self._store.write(actor, first)
        except CrewhallError as error:
            if error.kind is INVALID and counted.size == 0:  # nothing came this time
                return None
            raise
        return Part(key, counted.size) if counted.size else None

    async def _finish(self, actor: Actor, upload: Upload) -> None:
        """Make the file of an upload whose bytes are all there, unless somebody did. What is refused is forgotten."""
        async with self._db.transaction(actor) as tx:
            parts = await tx.all(
                Part,
                "select key, size from upload_parts where upload_id = %(id)s order by starts_at",
                {"id": upload.id},
            )
        try:
            await self._store.keep(actor, upload.conversation_id, upload.id, upload.name, self._joined(parts))
        except CrewhallError as error:
            if error.kind.status < UNAVAILABLE.status and error.kind is not BLOB_MISSING:
                async with self._db.transaction(actor) as tx:
                    await _drop(tx, upload.id)
            raise
        async with self._db.transaction(actor) as tx:
            await _drop(tx, upload.id)
        self._store.stir()

    async def _joined(self, parts: list[Part]) -> AsyncIterator[bytes]:
        for part in parts:
            async for piece in self._store.blobs.read(part.key):
                yield piece


class _Counted:
    """Pieces of a body, counted; ends where they break off. More than `most` is refused."""

    def __init__(self, chunks: AsyncIterable[bytes], most: int) -> None:
        self._chunks = chunks
        self._most = most
        self.size = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks:
                self.size += len(chunk)
                if self.size > self._most:
                    raise INVALID("More came than the upload was said to have.", field="body")
                yield chunk
        except CrewhallError as error:
            if error.kind is not BROKEN_OFF:
                raise


async def _own(tx: Tx, actor: Actor, upload_id: UUID) -> Upload:
    """The actor's own upload, or the file that it has become."""
    found = await tx.find(
        Upload,
        """
        select u.id, u.conversation_id, u.name, u.size, u.received as "offset" from uploads u
        where u.id = %(id)s and u.created_by = %(actor)s and u.created_by_type = %(type)s
        union all
        select f.id, f.conversation_id, f.name, f.size, f.size from files f
        where f.id = %(id)s and f.created_by = %(actor)s and f.created_by_type = %(type)s and f.released_at is null
        limit 1
        """,
        {"id": upload_id, "actor": actor.id, "type": str(actor.type)},
    )
    if found is None:
        raise NOT_FOUND("There is no such upload of yours. It ends a day after its last part; begin it again.")
    return found


async def _add_part(tx: Tx, actor: Actor, upload: Upload, part: Part) -> None:
    values = {
        "id": upload.id, "org": actor.org, "at": upload.offset, "size": part.size, "key": part.key, "most": MAX_PARTS,
    }  # fmt: skip
    moved = await tx.run(
        "update uploads set received = received + %(size)s where id = %(id)s and received = %(at)s", values
    )
    if not moved:
        raise OFFSET_PASSED("Somebody else sent these bytes meanwhile. Ask for the offset, and go on from there.")
    count = await tx.value("select count(*) from upload_parts where upload_id = %(id)s", values)
    if count >= MAX_PARTS:
        raise CONFLICT(f"An upload takes {MAX_PARTS} parts at most. Begin it again, with larger ones.")
    await tx.run(
        """
        insert into upload_parts (upload_id, starts_at, org_id, size, key)
        values (%(id)s, %(at)s, %(org)s, %(size)s, %(key)s)
        """,
        values,
    )
    await drop_stray(tx, [part.key])


async def _drop(tx: Tx, upload_id: UUID) -> None:
    """Forget an upload; the bytes of its parts are stray."""
    await tx.run(
        """
        insert into stray_blobs (key, org_id, due_at)
        select key, org_id, now() from upload_parts where upload_id = %(id)s on conflict do nothing
        """,
        {"id": upload_id},
    )
    await tx.run("delete from uploads where id = %(id)s", {"id": upload_id})
