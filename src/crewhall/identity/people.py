"""The people of an organization: listed, found by handle, given roles, removed."""

from collections.abc import Collection
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.identity.events import MemberLeft, MemberRoleChanged
from crewhall.identity.permissions import Permission, check_permission
from crewhall.identity.schemas import Person
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, NOT_FOUND
from crewhall.kernel.events import publish
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.kernel.verified import revoke

_COLUMNS: LiteralString = """
select u.id, u.handle, u.name, u.email, u.avatar_url, u.timezone, m.role, m.created_at as joined_at,
    u.github_login
from memberships m join users u on u.id = m.user_id and u.deleted_at is null
where m.org_id = any (current_orgs())
"""

_REACHED: LiteralString = """
and u.email = any (%(emails)s) and (m.role = 'owner' or exists (
    select from invitations i where i.org_id = m.org_id and i.accepted_by = u.id and i.email = u.email))
"""

_STANDING: LiteralString = """
select u.name, m.role from memberships m join users u on u.id = m.user_id and u.deleted_at is null
where m.org_id = %(org)s and m.user_id = %(user)s
"""


class _Standing(msgspec.Struct):
    name: str
    role: Role


async def list_people(
    tx: Tx,
    actor: Actor,
    *,
    q: str | None = None,
    role: Role | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[Person]:
    """List the organization's people by name; `q` finds part of a name, handle or email, `role` who has it."""
    check_permission(actor, Permission.MEMBERS_READ)
    size = check_limit(limit)
    key = decode_cursor(after, str, UUID)
    rows = await tx.all(
        Person,
        _COLUMNS
        + """
          and (%(q)s::text is null or strpos(lower(u.name || ' ' || u.handle || ' ' || u.email), lower(%(q)s)) > 0)
          and (%(role)s::text is null or m.role = %(role)s)
          and (%(name)s::text is null or (u.name, u.id) > (%(name)s, %(id)s))
        order by u.name, u.id limit %(limit)s
        """,
        {
            "q": q,
            "role": str(role) if role else None,
            "name": key[0] if key else None,
            "id": key[1] if key else None,
            "limit": size + 1,
        },
    )
    return page_of(await _with_presence(tx, rows), size, lambda row: (row.name, row.id))


async def get_person(tx: Tx, actor: Actor, user_id: UUID) -> Person:
    """Return a member of the actor's organization, or raise NOT_FOUND."""
    check_permission(actor, Permission.MEMBERS_READ)
    found = await tx.find(Person, _COLUMNS + " and u.id = %(id)s", {"id": user_id})
    if found is None:
        raise NOT_FOUND("There is no such person in the organization.")
    return (await _with_presence(tx, [found]))[0]


async def _with_presence(tx: Tx, people: list[Person]) -> list[Person]:
    ids = [person.id for person in people]
    online = set(await tx.values("select people_online(%(ids)s)", {"ids": ids}))
    return [msgspec.structs.replace(person, presence="online") if person.id in online else person for person in people]


async def find_people(tx: Tx, ids: Collection[UUID]) -> dict[UUID, Person]:
    """Return those of the ids that are members of the transaction's organization."""
    found = await tx.all(Person, _COLUMNS + " and u.id = any (%(ids)s)", {"ids": list(ids)})
    return {person.id: person for person in found}


async def find_actor(tx: Tx, org_id: UUID, user_id: UUID) -> Actor | None:
    """Return a person as an actor of the organization, with the role that it has now; None when it has left.

    For what is done with somebody's rights while they are away.
    """
    found = await tx.find(_Standing, _STANDING, {"org": org_id, "user": user_id})
    if found is None:
        return None
    return Actor(type=ActorType.USER, id=user_id, org_id=org_id, name=found.name, role=found.role)


async def find_people_by_handles(tx: Tx, handles: Collection[str]) -> dict[str, Person]:
    """Return the members of the transaction's organization with these handles (lower case), by handle."""
    found = await tx.all(Person, _COLUMNS + " and u.handle = any (%(handles)s)", {"handles": list(handles)})
    return {person.handle: person for person in found}


async def find_people_by_emails(tx: Tx, emails: Collection[str]) -> dict[str, Person]:
    """Return the members of the transaction's organization whom mail reached at these addresses (lower case).

    Who joined by a link for everybody has merely said that the address is theirs: they are not among them.
    """
    found = await tx.all(Person, _COLUMNS + _REACHED, {"emails": list(emails)})
    return {person.email: person for person in found}


async def change_role(tx: Tx, actor: Actor, user_id: UUID, role: Role) -> Person:
    """Give a member another role. Nobody is made the owner: the organization is offered to them, and they accept."""
    check_permission(actor, Permission.MEMBERS_ROLE)
    person = await lock_member(tx, actor, user_id)
    if person.role is role:
        return person
    if person.role is Role.OWNER:
        raise CONFLICT("The owner's role cannot be changed. Offer the organization to somebody else.", field="role")
    if role is Role.OWNER:
        raise CONFLICT("Offer the organization to them: they become its owner when they accept.", field="role")
    await set_role(tx, actor, user_id, person.role, role)
    return await get_person(tx, actor, user_id)


async def remove_member(tx: Tx, actor: Actor, user_id: UUID) -> None:
    """Take a person out of the organization (or leave it oneself); their logins there end at once.

    The owner neither leaves nor is removed; only the owner removes admins.
    """
    leaving = actor.type is ActorType.USER and user_id == actor.id
    if not leaving:
        check_permission(actor, Permission.MEMBERS_REMOVE)
    person = await lock_member(tx, actor, user_id)
    if person.role is Role.OWNER:
        raise CONFLICT("The owner cannot leave. Offer the organization to somebody else first.", field="role")
    if person.role is Role.ADMIN and not leaving:
        check_permission(actor, Permission.MEMBERS_ROLE)
    await end_membership(tx, actor, user_id)
    action = "member.left" if leaving else "member.removed"
    await audit.record(tx, actor, action, "user", user_id, {"role": person.role, "handle": person.handle})
    await publish(tx, actor, MemberLeft(actor.org, user_id))


async def end_membership(tx: Tx, actor: Actor, user_id: UUID) -> None:
    """End what lets a member in: logins and tokens here, the membership, and links of their own making.

    Their connections are closed, in every process, when the transaction commits. Who may is decided by the callers.
    """
    await tx.value("select end_logins_of(%(user)s)", {"user": user_id})
    await tx.run(
        "delete from memberships where org_id = %(org)s and user_id = %(user)s", {"user": user_id, **_org(actor)}
    )
    await tx.run(  # a link of their own making must not lead them back in
        """
        update invitations set revoked_at = now()
        where org_id = %(org)s and created_by = %(user)s and accepted_at is null and revoked_at is null
        """,
        {"user": user_id, **_org(actor)},
    )
    await tx.run(
        "delete from ownership_offers where org_id = %(org)s and person_id = %(user)s",
        {"user": user_id, **_org(actor)},
    )
    await revoke(tx, f"user:{user_id}")


async def lock_member(tx: Tx, actor: Actor, user_id: UUID) -> Person:
    """Return the member, with every change of roles in the organization waiting for this transaction.

    The acting person's own role is read again behind the lock: it may have changed a moment ago.
    """
    await tx.run(
        """
        select from memberships where org_id = %(org)s and (role = 'owner' or user_id in (%(user)s, %(actor)s))
        order by user_id for update
        """,
        {"user": user_id, "actor": actor.id, **_org(actor)},
    )
    if actor.type is ActorType.USER and (await get_person(tx, actor, actor.id)).role is not actor.role:
        raise FORBIDDEN("Your role has just changed. Load the page again.")
    return await get_person(tx, actor, user_id)


async def set_role(tx: Tx, actor: Actor, user_id: UUID, old: Role, new: Role) -> None:
    """Write a role, and tell it. Who may is decided by the callers."""
    await tx.run(
        """
        update memberships set role = %(role)s, updated_by = %(by)s where org_id = %(org)s and user_id = %(user)s
        """,
        {"role": str(new), "user": user_id, "by": actor.id, **_org(actor)},
    )
    await revoke(tx, f"user:{user_id}")
    await audit.record(tx, actor, "member.role_changed", "user", user_id, {"old": old, "new": new})
    await publish(tx, actor, MemberRoleChanged(actor.org, user_id, old, new))


def _org(actor: Actor) -> dict[str, UUID]:
    return {"org": actor.org}
