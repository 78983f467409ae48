"""Imports, read by who may make them."""

from typing import LiteralString
from uuid import UUID

from crewhall.identity import Permission, check_permission
from crewhall.imports.schemas import Import, ImportChannel, ImportRow
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import NOT_FOUND
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

COLUMNS: LiteralString = """
select id, source, status, name, size, blob_key, failure, report, attempt, created_by, created_at, started_at,
       finished_at
from imports where org_id = any (current_orgs())
"""


async def access_import(tx: Tx, actor: Actor, import_id: UUID, *, lock: bool = False) -> ImportRow:
    """Return an import that the actor may see, or raise FORBIDDEN, NOT_FOUND."""
    check_permission(actor, Permission.CONVERSATIONS_IMPORT)
    end: LiteralString = " and id = %(id)s for update" if lock else " and id = %(id)s"
    found = await tx.find(ImportRow, COLUMNS + end, {"id": import_id})
    if found is None:
        raise NOT_FOUND("There is no such import.")
    return found


async def list_imports(tx: Tx, actor: Actor, *, after: str | None = None, limit: int | None = None) -> Page[Import]:
    """List the organization's imports, newest first."""
    check_permission(actor, Permission.CONVERSATIONS_IMPORT)
    size = check_limit(limit)
    key = decode_cursor(after, UUID)
    rows = await tx.all(
        ImportRow,
        COLUMNS + " and (%(before)s::uuid is null or id < %(before)s) order by id desc limit %(limit)s",
        {"before": key[0] if key else None, "limit": size + 1},
    )
    page = page_of(rows, size, lambda row: (row.id,))
    return Page([row.shown() for row in page.items], page.next)


async def list_import_channels(
    tx: Tx, actor: Actor, import_id: UUID, *, after: str | None = None, limit: int | None = None
) -> Page[ImportChannel]:
    """List what becomes of an import's channels, by name."""
    await access_import(tx, actor, import_id)
    size = check_limit(limit)
    key = decode_cursor(after, str, str)
    rows = await tx.all(
        ImportChannel,
        """
        select external_id, name, type, is_archived, fate, target, conversation_id, messages, fresh, taken, late,
               finished_at
        from import_channels
        where org_id = any (current_orgs()) and import_id = %(import)s
          and (%(name)s::text is null or (name, external_id) > (%(name)s, %(external)s))
        order by name, external_id limit %(limit)s
        """,
        {
            "import": import_id,
            "name": key[0] if key else None,
            "external": key[1] if key else None,
            "limit": size + 1,
        },
    )
    return page_of(rows, size, lambda row: (row.name, row.external_id))
