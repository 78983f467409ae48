"""Letting apps in: codes and tokens of an app, for one person in one organization, and how they end.

An app's access is a login of the person's. A code is good for a minute and once, a refresh token once: a second use
of either means that somebody else has it, and ends the login with all that it gave (OAuth 2.1, 4.1.3 and 4.3.1).
"""

import base64
import hashlib
import hmac
from datetime import timedelta
from uuid import UUID

import msgspec

from crewhall.identity.accounts import person_actor
from crewhall.identity.app_errors import OAuthRefusal
from crewhall.identity.app_requests import Ask
from crewhall.identity.logins import APP_ACCESS, APP_CODE, APP_REFRESH, end_login, store_token
from crewhall.identity.organizations import enter_organization
from crewhall.identity.redirects import shown_address
from crewhall.identity.schemas import LetInApp
from crewhall.identity.settings import IdentitySettings
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.crypto import digest
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

CODE_S = 60
MOST_LET_IN = 100


class AppTokens(msgspec.Struct, omit_defaults=True):
    """What an app is given (RFC 6749, 5.1)."""

    access_token: str
    refresh_token: str
    expires_in: int
    scope: str
    token_type: str = msgspec.field(default_factory=lambda: "Bearer")


class _Held(msgspec.Struct):
    """The login behind a code or token, with what was asked for it."""

    login_id: UUID
    kind: str
    app_id: str
    name: str
    scopes: list[str]
    resource: str
    redirect_uri: str
    challenge: str
    is_used: bool
    is_good: bool


class _Owner(msgspec.Struct):
    user_id: UUID
    org_id: UUID


async def let_in(tx: Tx, person: Actor, ask: Ask, org_id: UUID, scopes: list[str]) -> str:
    """Let the app in to what the person chose, and return its code. The person must be signed in with a browser.

    Raises FORBIDDEN, NOT_FOUND for an organization that is not theirs, CONFLICT when they let too many in.
    """
    kind = await tx.value("select kind from logins where id = %(id)s", {"id": person.credential_id})
    if kind != "browser":
        raise FORBIDDEN("Only a person who is signed in with a browser lets apps in.")
    inside = await enter_organization(tx, person, org_id)
    held = await tx.value(
        "select count(*) from logins where user_id = %(user)s and kind = 'app' and revoked_at is null"
        " and expires_at > now()",
        {"user": person.id},
    )
    if held >= MOST_LET_IN:
        raise CONFLICT(f"You have let {MOST_LET_IN} apps in, the most that one may. Shut one out first.")
    login = msgspec.structs.replace(inside, credential_id=new_id())
    until = utc_now() + timedelta(seconds=CODE_S)
    await tx.run(
        """
        with login as (
            insert into logins (id, user_id, org_id, kind, name, address, expires_at)
            values (%(id)s, %(user)s, %(org)s, 'app', %(name)s, %(address)s, %(until)s)),
        known as (update apps set used_at = now() where id = %(app)s)
        insert into app_logins (login_id, user_id, app_id, scopes, resource, redirect_uri, challenge)
        values (%(id)s, %(user)s, %(app)s, %(scopes)s, %(resource)s, %(redirect)s, %(challenge)s)
        """,
        {
            "id": login.credential_id,
            "user": login.id,
            "org": login.org,
            "name": ask.app.name,
            "address": login.address,
            "until": until,
            "app": ask.app.id,
            "scopes": scopes,
            "resource": ask.resource,
            "redirect": ask.redirect_uri,
            "challenge": ask.challenge,
        },
    )
    code = await store_token(tx, login, APP_CODE, until)
    details = {"name": ask.app.name, "app": ask.app.id, "scopes": " and ".join(scopes)}
    await audit.record(tx, inside, "app.let_in", "login", login.credential_id, details)
    return code


