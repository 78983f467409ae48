"""Who is behind an agent key: found by its prefix, proved by bcrypt, allowed by its agent's standing."""

import asyncio
import logging
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from psycopg import Error
from psycopg_pool import PoolClosed, PoolTimeout

from crewhall.agents.keys import KEY_COST, lookup_prefix
from crewhall.agents.proven import ProvenKeys
from crewhall.agents.settings import AgentSettings
from crewhall.agents.status import authenticates
from crewhall.agents.usage import Use, record_use
from crewhall.agents.vocabulary import AgentStatus
from crewhall.kernel.actor import Actor, ActorType, system_actor
from crewhall.kernel.crypto import verify_secret
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import FORBIDDEN, UNAUTHENTICATED
from crewhall.kernel.limits import RateLimit, RateLimiter, network_of
from crewhall.kernel.verified import Verified

log = logging.getLogger(__name__)
WRONG_SECRET = "wrong_secret"  # noqa: S105 (a reason in the log)
_SENTENCES = {
    "agent_gone": "The agent of this key was deleted.",
    "agent_inactive": "The agent of this key is not active. Ask its owner to activate it.",
    "expired": "This key has expired. Ask the agent's owner for a new one.",
    "revoked": "This key was revoked. Ask the agent's owner for a new one.",
}


class _Found(Struct, frozen=True):
    credential_id: UUID
    agent_id: UUID
    org_id: UUID
    hash: str


class _Standing(Struct, frozen=True):
    name: str
    status: AgentStatus
    gone: bool
    is_active: bool
    expired: bool
    expires_at: datetime | None
    slug: str


class KeyVerifier:
    """Checks agent keys for `kernel.verified`; what it finds is remembered there."""

    def __init__(self, db: Database, limiter: RateLimiter, settings: AgentSettings) -> None:
        self._db = db
        self._limiter = limiter
        self._per_key = _per_minute("checks of this key", settings.rate_key_per_minute)
        self._per_pair = _per_minute("agent keys", settings.rate_key_per_minute)
        self._per_prefix = _per_minute("agent keys per prefix", settings.rate_key_prefix_per_minute)
        self._per_address = _per_minute("agent keys per address", settings.rate_key_address_per_minute)
        self._proven = ProvenKeys()
        self._refusals: set[asyncio.Task[None]] = set()

    async def verify(self, key: str, org: str | None, address: str | None) -> Verified:
        """Return the agent behind the key.

        Raises UNAUTHENTICATED (after the same time and with the same words for an unknown prefix and a wrong secret),
        TOO_MANY_REQUESTS (see `_hold_limits`), FORBIDDEN when `org` names another organization.
        """
        prefix = lookup_prefix(key)
        self._hold_limits(key, prefix, address)
        found = await self._find(prefix)
        if not await verify_secret(key.encode(), found.hash if found else None, KEY_COST) or found is None:
            self._proven.discard(key)
            if found:
                self._note_refusal(found, address)
            raise UNAUTHENTICATED("This key is not valid. Ask the agent's owner for a new one.")
        return await self._admit(key, found, org, address)

    def _hold_limits(self, key: str, prefix: str | None, address: str | None) -> None:
        """Limit guesses: per address, per address and prefix, and (wider) per prefix wherever they come from.

        Who knows a prefix, and nothing more, can use these up: so a key that was proved before counts by itself, in
        what nobody without it can reach. Narrow limits come first: what they refuse uses up nothing of the wide one.
        """
        proven = self._proven.find(key)
        if proven is not None:
            self._limiter.check(self._per_key, proven)
            return
        network = network_of(address)
        self._limiter.check(self._per_address, network)
        self._limiter.check(self._per_pair, (network, prefix))
        self._limiter.check(self._per_prefix, prefix)

    async def close(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self._refusals)

    async def _find(self, prefix: str | None) -> _Found | None:
        if prefix is None:
            return None
        async with self._db.transaction(None) as tx:
            return await tx.find(_Found, "select * from find_agent_key(%(prefix)s)", {"prefix": prefix})

    def _note_refusal(self, found: _Found, address: str | None) -> None:
        """Log the refusal beside the request: the answer must take as long as for a prefix that nobody has."""
        task = asyncio.create_task(self._write_refusal(found, address), name="key-refusal")
        self._refusals.add(task)
        task.add_done_callback(self._refusals.discard)

    async def _write_refusal(self, found: _Found, address: str | None) -> None:
        try:
            async with self._db.transaction(system_actor(found.org_id)) as tx:
                await record_use(tx, _use_of(found, address), ok=False, reason=WRONG_SECRET)
        except (Error, PoolTimeout, PoolClosed, OSError):
            log.warning("a refused key is not in the log of its use", exc_info=True)

    async def _admit(self, key: str, found: _Found, org: str | None, address: str | None) -> Verified:
        agent = Actor(type=ActorType.AGENT, id=found.agent_id, org_id=found.org_id)
        async with self._db.transaction(agent) as tx:
            standing = await _standing_of(tx, found)
            reason = _reason_against(standing)
            await record_use(tx, _use_of(found, address), ok=reason is None, reason=reason)
        if standing is None or reason is not None:
            self._proven.discard(key)
            raise UNAUTHENTICATED(_SENTENCES[reason or "agent_gone"], reason=reason)
        self._proven.add(key)
        if org is not None and org.lower() not in {str(found.org_id), standing.slug}:
            raise FORBIDDEN("This agent belongs to another organization. Leave X-Crewhall-Org out.")
        actor = Actor(
            type=ActorType.AGENT,
            id=found.agent_id,
            org_id=found.org_id,
            name=standing.name,
            credential_id=found.credential_id,
            address=address,
        )
        tags = (f"agent:{found.agent_id}", f"credential:{found.credential_id}", f"org:{found.org_id}")
        expires_at = standing.expires_at.timestamp() if standing.expires_at else None
        return Verified(actor, tags, expires_at)


async def _standing_of(tx: Tx, found: _Found) -> _Standing | None:
    return await tx.find(
        _Standing,
        """
        select a.name, a.status, a.deleted_at is not null or o.deleted_at is not null as gone, c.is_active,
               c.expires_at <= now() is true as expired, c.expires_at, o.slug
        from agent_credentials c
        join agents a on a.org_id = c.org_id and a.id = c.agent_id
        join organizations o on o.id = c.org_id
        where c.id = %(credential)s and c.deleted_at is null
        """,
        {"credential": found.credential_id},
    )


def _reason_against(standing: _Standing | None) -> str | None:
    if standing is None or standing.gone:
        return "agent_gone"
    if not standing.is_active:
        return "revoked"
    if standing.expired:
        return "expired"
    return None if authenticates(standing.status) else "agent_inactive"


def _use_of(found: _Found, address: str | None) -> Use:
    return Use(found.org_id, found.credential_id, found.agent_id, address)


def _per_minute(name: str, count: int) -> RateLimit:
    return RateLimit(name, burst=count, per_second=count / 60)
