"""Placeholders: who wrote elsewhere and has no account here. Nobody signs in as one.

Whoever joins by an invitation to a placeholder's address gets its id with the new account, and so what was written.
"""

from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.identity.permissions import Permission, check_permission
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.ids import new_id

LONGEST_NAME = 255
_FIND: LiteralString = """
select id from placeholders where org_id = any (current_orgs()) and email = lower(%(email)s) and claimed_at is null
"""


class NewPlaceholder(msgspec.Struct, frozen=True):
    """Somebody to keep a place for. Without an address nobody claims it."""

    name: str
    email: str | None = None


async def make_placeholders(tx: Tx, actor: Actor, wanted: list[NewPlaceholder]) -> list[UUID]:
    """Return a placeholder for each, in their order. One address has one: it is found again."""
    check_permission(actor, Permission.CONVERSATIONS_IMPORT)
    return [await _make(tx, actor, one) for one in wanted]


async def _make(tx: Tx, actor: Actor, one: NewPlaceholder) -> UUID:
    made: UUID = await tx.value(
        """
        insert into placeholders (id, org_id, name, email)
        values (%(id)s, %(org)s, %(name)s, lower(%(email)s))
        on conflict (org_id, email) where email is not null do update set email = excluded.email returning id
        """,
        {"id": new_id(), "org": actor.org, "name": one.name[:LONGEST_NAME] or "Somebody", "email": one.email},
    )
    return made


async def find_placeholder(tx: Tx, email: str) -> UUID | None:
    """The placeholder of the transaction's organization that waits for who has this address."""
    found: UUID | None = await tx.value(_FIND, {"email": email})
    return found


async def find_placeholders_named(tx: Tx, name: str) -> list[UUID]:
    """Who wrote elsewhere by this name, or where none did, by one that begins with these words; at most two of them.

    Those who have an account by now are among them.
    """
    found: list[UUID] = await tx.values(
        """
        select id from (
            select p.id, rank() over (order by lower(p.name) <> lower(%(name)s)) as rank from placeholders p
            where p.org_id = any (current_orgs())
              and (lower(p.name) = lower(%(name)s) or starts_with(lower(p.name), lower(%(name)s) || ' '))) best
        where rank = 1 order by id limit 2
        """,
        {"name": name},
    )
    return found


async def claim_placeholder(tx: Tx, person_id: UUID) -> None:
    """The placeholder of this id is somebody with an account from now on; one that is none stays as it is."""
    await tx.run(
        "update placeholders set claimed_at = now() where id = %(id)s and claimed_at is null", {"id": person_id}
    )
