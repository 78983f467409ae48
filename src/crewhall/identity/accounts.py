"""A person's own account: made once, read and changed by the person alone."""

from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.identity.errors import clear_conflicts
from crewhall.identity.fields import check_email, check_handle, check_text, check_timezone
from crewhall.identity.handles import check_handle_free, holder_of
from crewhall.identity.schemas import Profile, ProfileChange
from crewhall.identity.words import handle_candidates
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.verified import revoke

_INSERT: LiteralString = """
insert into users (id, handle, email, name, password_hash, locale, timezone, created_by)
values (%(id)s, %(handle)s, %(email)s, %(name)s, %(password_hash)s, %(locale)s, %(timezone)s, %(id)s)
"""
_INSERT_UNLESS_TAKEN: LiteralString = _INSERT + " on conflict (handle) where deleted_at is null do nothing"


def person_actor(user_id: UUID, *, address: str | None = None, name: str = "") -> Actor:
    """A person who acts for no organization yet."""
    return Actor(type=ActorType.USER, id=user_id, org_id=None, name=name, address=address)


async def create_account(
    tx: Tx,
    person: Actor,
    *,
    email: str,
    name: str,
    password_hash: str,
    handle: str | None = None,
    locale: str = "en",
    timezone: str = "UTC",
) -> None:
    """Make the account of `person`, as whom the transaction was opened.

    Without a handle one is made from email and name. Raises INVALID (a timezone that nobody knows, too), and CONFLICT
    when the email or the chosen handle is taken (by an agent of the organization that the transaction is for, too).
    """
    email, name = check_email(email), check_text(name, "name")
    check_timezone(timezone)
    row = {"id": person.id, "email": email, "name": name, "password_hash": password_hash}
    row |= {"locale": locale, "timezone": timezone}
    with clear_conflicts():
        if handle is not None:
            await check_handle_free(tx, check_handle(handle))
            await tx.run(_INSERT, {**row, "handle": handle})
            return
        for candidate in handle_candidates(email, name):
            if await holder_of(tx, candidate) is None and await tx.run(
                _INSERT_UNLESS_TAKEN, {**row, "handle": candidate}
            ):
                return


async def get_profile(tx: Tx, person: Actor) -> Profile:
    """Return the person's own account."""
    return await tx.one(
        Profile,
        """
        select id, handle, email, name, avatar_url, locale, timezone, created_at, github_login
        from users where id = %(id)s and deleted_at is null
        """,
        {"id": person.id},
    )


async def update_profile(tx: Tx, person: Actor, change: ProfileChange) -> Profile:
    """Change the person's own account; a new name shows at once in every process.

    Raises CONFLICT for a handle that somebody has, or an agent of one of the person's organizations as its code.
    """
    now = await get_profile(tx, person)
    changed = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
    if "name" in changed:
        changed["name"] = check_text(changed["name"], "name")
    if "handle" in changed and changed["handle"] != now.handle:
        await check_handle_free(tx, check_handle(changed["handle"]))
    if "timezone" in changed:
        check_timezone(changed["timezone"])
    with clear_conflicts():
        await tx.run(
            """
            update users set handle = %(handle)s, name = %(name)s, avatar_url = %(avatar_url)s, locale = %(locale)s,
                             timezone = %(timezone)s, github_login = %(github_login)s, updated_by = %(id)s
            where id = %(id)s
            """,
            {**msgspec.structs.asdict(now), **changed},
        )
    if "name" in changed:
        await revoke(tx, f"user:{person.id}")
    return await get_profile(tx, person)