async def exchange_code(
    db: Database,
    settings: IdentitySettings,
    *,
    app_id: str,
    code: str,
    verifier: str,
    redirect_uri: str | None,
    resource: str | None,
    address: str | None,
) -> AppTokens:
    """Give tokens for a code. Raises OAuthRefusal: `invalid_grant`, `invalid_target`.

    Of a code that comes a second time, or with a wrong verifier, nothing is left: it went astray.
    """
    wrong = OAuthRefusal("invalid_grant", "This code is not good: it is used, too old, or not this app's.")
    person = await _owner_of(db, code, address)
    if person is None:
        raise wrong
    async with db.transaction(person) as tx:  # commits also what ends a login whose code went astray
        held = await _held(tx, code)
        if held is None or held.kind != "app_code" or held.app_id != app_id:
            raise wrong
        if held.is_used:
            await _shut_out(tx, person, held, "its code was used twice")
        elif not _proves(verifier, held.challenge):
            await _shut_out(tx, person, held, "its code came with a wrong verifier")
        elif held.is_good and (redirect_uri is None or redirect_uri == held.redirect_uri):
            if resource is not None and resource != held.resource:
                raise OAuthRefusal("invalid_target", "The code was given for another resource.")
            if await _use(tx, code):
                return await _issue(tx, person, settings, held)
            await _shut_out(tx, person, held, "its code was used twice")
    raise wrong


async def refresh_app(
    db: Database, settings: IdentitySettings, *, app_id: str, token: str, resource: str | None, address: str | None
) -> AppTokens:
    """Give fresh tokens for a refresh token; one that was used before ends the login. Raises OAuthRefusal."""
    wrong = OAuthRefusal("invalid_grant", "This refresh token is not good any more. Ask the person again.")
    person = await _owner_of(db, token, address)
    if person is None:
        raise wrong
    async with db.transaction(person) as tx:
        held = await _held(tx, token)
        if held is None or held.kind != "app_refresh" or held.app_id != app_id:
            raise wrong
        if held.is_used:
            await _shut_out(tx, person, held, "a refresh token was used twice")
        elif held.is_good:
            if resource is not None and resource != held.resource:
                raise OAuthRefusal("invalid_target", "The token was given for another resource.")
            if await _use(tx, token):
                return await _issue(tx, person, settings, held)
            await _shut_out(tx, person, held, "a refresh token was used twice")
    raise wrong


async def revoke_app_token(db: Database, *, app_id: str, token: str, address: str | None) -> None:
    """End the login behind a token of the app (RFC 7009); what is no token any more is left as it is."""
    person = await _owner_of(db, token, address)
    if person is None:
        return
    async with db.transaction(person) as tx:
        held = await _held(tx, token)
        if held is not None and held.app_id != app_id:
            raise OAuthRefusal("unauthorized_client", "This token is not this app's.")
        if held is not None:
            await _shut_out(tx, person, held, "it signed out")


async def is_let_in(tx: Tx, person: Actor, app_id: str) -> bool:
    """Whether the person lets this app in, to whichever organization."""
    found: bool = await tx.value(
        """
        select exists (
            select from app_logins a join logins l on l.id = a.login_id
            where a.user_id = %(user)s and a.app_id = %(app)s and l.revoked_at is null and l.expires_at > now())
        """,
        {"user": person.id, "app": app_id},
    )
    return found


async def list_let_in(tx: Tx, person: Actor, *, after: str | None = None, limit: int | None = None) -> Page[LetInApp]:
    """List the apps that the person let in, of all their organizations, newest first."""
    size, key = check_limit(limit), decode_cursor(after, UUID)
    rows = await tx.all(
        _Listed,
        """
        select l.id, l.name, a.redirect_uri, l.org_id as organization_id, a.scopes, l.created_at,
               nullif(l.last_seen_at, l.created_at) as last_used_at, l.expires_at
        from logins l join app_logins a on a.login_id = l.id
        where l.user_id = %(user)s and l.revoked_at is null and l.expires_at > now()
          and (%(before)s::uuid is null or l.id < %(before)s)
        order by l.id desc limit %(limit)s
        """,
        {"user": person.id, "before": key[0] if key else None, "limit": size + 1},
    )
    return page_of([_shown(row) for row in rows], size, lambda row: (row.id,))


