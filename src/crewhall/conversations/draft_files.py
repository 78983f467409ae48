"""Files that hang on a draft: uploaded, and not sent yet; they are there on every device, as its words are.

An upload that no message takes is removed after a day; one that hangs on a draft after 30, and at once when its person
reads the conversation no more. It says itself where it hangs: a draft of files alone has no row.
"""

from typing import LiteralString
from uuid import UUID

from crewhall.conversations.access import Verb, access_conversation
from crewhall.conversations.files import absent, access_file
from crewhall.conversations.parents import check_parent
from crewhall.conversations.sweeping import CHANNEL as SWEEP_CHANNEL
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Params, Tx

_HANGING: LiteralString = """
    f.org_id = any (current_orgs()) and f.created_by = %(user)s and f.conversation_id = %(conversation)s
    and f.attached_at is null and f.released_at is null
    and f.metadata ->> 'draft' = coalesce(%(parent)s::uuid::text, '')
"""
FILES: LiteralString = (
    """
coalesce((
    select json_agg(json_build_object('id', f.id, 'name', f.name, 'media_type', f.media_type, 'size', f.size,
                                      'width', b.width, 'height', b.height) order by f.id)
    from files f join blobs b on b.org_id = f.org_id and b.sha256 = f.sha256
    where"""
    + _HANGING
    + "), '[]') as files"
)
"""What hangs on the draft of a `user` at a place (`conversation`, `parent`): a column of lists of DraftFile."""
HANGING: LiteralString = """
    select f.conversation_id, f.metadata ->> 'draft' as place, (min(f.id::text))::uuid as id,
           max(f.created_at) as updated_at,
           json_agg(json_build_object('id', f.id, 'name', f.name, 'media_type', f.media_type, 'size', f.size,
                                      'width', b.width, 'height', b.height) order by f.id) as files
    from files f join blobs b on b.org_id = f.org_id and b.sha256 = f.sha256
    where f.org_id = any (current_orgs()) and f.created_by = %(user)s and f.attached_at is null
      and f.released_at is null and f.metadata ? 'draft'
    group by f.conversation_id, f.metadata ->> 'draft'
"""
"""What hangs on the drafts of a `user`: a row for each place, '' being no thread. One look at an index."""
_OUT_OF_REACH: LiteralString = """
update files f set released_at = now()
from conversations c
where c.id = %(conversation)s and f.conversation_id = c.id and f.org_id = c.org_id
  and f.attached_at is null and f.released_at is null and f.metadata ? 'draft'
  and (c.deleted_at is not null or (c.type <> 'public' and not exists (
      select from conversation_members m where m.conversation_id = c.id and m.member_id = f.created_by)))
"""
_HANG: LiteralString = """
update files set metadata = metadata || jsonb_build_object('draft', coalesce(%(parent)s::uuid::text, '')),
    held_at = now() + interval '29 days'
where id = %(file)s and org_id = any (current_orgs()) and conversation_id = %(conversation)s and created_by = %(user)s
  and attached_at is null and released_at is null
"""


async def hang_on_draft(tx: Tx, actor: Actor, conversation_id: UUID, file_id: UUID, parent_id: UUID | None) -> None:
    """Let an own upload hang on the draft at a place; one that was sent meanwhile is left alone.

    Raises NOT_FOUND, FORBIDDEN, INVALID (no such thread).
    """
    await access_conversation(tx, actor, conversation_id, Verb.POST)
    if parent_id is not None:
        await check_parent(tx, conversation_id, parent_id)
    if await tx.run(_HANG, _place(actor, conversation_id, parent_id) | {"file": file_id}):
        return
    file = await access_file(tx, actor, file_id)
    if file.conversation_id != conversation_id or file.created_by.id != actor.id:
        raise absent()


async def release_draft_files(tx: Tx, actor: Actor, conversation_id: UUID, parent_id: UUID | None) -> int:
    """Let go of what hangs on a draft that is thrown away; gives how many that were."""
    place = _place(actor, conversation_id, parent_id)
    return await _released(tx, "update files f set released_at = now() where" + _HANGING, place)


async def release_out_of_reach(tx: Tx, conversation_id: UUID) -> None:
    """Let go of what hangs on drafts of those who read a conversation no more: it has just lost members, or is gone."""
    await _released(tx, _OUT_OF_REACH, {"conversation": conversation_id})


async def _released(tx: Tx, query: LiteralString, values: Params) -> int:
    released = await tx.run(query, values)
    if released:
        await tx.notify(SWEEP_CHANNEL, "")
    return released


def _place(actor: Actor, conversation_id: UUID, parent_id: UUID | None) -> Params:
    return {"user": actor.id, "conversation": conversation_id, "parent": parent_id}
