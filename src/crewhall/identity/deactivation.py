"""People who are deactivated: out at once, with all that acts for them, and able to come back to what they had."""

from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.identity.errors import clear_conflicts
from crewhall.identity.events import MemberDeactivated, MemberLeft, MemberReactivated
from crewhall.identity.people import end_membership, get_person, lock_member, remove_member
from crewhall.identity.permissions import Permission, check_permission
from crewhall.identity.schemas import Person
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, Role
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, NOT_FOUND
from crewhall.kernel.events import publish
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

_FOUND: LiteralString = """
select id, handle, name, email, avatar_url, timezone, role, joined_at, deactivated_at
from deactivated_people(%(q)s, %(role)s, %(only)s, %(name)s, %(id)s, %(size)s)
"""


async def list_deactivated(
    tx: Tx,
    actor: Actor,
    *,
    q: str | None = None,
    role: Role | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[Person]:
    """List the organization's deactivated people by name, for who may deactivate."""
    check_permission(actor, Permission.MEMBERS_REMOVE)
    size = check_limit(limit)
    name, last = decode_cursor(after, str, UUID) or (None, None)
    rows = await tx.all(Person, _FOUND, _asked(q=q, role=role, name=name, id=last, size=size + 1))
    return page_of(rows, size, lambda row: (row.name, row.id))


async def deactivate_member(tx: Tx, actor: Actor, user_id: UUID) -> Person:
    """End a member's logins, tokens and connections here at once, and let their agents rest; all is kept.

    Nobody deactivates themselves, nor the owner; only the owner deactivates admins.
    Raises NOT_FOUND, CONFLICT, FORBIDDEN.
    """
    check_permission(actor, Permission.MEMBERS_REMOVE)
    person = await lock_member(tx, actor, user_id)
    if user_id == actor.id:
        raise CONFLICT("Nobody deactivates themselves. Leave the organization instead, or ask another admin.")
    if person.role is Role.OWNER:
        raise CONFLICT("The owner cannot be deactivated. Somebody else has to become the owner first.")
    if person.role is Role.ADMIN:
        check_permission(actor, Permission.MEMBERS_ROLE)
    await end_membership(tx, actor, user_id)
    await tx.run(
        """
        insert into deactivated_members (org_id, user_id, role, joined_at, deactivated_by)
        values (%(org)s, %(user)s, %(role)s, %(joined)s, %(by)s)
        """,
        {"org": actor.org, "user": user_id, "role": str(person.role), "joined": person.joined_at, "by": actor.id},
    )
    details = {"role": person.role, "handle": person.handle}
    await audit.record(tx, actor, "member.deactivated", "user", user_id, details)
    await publish(tx, actor, MemberDeactivated(actor.org, user_id))
    return await _get_deactivated(tx, user_id)


async def reactivate_member(tx: Tx, actor: Actor, user_id: UUID) -> Person:
    """Let a deactivated person back in, with the role, the conversations and the agents that they had.

    Their logins stay ended: they sign in again. Only the owner reactivates admins.
    Raises NOT_FOUND, CONFLICT, FORBIDDEN.
    """
    check_permission(actor, Permission.MEMBERS_REMOVE)
    person = await _take_back(tx, actor, user_id)
    with clear_conflicts():
        await tx.run(
            """
            insert into memberships (org_id, user_id, role, created_at, created_by)
            values (%(org)s, %(user)s, %(role)s, %(joined)s, %(by)s)
            """,
            {"org": actor.org, "user": user_id, "role": str(person.role), "joined": person.joined_at, "by": actor.id},
        )
    details = {"role": person.role, "handle": person.handle}
    await audit.record(tx, actor, "member.reactivated", "user", user_id, details)
    await publish(tx, actor, MemberReactivated(actor.org, user_id))
    return await get_person(tx, actor, user_id)


async def remove_person(tx: Tx, actor: Actor, user_id: UUID) -> None:
    """Take a member or a deactivated person out for good, as `remove_member` does.

    Raises NOT_FOUND, CONFLICT, FORBIDDEN.
    """
    if await tx.find(Person, _FOUND, _asked(only=user_id, size=1)) is None:
        await remove_member(tx, actor, user_id)
        return
    check_permission(actor, Permission.MEMBERS_REMOVE)
    person = await _take_back(tx, actor, user_id)
    details = {"role": person.role, "handle": person.handle}
    await audit.record(tx, actor, "member.removed", "user", user_id, details)
    await publish(tx, actor, MemberLeft(actor.org, user_id))


async def _take_back(tx: Tx, actor: Actor, user_id: UUID) -> Person:
    person = await _get_deactivated(tx, user_id)
    if person.role is Role.ADMIN:
        check_permission(actor, Permission.MEMBERS_ROLE)
    taken = await tx.run(
        "delete from deactivated_members where org_id = %(org)s and user_id = %(user)s",
        {"org": actor.org, "user": user_id},
    )
    if not taken:
        raise NOT_FOUND("Somebody else has just changed this. Load the page again.")
    return person


async def _get_deactivated(tx: Tx, user_id: UUID) -> Person:
    found = await tx.find(Person, _FOUND, _asked(only=user_id, size=1))
    if found is None:
        raise NOT_FOUND("There is no such deactivated person in the organization.")
    return msgspec.structs.replace(found, presence="offline")


def _asked(**given: object) -> dict[str, object]:
    nothing = dict.fromkeys(("q", "role", "only", "name", "id", "size"))
    return nothing | {name: str(value) if isinstance(value, Role) else value for name, value in given.items()}
