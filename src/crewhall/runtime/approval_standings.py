"""How calls that a person decides about stand, for whoever reads the conversation that was told of them.

Which tool, and what became of it: no arguments, no reason, nobody's name.
"""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from crewhall.conversations import Verb, access_conversation, has_access
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.runtime.schemas_approvals import ApprovalStanding

_COLUMNS: LiteralString = """
select p.id, json_build_object('id', a.id, 'code', a.code, 'name', a.name) as agent, p.tool, p.status,
       p.conversation_id, p.decided_at, p.expires_at, p.created_at
from approvals p join agents a on a.id = p.agent_id
where p.org_id = any (current_orgs())
"""


async def list_standings(
    tx: Tx,
    actor: Actor,
    conversation_id: UUID,
    *,
    ids: Sequence[UUID] = (),
    after: str | None = None,
    limit: int | None = None,
) -> Page[ApprovalStanding]:
    """List what agents asked to use in a conversation that the actor reads, newest first; of these calls if named.

    Raises NOT_FOUND.
    """
    await access_conversation(tx, actor, conversation_id, Verb.READ)
    size, key = check_limit(limit), decode_cursor(after, UUID)
    rows = await tx.all(
        ApprovalStanding,
        _COLUMNS
        + """
          and p.conversation_id = %(conversation)s
          and (%(ids)s::uuid[] is null or p.id = any (%(ids)s))
          and (%(before)s::uuid is null or p.id < %(before)s)
        order by p.id desc limit %(limit)s
        """,
        {
            "conversation": conversation_id,
            "ids": list(ids) or None,
            "before": key[0] if key else None,
            "limit": size + 1,
        },
    )
    return page_of(rows, size, lambda row: (row.id,))


async def find_standing(tx: Tx, actor: Actor, approval_id: UUID) -> ApprovalStanding | None:
    """Return how a call stands that was asked for where the actor reads; None where they do not."""
    found = await tx.find(ApprovalStanding, _COLUMNS + " and p.id = %(id)s", {"id": approval_id})
    if found is None or not await has_access(tx, actor, found.conversation_id, Verb.READ):
        return None
    return found
