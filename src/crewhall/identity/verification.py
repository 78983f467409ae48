"""Who is behind a person's token, and when a login was last seen."""

import time
from collections import OrderedDict
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from crewhall.identity.accounts import person_actor
from crewhall.identity.audience import MCP_PATH, Audience
from crewhall.identity.errands import Errands
from crewhall.identity.logins import ACCESS, APP_ACCESS, PERSONAL, SESSION
from crewhall.identity.settings import IdentitySettings
from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.clock import utc_now
from crewhall.kernel.crypto import digest
from crewhall.kernel.db import Database
from crewhall.kernel.errors import FORBIDDEN, UNAUTHENTICATED
from crewhall.kernel.verified import Verified, VerifiedTokens

DOOR = tuple(f"{method} {MCP_PATH}" for method in ("POST", "GET", "PUT", "PATCH", "DELETE", "OPTIONS"))
"""What an app's token opens: the MCP door, which says itself by which methods it is spoken to."""
SEEN_EVERY_S = 60.0
MAX_REMEMBERED = 20_000
SPENT = (
    "This personal token is wrong, expired or revoked. Make another on your settings page, or with "
    "`crewhall token create`."
)


class _Found(msgspec.Struct):
    login_id: UUID
    user_id: UUID
    name: str
    org_id: UUID | None
    role: Role | None
    expires_at: datetime


class _FoundApp(_Found, kw_only=True):
    slug: str
    scopes: list[str]
    resource: str


class LoginVerifier:
    """Verifies people's tokens, and notes once a minute, off the request's path, that a login is alive."""

    def __init__(self, db: Database, settings: IdentitySettings, errands: Errands) -> None:
        self._db = db
        self._settings = settings
        self._errands = errands
        self._seen: OrderedDict[UUID, float] = OrderedDict()

    def register(self, verified: VerifiedTokens) -> None:
        """Serve the prefixes of people's tokens."""
        for prefix in (SESSION, ACCESS, PERSONAL):
            verified.register(prefix, self.verify, self.note_use)

    async def verify(self, token: str, org: str | None, address: str | None) -> Verified:
        """Return the person behind the token; FORBIDDEN where `org` is none of theirs, whether it exists or not."""
        async with self._db.transaction(None) as tx:
            found = await tx.find(
                _Found,
                "select login_id, user_id, name, org_id, role, expires_at from authenticate_login(%(digest)s, %(org)s)",
                {"digest": digest(token), "org": org.replace("\0", "") if org else None},
            )
        if found is None:
            raise UNAUTHENTICATED(SPENT if token.startswith(PERSONAL) else "You are signed out. Sign in again.")
        if org and found.org_id is None:
            raise FORBIDDEN(
                "You are not a member of the organization named by X-Crewhall-Org, or this token is not for it."
            )
        verified = _as_verified(found, address, is_bound=token.startswith(PERSONAL))
        self.note_use(verified, address)
        return verified

    def note_use(self, verified: Verified, address: str | None) -> None:
        """Remember that the login was used just now; quick, never raises."""
        login, now = verified.actor.credential_id, time.monotonic()
        if login is None or now - self._seen.get(login, -SEEN_EVERY_S) < SEEN_EVERY_S:
            return
        self._seen[login] = now
        self._seen.move_to_end(login)
        if len(self._seen) > MAX_REMEMBERED:
            self._seen.popitem(last=False)
        self._errands.run(self._write(verified.actor, address), "noting the use of a login")

    async def _write(self, actor: Actor, address: str | None) -> None:
        """A browser's login slides: it ends so many days after its last use."""
        until = utc_now() + timedelta(days=self._settings.login_days)
        row = {"login": actor.credential_id, "address": address, "until": until}
        async with self._db.transaction(person_actor(actor.id)) as tx:
            await tx.run(
                """
                update logins set last_seen_at = now(), address = coalesce(%(address)s, address),
                    expires_at = case when kind = 'browser' then %(until)s else expires_at end
                where id = %(login)s and revoked_at is null
                """,
                row,
            )
            await tx.run(
                "update login_tokens set expires_at = %(until)s where login_id = %(login)s and kind = 'session'", row
            )


class AppVerifier:
    """Verifies the tokens of apps that people let in: good at the MCP door alone, in one organization."""

    def __init__(self, db: Database, base_url: str, logins: LoginVerifier) -> None:
        self._db = db
        self._audience = Audience(base_url)
        self._logins = logins

    def register(self, verified: VerifiedTokens) -> None:
        """Serve the prefix of apps' tokens."""
        verified.register(APP_ACCESS, self.verify, self._logins.note_use)

    async def verify(self, token: str, org: str | None, address: str | None) -> Verified:
        """Return the person for whom the app acts; FORBIDDEN where `org` is not what they let it in to."""
        async with self._db.transaction(None) as tx:
            found = await tx.find(
                _FoundApp,
                """
                select login_id, user_id, name, org_id, slug, role, expires_at, scopes, resource
                from authenticate_app(%(digest)s)
                """,
                {"digest": digest(token)},
            )
        if found is None or self._audience.read(found.resource) != found.resource:
            raise UNAUTHENTICATED("This app is shut out, or its token too old. Let it in again.")
        if org and org not in {found.slug, str(found.org_id)}:
            raise FORBIDDEN("This app was let in to another organization than X-Crewhall-Org names.")
        verified = _as_verified(found, address, is_bound=True)
        self._logins.note_use(verified, address)
        return msgspec.structs.replace(verified, opens=DOOR, scopes=frozenset(found.scopes))


def _as_verified(found: _Found, address: str | None, *, is_bound: bool) -> Verified:
    actor = Actor(
        type=ActorType.USER,
        id=found.user_id,
        org_id=found.org_id,
        name=found.name,
        role=found.role,
        credential_id=found.login_id,
        address=address,
        is_bound=is_bound,
    )
    tags = [f"login:{found.login_id}", f"user:{found.user_id}"]
    if found.org_id:
        tags.append(f"org:{found.org_id}")
    return Verified(actor, tuple(tags), found.expires_at.timestamp())
