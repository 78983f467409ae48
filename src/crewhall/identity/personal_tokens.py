"""Personal tokens: long-lived keys that a person makes for a program, by name, until a day.

A token acts as its person in the one organization that it was made in. It is shown once; only its digest is stored. It
is a login like any other: what ends all of a person's logins (a new password, leaving) ends its tokens.
"""

from datetime import timedelta
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.identity.fields import check_text
from crewhall.identity.logins import PERSONAL, end_login, store_token
from crewhall.identity.schemas import MadePersonalToken, NewPersonalToken, PersonalToken
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

MOST_TOKENS = 100
_GOOD: LiteralString = """
select id, name, org_id as organization_id, created_at, nullif(last_seen_at, created_at) as last_used_at, expires_at
from logins where user_id = %(user)s and kind = 'personal' and revoked_at is null and expires_at > now()
"""


async def make_personal_token(tx: Tx, person: Actor, data: NewPersonalToken) -> MadePersonalToken:
    """Make a token for the person in their organization, and return it with its secret, this once.

    Raises FORBIDDEN when a token asks for another, CONFLICT when the person has too many.
    """
    await _check_may_make(tx, person)
    login = msgspec.structs.replace(person, credential_id=new_id())
    name, until = check_text(data.name, "name"), utc_now() + timedelta(days=data.expires_in_days)
    values = {
        "id": login.credential_id,
        "user": person.id,
        "org": person.org,
        "name": name,
        "address": person.address,
        "until": until,
    }
    await tx.run(
        """
        insert into logins (id, user_id, org_id, kind, name, address, expires_at)
        values (%(id)s, %(user)s, %(org)s, 'personal', %(name)s, %(address)s, %(until)s)
        """,
        values,
    )
    token = await store_token(tx, login, PERSONAL, until)
    details = {"name": name, "expires_at": until.isoformat()}
    await audit.record(tx, person, "personal_token.created", "login", login.credential_id, details)
    made = await tx.one(PersonalToken, _GOOD + " and id = %(id)s", values)
    return MadePersonalToken(**msgspec.structs.asdict(made), token=token)


async def list_personal_tokens(
    tx: Tx, person: Actor, *, after: str | None = None, limit: int | None = None
) -> Page[PersonalToken]:
    """List the person's own tokens that are still good, of all their organizations, newest first."""
    size, key = check_limit(limit), decode_cursor(after, UUID)
    rows = await tx.all(
        PersonalToken,
        _GOOD + " and (%(before)s::uuid is null or id < %(before)s) order by id desc limit %(limit)s",
        {"user": person.id, "before": key[0] if key else None, "limit": size + 1},
    )
    return page_of(rows, size, lambda row: (row.id,))


async def revoke_personal_token(tx: Tx, person: Actor, token_id: UUID) -> None:
    """End one of the person's own tokens, everywhere within a second; raises NOT_FOUND for any other."""
    found = await tx.find(PersonalToken, _GOOD + " and id = %(id)s", {"user": person.id, "id": token_id})
    if found is None:
        raise NOT_FOUND("There is no such token among yours.")
    await end_login(tx, person, token_id, audited=False)
    if person.org_id is not None:
        await audit.record(tx, person, "personal_token.revoked", "login", token_id, {"name": found.name})


async def _check_may_make(tx: Tx, person: Actor) -> None:
    """Whoever holds a token could prolong it for ever by making others."""
    if person.is_bound:
        raise FORBIDDEN("A personal token makes no further tokens. Sign in to make one.")
    held = await tx.value(
        """
        select count(*) from logins
        where user_id = %(user)s and kind = 'personal' and revoked_at is null and expires_at > now()
        """,
        {"user": person.id},
    )
    if held >= MOST_TOKENS:
        raise CONFLICT(f"You have {MOST_TOKENS} tokens, the most that one may. Revoke one first.", limit=MOST_TOKENS)
