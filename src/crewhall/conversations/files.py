"""Files: shown to whoever may read their conversation, once a message has them; before that to their uploader."""

from typing import Any, LiteralString
from uuid import UUID

import msgspec

from crewhall.conversations.access import Verb, access_conversation
from crewhall.conversations.file_schemas import File, FileStatus, attached
from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, NOT_FOUND, CrewhallError
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

_COLUMNS: LiteralString = """
select f.id, f.conversation_id, f.name, f.media_type, f.size, encode(f.sha256, 'hex') as sha256,
       s.status, d.failure, d.document,
       f.expires_at, b.width, b.height, json_build_object('type', f.created_by_type, 'id', f.created_by) as created_by,
       f.created_at, m.message_id, m.message_seq, b.key, b.thumbnail_key, f.attached_at is not null as is_attached
from files f
join blobs b on b.org_id = f.org_id and b.sha256 = f.sha256
left join lateral (
    select k.message_id, k.message_seq from message_files k where k.org_id = f.org_id and k.file_id = f.id
    order by k.message_seq limit 1) m on true
left join lateral (
    -- a picture without words is as good as it gets
    select d.status, case when not (f.media_type like 'image/%%' and d.failure_code in (
               'document_empty', 'document_unsupported')) then d.failure end as failure, json_build_object(
        'id', d.id, 'status', d.status, 'done', d.done, 'total', d.total, 'unit', d.unit,
        'failure', d.failure) as document
    from document_origins o join documents d on d.org_id = o.org_id and d.id = o.document_id
    where o.org_id = f.org_id and o.file_id = f.id) d on true
cross join lateral (
    select case when d.status in ('queued', 'extracting', 'embedding') then 'processing'
                when d.failure is not null then 'failed' else 'ready' end as status) s
"""
_ONE: LiteralString = _COLUMNS + " where f.id = %(id)s and f.released_at is null"
_LIST: LiteralString = (
    _COLUMNS
    + """
where f.org_id = any (current_orgs()) and f.attached_at is not null
  and (f.conversation_id = %(conversation)s
       or (%(conversation)s::uuid is null and f.conversation_id in (select reachable_conversations())))
  and (%(status)s::text is null or s.status = %(status)s)
  and (%(q)s::text is null or strpos(lower(f.name), lower(%(q)s)) > 0)
  and (%(before)s::uuid is null or f.id < %(before)s)
order by f.id desc limit %(limit)s
"""
)


class StoredFile(File, kw_only=True):
    """A file with where its bytes are."""

    key: str
    thumbnail_key: str | None
    is_attached: bool

    def shown(self) -> File:
        """As the API shows it."""
        return File(**{name: getattr(self, name) for name in File.__struct_fields__})


def absent() -> CrewhallError:
    """The one answer for a file that is not there or not for the actor's eyes."""
    return NOT_FOUND("There is no such file, or it is not shared with you.")


async def access_file(tx: Tx, actor: Actor, file_id: UUID) -> StoredFile:
    """Return a file that the actor may read, or raise NOT_FOUND."""
    found = await tx.find(StoredFile, _ONE, {"id": file_id})
    if found is None:
        raise absent()
    is_own = (found.created_by.type, found.created_by.id) == (str(actor.type), actor.id) and not actor.behalf
    if not found.is_attached and not is_own:
        raise absent()
    try:
        await access_conversation(tx, actor, found.conversation_id, Verb.READ)
    except CrewhallError as error:
        raise absent() from error
    return found


async def find_attached(tx: Tx, file_id: UUID) -> dict[str, Any] | None:
    """What a message says of this file of the organization, whoever may read it; None where there is none."""
    found = await tx.find(StoredFile, _ONE, {"id": file_id})
    return None if found is None else attached(found)


async def list_files(
    tx: Tx,
    actor: Actor,
    conversation_id: UUID | None = None,
    *,
    q: str | None = None,
    status: FileStatus | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[File]:
    """List what is attached to a conversation's messages, or to all that the actor may read, the newest first.

    `q` is in their names. Raises NOT_FOUND, FORBIDDEN.
    """
    check_permission(actor, Permission.ORGANIZATION_READ)
    if conversation_id is not None:
        await access_conversation(tx, actor, conversation_id, Verb.READ)
    size = check_limit(limit)
    key = decode_cursor(after, UUID)
    values = {
        "conversation": conversation_id, "q": (q or "").strip() or None, "status": status and str(status),
        "before": key[0] if key else None, "limit": size + 1,
    }  # fmt: skip
    page = page_of(await tx.all(StoredFile, _LIST, values), size, lambda file: (file.id,))
    return Page([file.shown() for file in page.items], page.next)


async def hold_files(tx: Tx, actor: Actor, conversation_id: UUID, ids: list[UUID]) -> list[dict[str, object]]:
    """What a message that is about to have these files says of them; they are kept for another day at least.

    Raises INVALID where one is not the actor's own upload to this conversation.
    """
    await tx.run(
        """
        update files set held_at = greatest(held_at, now())
        where id = any (%(ids)s) and released_at is null and created_by = %(actor)s
        """,
        {"ids": ids, "actor": actor.id},
    )
    found = await tx.all(
        StoredFile,
        _COLUMNS + " where f.id = any (%(ids)s) and f.conversation_id = %(conversation)s and f.created_by = %(actor)s"
        " and f.released_at is null",
        {"ids": ids, "conversation": conversation_id, "actor": actor.id},
    )
    by_id = {file.id: file for file in found}
    if strange := [str(one) for one in ids if one not in by_id]:
        raise INVALID(
            f"files: {strange[0]} is no file that you have uploaded to this conversation. Upload it here first.",
            field="files",
        )
    return [msgspec.to_builtins(attached(by_id[one])) for one in dict.fromkeys(ids)]
