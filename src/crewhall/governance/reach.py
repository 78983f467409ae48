"""Whose usage and budgets somebody sees: owners and admins all, others those of conversations that they may read."""

from typing import LiteralString
from uuid import UUID

from crewhall.conversations import Verb, access_conversation
from crewhall.governance.schemas import BudgetPlace
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Params, Tx

# Of a conversation `c`, for the parameters of `viewer`.
IS_READABLE: LiteralString = """(
    c.deleted_at is null and (
        %(is_system)s or (c.type = 'public' and %(reads_public)s) or (c.type = 'system' and %(sees_system)s)
        or exists (select from conversation_members k where k.conversation_id = c.id
                   and k.member_type = %(actor_type)s and k.member_id = %(actor)s)))"""
PLACE: LiteralString = """json_build_object(
    'id', c.id, 'kind', c.kind, 'name', case when """ + IS_READABLE + """ then c.name end,
    'title', case when """ + IS_READABLE + """ then c.title end,
    'partner', (
        select coalesce(w.name, g.name) from conversation_members o
        left join users w on o.member_type = 'user' and w.id = o.member_id
        left join agents g on o.member_type = 'agent' and g.id = o.member_id
        where c.kind = 'direct' and """ + IS_READABLE + """ and o.conversation_id = c.id
          and (o.member_type, o.member_id) <> (%(actor_type)s, %(actor)s) and o.role <> 'reader'
        order by o.member_type limit 1))"""  # fmt: skip


_PARTS: LiteralString = (
    """
select (p.place ->> 'id')::uuid as id, p.place ->> 'kind' as kind, p.place ->> 'name' as name,
       p.place ->> 'title' as title, p.place ->> 'partner' as partner
from conversations c cross join lateral (select """
    + PLACE
    + " as place) p "
)
_PLACES: LiteralString = (
    _PARTS
    + "where c.org_id = any (current_orgs()) and c.kind in ('channel', 'group') and c.type <> 'system' and "
    + IS_READABLE
    + " order by c.kind, c.name, c.title, c.id limit %(most)s"
)
_PLACE_OF: LiteralString = _PARTS + "where c.id = %(id)s"


def viewer(actor: Actor) -> Params:
    """The parameters of what somebody sees."""
    return {
        "actor": actor.id,
        "actor_type": str(actor.type),
        "is_system": actor.type is ActorType.SYSTEM,
        "reads_public": is_allowed(actor, Permission.ORGANIZATION_READ),
        "sees_system": is_allowed(actor, Permission.CHANNELS_SYSTEM),
        "sees_all": is_allowed(actor, Permission.USAGE_READ),
    }


async def list_places(tx: Tx, actor: Actor, most: int) -> list[BudgetPlace]:
    """Return channels and groups that the actor may read and agents may speak in, by name."""
    return await tx.all(BudgetPlace, _PLACES, {**viewer(actor), "most": most})


async def access_place(tx: Tx, actor: Actor, conversation_id: UUID) -> BudgetPlace:
    """Return a conversation that the actor may read, in short. Raises NOT_FOUND."""
    await access_conversation(tx, actor, conversation_id, Verb.READ)
    return await tx.one(BudgetPlace, _PLACE_OF, {**viewer(actor), "id": conversation_id})
