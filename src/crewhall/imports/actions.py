"""Bringing an archive, starting its import, calling it off. The work itself is the worker's."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import LiteralString
from uuid import UUID

from crewhall.conversations import FileStore, forget_stray
from crewhall.identity import Permission, check_permission
from crewhall.imports.queries import access_import
from crewhall.imports.schemas import Import, ImportRow
from crewhall.imports.settings import ImportSettings
from crewhall.imports.vocabulary import ImportSource, ImportStatus
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, INVALID, TOO_LARGE, CrewhallError, define_error
from crewhall.kernel.ids import new_id

CHANNEL = "crewhall_imports"
"""Notices that an import is to be looked at."""
IMPORT_RUNS = define_error("import_runs", 409, "Another import is at work")
KEPT_DAYS = 7
"""How long an archive that is not imported is kept."""
MIB = 1024 * 1024
_LIVE: LiteralString = """
select exists (
    select from imports where org_id = any (current_orgs()) and status in ('reading', 'running') and id <> %(id)s)
"""


async def bring_archive(
    store: FileStore,
    settings: ImportSettings,
    actor: Actor,
    source: ImportSource,
    name: str,
    chunks: AsyncIterable[bytes],
    size: int | None,
) -> Import:
    """Keep an archive and have it looked through; nothing is imported before `start_import`.

    Raises FORBIDDEN, TOO_LARGE, INVALID (empty), IMPORT_RUNS, UNAVAILABLE.
    """
    check_permission(actor, Permission.CONVERSATIONS_IMPORT)
    if size is not None and size > settings.import_mb * MIB:
        raise _too_large(settings)
    import_id = new_id()
    async with store.db.transaction(actor) as tx:
        await _check_alone(tx, import_id)
    counted = _Counted(chunks, settings)
    key = await store.write(actor, counted, days=KEPT_DAYS)
    async with store.db.transaction(actor) as tx:
        if counted.size == 0:
            await forget_stray(tx, key)
        else:
            await _insert(tx, actor, import_id, source, name, counted.size, key)
            await tx.notify(CHANNEL, "")
            return (await access_import(tx, actor, import_id)).shown()
    raise INVALID("The archive is empty: there is nothing in it to import.", field="body")


async def start_import(tx: Tx, actor: Actor, import_id: UUID) -> Import:
    """Take in what was found. What is started already, or over, stays as it is.

    Raises FORBIDDEN, NOT_FOUND, CONFLICT (not looked through yet, failed, called off), IMPORT_RUNS.
    """
    found = await access_import(tx, actor, import_id, lock=True)
    if found.status in {ImportStatus.RUNNING, ImportStatus.DONE}:
        return found.shown()
    if found.status is ImportStatus.READING:
        raise CONFLICT("The archive is still being looked through. Start when its report is there.")
    if found.status is not ImportStatus.READY:
        raise CONFLICT("This import is over. Bring the archive again: what is here already stays as it is.")
    await _check_alone(tx, import_id)
    await _set(tx, import_id, ImportStatus.RUNNING)
    report = found.report
    details = {"name": found.name, "channels": report.channels, "messages": report.messages + report.replies}
    await audit.record(tx, actor, "import.started", "import", import_id, details)
    await tx.notify(CHANNEL, "")
    return (await access_import(tx, actor, import_id)).shown()


async def cancel_import(tx: Tx, actor: Actor, import_id: UUID) -> Import:
    """Call an import off; what was taken stays, and the archive goes. One that is over stays as it is.

    Raises FORBIDDEN, NOT_FOUND.
    """
    found = await access_import(tx, actor, import_id, lock=True)
    if found.status in {ImportStatus.READING, ImportStatus.READY, ImportStatus.RUNNING}:
        await _set(tx, import_id, ImportStatus.CANCELED)
        await forget_stray(tx, found.blob_key)
        if found.status is ImportStatus.RUNNING:
            await audit.record(tx, actor, "import.canceled", "import", import_id, {"name": found.name})
        await tx.notify(CHANNEL, "")
    return (await access_import(tx, actor, import_id)).shown()


async def fail_import(tx: Tx, found: ImportRow, failure: str) -> None:
    """End an import with the reason; its channels are still to be opened."""
    await tx.run(
        """
        update imports set status = 'failed', failure = %(failure)s, look_at = now()
        where id = %(id)s and status in ('reading', 'running')
        """,
        {"id": found.id, "failure": failure[:1000]},
    )
    await forget_stray(tx, found.blob_key)


async def _set(tx: Tx, import_id: UUID, status: ImportStatus) -> None:
    """Give it another status, and have it looked at; whoever was at work on it notices by the attempt."""
    await tx.run(
        """
        update imports set status = %(status)s, attempt = attempt + 1, look_at = now(),
               started_at = case when %(status)s = 'running' then now() else started_at end
        where id = %(id)s
        """,
        {"id": import_id, "status": str(status)},
    )


async def _check_alone(tx: Tx, import_id: UUID) -> None:
    if await tx.value(_LIVE, {"id": import_id}):
        raise IMPORT_RUNS("Another import of the organization is at work. Wait for its end, or call it off.")


async def _insert(tx: Tx, actor: Actor, import_id: UUID, source: ImportSource, name: str, size: int, key: str) -> None:
    await tx.run(
        """
        insert into imports (id, org_id, source, status, name, size, blob_key, look_at, created_by)
        values (%(id)s, %(org)s, %(source)s, 'reading', %(name)s, %(size)s, %(key)s, now(), %(by)s)
        """,
        {
            "id": import_id, "org": actor.org, "source": str(source), "name": name, "size": size, "key": key,
            "by": actor.id,
        },
    )  # fmt: skip


class _Counted:
    """The pieces of an archive, as they come. Raises TOO_LARGE as soon as there are too many."""

    def __init__(self, chunks: AsyncIterable[bytes], settings: ImportSettings) -> None:
        self._chunks = chunks
        self._settings = settings
        self.size = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.size += len(chunk)
            if self.size > self._settings.import_mb * MIB:
                raise _too_large(self._settings)
            yield chunk


def _too_large(settings: ImportSettings) -> CrewhallError:
    return TOO_LARGE(
        f"An archive may have {settings.import_mb:,} MiB here. Export a shorter time, or have the limit raised.",
        limit=settings.import_mb * MIB,
    )
