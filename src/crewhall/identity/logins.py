"""Logins: browsers and clients that are signed in, their tokens, and how they end.

Tokens are opaque and only their digests are stored. A browser has one session token; a client has a short access token
and a refresh token that works once: a second use means that somebody else has it, and ends the login.
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from crewhall.identity.accounts import get_profile, person_actor
from crewhall.identity.organizations import enter_organization
from crewhall.identity.schemas import Login, Tokens
from crewhall.identity.settings import IdentitySettings
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.crypto import digest, new_token
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import NOT_FOUND, UNAUTHENTICATED
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.kernel.verified import revoke

SESSION, ACCESS, REFRESH, PERSONAL = "cws_", "cwt_", "cwr_", "cwp_"
APP_CODE, APP_ACCESS, APP_REFRESH = "cwc_", "cwa_", "cwf_"
_KINDS = {
    SESSION: "session",
    ACCESS: "access",
    REFRESH: "refresh",
    PERSONAL: "personal",
    APP_CODE: "app_code",
    APP_ACCESS: "app_access",
    APP_REFRESH: "app_refresh",
}
MAX_USER_AGENT = 300
KEPT_DAYS = 90
"""Days that an ended login is kept; the next sign-in forgets older ones, with their tokens."""
Client = Literal["browser", "token"]


class StartedLogin(msgspec.Struct, frozen=True):
    """A fresh login: its person within the chosen organization, and either a session token or tokens."""

    actor: Actor
    session: str | None
    tokens: Tokens | None


async def start_login(
    tx: Tx,
    person: Actor,
    settings: IdentitySettings,
    *,
    kind: Client,
    user_agent: str | None = None,
    org_id: UUID | None = None,
) -> StartedLogin:
    """Sign the person in, as whom the transaction was opened; in `org_id`, else where they were last.

    The transaction is scoped to that organization from here on.
    """
    actor = msgspec.structs.replace(person, credential_id=new_id(), name=(await get_profile(tx, person)).name)
    chosen = org_id or await _usual_organization(tx, person)
    if chosen is not None:
        actor = await enter_organization(tx, actor, chosen)
    until = utc_now() + timedelta(days=settings.login_days)
    await tx.run(
        """
        delete from logins
        where user_id = %(user)s and coalesce(revoked_at, expires_at) < now() - make_interval(days => %(kept)s)
        """,
        {"user": actor.id, "kept": KEPT_DAYS},
    )
    await tx.run(
        """
        insert into logins (id, user_id, org_id, kind, user_agent, address, expires_at)
        values (%(id)s, %(user)s, %(org)s, %(kind)s, %(user_agent)s, %(address)s, %(until)s)
        """,
        {
            "id": actor.credential_id,
            "user": actor.id,
            "org": actor.org_id,
            "kind": kind,
            "user_agent": (user_agent or "").replace("\0", "")[:MAX_USER_AGENT] or None,
            "address": actor.address,
            "until": until,
        },
    )
    if actor.org_id is not None:
        await audit.record(tx, actor, "login.created", "login", actor.credential_id, {"kind": kind})
    if kind == "browser":
        return StartedLogin(actor, await store_token(tx, actor, SESSION, until), None)
    return StartedLogin(actor, None, await _issue_tokens(tx, actor, settings))


async def _usual_organization(tx: Tx, person: Actor) -> UUID | None:
    found: UUID | None = await tx.value(
        """
        select m.org_id from memberships m join organizations o on o.id = m.org_id and o.deleted_at is null
        where m.user_id = %(user)s
        order by (select max(l.last_seen_at) from logins l where l.user_id = m.user_id and l.org_id = m.org_id)
                 desc nulls last, m.created_at limit 1
        """,
        {"user": person.id},
    )
    return found


async def _issue_tokens(tx: Tx, actor: Actor, settings: IdentitySettings) -> Tokens:
    lifetime = timedelta(minutes=settings.access_token_minutes)
    access = await store_token(tx, actor, ACCESS, utc_now() + lifetime)
    refresh = await store_token(tx, actor, REFRESH, utc_now() + timedelta(days=settings.login_days))
    return Tokens(access, refresh, int(lifetime.total_seconds()))


async def store_token(tx: Tx, actor: Actor, prefix: str, until: datetime) -> str:
    """Make a token of the actor's login, good until then, and return it; only its digest is kept."""
    token = new_token(prefix)
    await tx.run(
        """
        insert into login_tokens (digest, login_id, user_id, kind, expires_at)
        values (%(digest)s, %(login)s, %(user)s, %(kind)s, %(until)s)
        """,
        {
            "digest": digest(token),
            "login": actor.credential_id,
            "user": actor.id,
            "kind": _KINDS[prefix],
            "until": until,
        },
    )
    return token