async def shut_out(tx: Tx, person: Actor, login_id: UUID) -> None:
    """Take the access of an app back, everywhere within a second; raises NOT_FOUND for what is none of the person's."""
    name = await tx.value(
        "select name from logins where id = %(id)s and user_id = %(user)s and kind = 'app' and revoked_at is null"
        " and expires_at > now()",
        {"id": login_id, "user": person.id},
    )
    if name is None:
        raise NOT_FOUND("There is no such app among those that you let in.")
    await end_login(tx, person, login_id, audited=False)
    if person.org_id is not None:
        await audit.record(tx, person, "app.shut_out", "login", login_id, {"name": name})


class _Listed(msgspec.Struct):
    id: UUID
    name: str
    redirect_uri: str
    organization_id: UUID
    scopes: list[str]
    created_at: object
    last_used_at: object
    expires_at: object


def _shown(row: _Listed) -> LetInApp:
    fields = msgspec.structs.asdict(row)
    return LetInApp(address=shown_address(fields.pop("redirect_uri")), **fields)


async def _owner_of(db: Database, token: str, address: str | None) -> Actor | None:
    """The person whose code or token it is, in the organization that it is for."""
    async with db.transaction(None) as tx:
        found = await tx.find(
            _Owner, "select user_id, org_id from find_app_owner(%(digest)s)", {"digest": digest(token)}
        )
    if found is None:
        return None
    return msgspec.structs.replace(person_actor(found.user_id, address=address), org_id=found.org_id)


async def _held(tx: Tx, token: str) -> _Held | None:
    return await tx.find(
        _Held,
        """
        select l.id as login_id, t.kind, a.app_id, l.name, a.scopes, a.resource, a.redirect_uri, a.challenge,
               t.used_at is not null as is_used,
               t.expires_at > now() and l.expires_at > now() and l.revoked_at is null
                   and exists (select from memberships m where m.user_id = l.user_id and m.org_id = l.org_id) as is_good
        from login_tokens t join logins l on l.id = t.login_id join app_logins a on a.login_id = l.id
        where t.digest = %(digest)s
        """,
        {"digest": digest(token)},
    )


async def _use(tx: Tx, token: str) -> bool:
    """Use it up; of two at once one does."""
    return bool(
        await tx.run(
            "update login_tokens set used_at = now() where digest = %(digest)s and used_at is null",
            {"digest": digest(token)},
        )
    )


async def _issue(tx: Tx, person: Actor, settings: IdentitySettings, held: _Held) -> AppTokens:
    login = msgspec.structs.replace(person, credential_id=held.login_id)
    lifetime, until = timedelta(minutes=settings.access_token_minutes), utc_now() + timedelta(days=settings.login_days)
    await tx.run(
        "update logins set expires_at = %(until)s, last_seen_at = now(), address = %(address)s where id = %(login)s",
        {"until": until, "address": person.address, "login": held.login_id},
    )
    await tx.run(
        "delete from login_tokens where login_id = %(login)s and expires_at < now() and kind = 'app_access'",
        {"login": held.login_id},
    )
    access = await store_token(tx, login, APP_ACCESS, utc_now() + lifetime)
    refresh = await store_token(tx, login, APP_REFRESH, until)
    return AppTokens(access, refresh, int(lifetime.total_seconds()), " ".join(held.scopes))


async def _shut_out(tx: Tx, person: Actor, held: _Held, reason: str) -> None:
    ended = await tx.value(
        "select revoked_at is not null from logins where id = %(login)s for update", {"login": held.login_id}
    )
    if not ended:
        await end_login(tx, person, held.login_id, audited=False)
        details = {"name": held.name, "reason": reason}
        await audit.record(tx, person, "app.shut_out", "login", held.login_id, details)


def _proves(verifier: str, challenge: str) -> bool:
    """Whether the verifier is the one that the challenge was made of (RFC 7636, 4.6)."""
    if not 43 <= len(verifier) <= 128 or not verifier.isascii():  # noqa: PLR2004
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(made, challenge.encode())
