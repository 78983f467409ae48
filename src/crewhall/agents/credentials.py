"""An agent's keys: made, listed, rotated with an overlap, revoked. A revoked key stops everywhere within a second."""

from datetime import datetime, timedelta
from uuid import UUID

from crewhall.agents.access import access_agent
from crewhall.agents.credential_schemas import Credential, CredentialInput, NewCredential, RotationInput
from crewhall.agents.keys import Key
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, INVALID, NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.kernel.verified import revoke

MAX_ACTIVE = 20
LONGEST_LIFE = timedelta(days=3660)


async def list_credentials(
    tx: Tx, actor: Actor, agent_id: UUID, *, after: str | None = None, limit: int | None = None
) -> Page[Credential]:
    """List an agent's credentials, oldest first, to its owner, admins and the agent itself."""
    await access_agent(tx, actor, agent_id, "own_credentials")
    size = check_limit(limit)
    key = decode_cursor(after, UUID)
    rows = await tx.all(
        Credential,
        """
        select * from credential_details where agent_id = %(agent)s and (%(after)s::uuid is null or id > %(after)s)
        order by id limit %(limit)s
        """,
        {"agent": agent_id, "after": key[0] if key else None, "limit": size + 1},
    )
    return page_of(rows, size, lambda row: (row.id,))


async def access_credential(tx: Tx, actor: Actor, agent_id: UUID, credential_id: UUID, *, own: bool) -> Credential:
    """Return a credential of the agent, locked; `own` lets the agent itself use it so."""
    await access_agent(tx, actor, agent_id, "own_credentials" if own else "credentials")
    named = {"agent": agent_id, "id": credential_id}
    await tx.run("select from agent_credentials where id = %(id)s for no key update", named)
    found = await tx.find(
        Credential, "select * from credential_details where agent_id = %(agent)s and id = %(id)s", named
    )
    if found is None:
        raise NOT_FOUND("There is no such credential.")
    return found


async def create_credential(tx: Tx, actor: Actor, agent_id: UUID, data: CredentialInput, key: Key) -> NewCredential:
    """Give the agent one more key. At most 20 may be active at once."""
    await access_agent(tx, actor, agent_id, "credentials", lock=True)
    active = "select count(*) from credential_details where agent_id = %(agent)s and is_active"
    if await tx.value(active, {"agent": agent_id}) >= MAX_ACTIVE:
        raise CONFLICT(f"The agent has {MAX_ACTIVE} active keys. Revoke one first.")
    made = await _insert(tx, actor, agent_id, key, label=data.label, expires_at=_check_expiry(data.expires_at))
    await _record(tx, actor, "agent.credential_created", made, {"label": made.label})
    return made


async def rotate_credential(
    tx: Tx, actor: Actor, agent_id: UUID, credential_id: UUID, data: RotationInput, key: Key
) -> NewCredential:
    """Put a new key in the place of one that is active; the old one ends after the overlap (at once without one).

    An agent may rotate its own key, but not choose when the new one expires.
    """
    old = await access_credential(tx, actor, agent_id, credential_id, own=True)
    if actor.type is ActorType.AGENT and data.expires_at is not None:
        raise FORBIDDEN("An agent cannot choose when its key expires. Leave expires_at out.")
    if not old.is_active or await _was_rotated(tx, old.id):
        raise CONFLICT("Only an active key that was not rotated yet can be rotated.")
    expires_at = _check_expiry(data.expires_at) or _same_life(old)
    made = await _insert(tx, actor, agent_id, key, label=old.label, expires_at=expires_at, rotated_from=old.id)
    await tx.run(
        """
        update agent_credentials set updated_by = %(actor)s, is_active = %(overlap)s > 0,
            expires_at = least(expires_at, now() + make_interval(secs => %(overlap)s))
        where id = %(id)s
        """,
        {"id": old.id, "overlap": data.overlap_seconds, "actor": actor.id},
    )
    await revoke(tx, f"credential:{old.id}")
    details = {"rotated_from": str(old.id), "overlap_seconds": data.overlap_seconds}
    await _record(tx, actor, "agent.credential_rotated", made, details)
    return made


async def revoke_credential(tx: Tx, actor: Actor, agent_id: UUID, credential_id: UUID) -> None:
    """End a key now; ending it twice changes nothing. It stays listed, inactive."""
    old = await access_credential(tx, actor, agent_id, credential_id, own=False)
    if not old.is_active:
        return
    await tx.run(
        "update agent_credentials set is_active = false, updated_by = %(actor)s where id = %(id)s",
        {"id": old.id, "actor": actor.id},
    )
    await revoke(tx, f"credential:{old.id}")
    await _record(tx, actor, "agent.credential_revoked", old, {"label": old.label})


async def _insert(
    tx: Tx,
    actor: Actor,
    agent_id: UUID,
    key: Key,
    *,
    label: str,
    expires_at: datetime | None,
    rotated_from: UUID | None = None,
) -> NewCredential:
    row = {"id": new_id(), "org": actor.org, "agent": agent_id, "label": label, "actor": actor.id}
    await tx.run(
        """
        insert into agent_credentials (id, org_id, agent_id, label, prefix, hash, expires_at, rotated_from,
                                       created_by, updated_by)
        values (%(id)s, %(org)s, %(agent)s, %(label)s, %(prefix)s, %(hash)s, %(expires_at)s, %(rotated_from)s,
                %(actor)s, %(actor)s)
        """,
        {**row, "prefix": key.prefix, "hash": key.hash, "expires_at": expires_at, "rotated_from": rotated_from},
    )
    shown = "select *, %(key)s as key from credential_details where id = %(id)s"
    return await tx.one(NewCredential, shown, {**row, "key": key.key})


async def _was_rotated(tx: Tx, credential_id: UUID) -> bool:
    later = "select exists (select from agent_credentials where rotated_from = %(id)s)"
    return bool(await tx.value(later, {"id": credential_id}))


async def _record(tx: Tx, actor: Actor, action: str, credential: Credential, details: dict[str, object]) -> None:
    about = {"agent_id": str(credential.agent_id), "prefix": credential.prefix, **details}
    await audit.record(tx, actor, action, "agent_credential", credential.id, about)


def _check_expiry(expires_at: datetime | None) -> datetime | None:
    if expires_at is None:
        return None
    if expires_at.tzinfo is None:
        raise INVALID("expires_at needs a timezone, such as 2027-01-31T00:00:00Z.", field="expires_at")
    if expires_at <= utc_now():
        raise INVALID("expires_at is in the past.", field="expires_at")
    if expires_at > utc_now() + LONGEST_LIFE:
        raise INVALID(
            f"A key lives at most {LONGEST_LIFE.days} days. Leave expires_at out for no end.", field="expires_at"
        )
    return expires_at


def _same_life(old: Credential) -> datetime | None:
    if old.expires_at is None:
        return None
    return utc_now() + max(old.expires_at - old.created_at, timedelta(minutes=1))