async def refresh_login(db: Database, settings: IdentitySettings, token: str, *, address: str | None = None) -> Tokens:
    """Exchange a refresh token for fresh tokens; one that was used before ends its login. Raises UNAUTHENTICATED."""
    found = None
    async with db.transaction(None) as tx:
        owner = await tx.value("select find_refresh_owner(%(digest)s)", {"digest": digest(token)})
    if owner is not None:
        person = person_actor(owner, address=address)
        async with db.transaction(person) as tx:  # commits also what ends a login whose token was used twice
            found = await _rotate(tx, person, settings, digest(token))
    if found is None:
        raise UNAUTHENTICATED("This refresh token is not valid any more. Sign in again.")
    return found


async def _rotate(tx: Tx, person: Actor, settings: IdentitySettings, token_digest: bytes) -> Tokens | None:
    login = await tx.value(
        """
        update login_tokens t set used_at = now() from logins l
        where t.digest = %(digest)s and t.used_at is null and t.expires_at > now()
          and l.id = t.login_id and l.revoked_at is null and l.expires_at > now()
        returning l.id
        """,
        {"digest": token_digest},
    )
    if login is None:
        reused = await tx.value(
            "select login_id from login_tokens where digest = %(digest)s and used_at is not null",
            {"digest": token_digest},
        )
        if reused is not None:
            await _end(tx, person, reused, reason="a refresh token was used twice")
        return None
    await tx.run(
        "delete from login_tokens where login_id = %(login)s and expires_at < now()",
        {"login": login},
    )
    await tx.run(
        "update logins set last_seen_at = now(), address = %(address)s, expires_at = %(until)s where id = %(login)s",
        {"login": login, "address": person.address, "until": utc_now() + timedelta(days=settings.login_days)},
    )
    return await _issue_tokens(tx, msgspec.structs.replace(person, credential_id=login), settings)


async def list_logins(tx: Tx, person: Actor, *, after: str | None = None, limit: int | None = None) -> Page[Login]:
    """List the person's own browsers and clients that are still signed in, newest first."""
    size = check_limit(limit)
    key = decode_cursor(after, UUID)
    rows = await tx.all(
        Login,
        """
        select id, kind, user_agent, address, org_id as organization_id, created_at, last_seen_at, expires_at,
               id is not distinct from %(current)s as current
        from logins
        where user_id = %(user)s and kind in ('browser', 'token') and revoked_at is null and expires_at > now()
          and (%(before)s::uuid is null or id < %(before)s)
        order by id desc limit %(limit)s
        """,
        {
            "user": person.id,
            "current": person.credential_id,
            "before": key[0] if key else None,
            "limit": size + 1,
        },
    )
    return page_of(rows, size, lambda row: (row.id,))


async def end_login(tx: Tx, person: Actor, login_id: UUID, *, audited: bool = True) -> None:
    """End one of the person's own logins; raises NOT_FOUND for any other, or one that has ended.

    Whoever writes the act itself asks for one that is not `audited`.
    """
    if not await _end(tx, person, login_id, reason="signed out" if audited else None):
        raise NOT_FOUND("There is no such login among yours.")


async def end_all_logins(tx: Tx, person: Actor, *, but: UUID | None = None) -> int:
    """End the person's logins everywhere, but one if named; returns how many."""
    open_logins = await tx.values(
        """
        select id from logins
        where user_id = %(user)s and revoked_at is null and expires_at > now() and id is distinct from %(but)s
        """,
        {"user": person.id, "but": but},
    )
    for login in open_logins:
        await _end(tx, person, login, reason="signed out everywhere")
    return len(open_logins)


async def _end(tx: Tx, person: Actor, login_id: UUID, *, reason: str | None) -> bool:
    ended = await tx.run(
        "update logins set revoked_at = now() where id = %(login)s and user_id = %(user)s and revoked_at is null",
        {"login": login_id, "user": person.id},
    )
    if not ended:
        return False
    await revoke(tx, f"login:{login_id}")
    if person.org_id is not None and reason is not None:
        await audit.record(tx, person, "login.ended", "login", login_id, {"reason": reason})
    return True


async def switch_organization(tx: Tx, person: Actor, org_id: UUID) -> Actor:
    """Make the organization the current one of the person's login; raises NOT_FOUND unless it is theirs."""
    inside = await enter_organization(tx, person, org_id)
    await tx.run(
        "update logins set org_id = %(org)s where id = %(login)s",
        {"org": org_id, "login": person.credential_id},
    )
    await revoke(tx, f"login:{person.credential_id}")
    return inside
