"""Whom a text mentions: people by handle, agents by code, within the organization."""

from collections.abc import Collection
from uuid import UUID

import msgspec

from crewhall.conversations.markdown import mentionable_text
from crewhall.conversations.mention_syntax import MAX_MENTIONS, names_in
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx


class Mentioned(msgspec.Struct, frozen=True):
    """A person or agent that a name means."""

    type: ActorType
    id: UUID


class _Named(msgspec.Struct, frozen=True):
    name: str
    type: ActorType
    id: UUID


def mentioned_names(text: str) -> set[str]:
    """The names, in lower case, that the text may mention, at most 100.

    Never from code, quotes, links or email addresses.
    """
    if "@" not in text:
        return set()
    names: set[str] = set()
    for piece in mentionable_text(text):
        names.update(names_in(piece))
    return set(sorted(names)[:MAX_MENTIONS])


async def resolve_mentions(
    tx: Tx, actor: Actor, names: Collection[str], conversation_id: UUID | None = None
) -> dict[str, Mentioned]:
    """Return who is meant by those of the names that mean somebody; a person before an agent of the same name.

    Agents that are not public are found by their owner, by admins, and in the conversation of which they are members;
    by the system for somebody as by that person.
    """
    if not names:
        return {}
    asking = [one for one in actor.principals if one.type is not ActorType.SYSTEM]
    found = await tx.all(
        _Named,
        """
        select a.code as name, 'agent' as type, a.id from agents a
        where a.org_id = any (current_orgs()) and a.code = any (%(names)s) and a.deleted_at is null
          and a.status <> 'terminated'
          and (a.visibility = 'public' or %(sees_all)s or a.owner_user_id = %(actor)s or a.id = %(actor)s
               or exists (select from conversation_members m where m.conversation_id = %(conversation)s
                          and m.member_type = 'agent' and m.member_id = a.id))
        union all
        select u.handle, 'user', u.id from users u join memberships m on m.user_id = u.id
        where m.org_id = any (current_orgs()) and u.handle = any (%(names)s) and u.deleted_at is null
        """,
        {
            "names": list(names),
            "actor": asking[0].id if asking else actor.id,
            "sees_all": all(one.is_admin for one in asking),
            "conversation": conversation_id,
        },
    )
    return {row.name: Mentioned(row.type, row.id) for row in found}
