"""Runtimes: the address at which an agent is served, its secret, what was made of the calls to it.

A secret stands nowhere: it is derived from the installation's own, the runtime's id and a version, which rotation
raises. The version before signs along for a while, so that whoever verifies may change over in peace.
"""

from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.agents import access_agent
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.kernel.verified import revoke
from crewhall.runtime.answers import ANSWERS_CHANNEL
from crewhall.runtime.derived import read_secret, webhook_secret
from crewhall.runtime.schemas_runtimes import AgentRuntime, NewAgentRuntime, RuntimeCall, SecretRotation
from crewhall.runtime.settings import TurnSettings

MOST_CALLS = 100
"""How many calls of a runtime are kept."""
MOST_ERROR = 500

_SHOWN: LiteralString = """
select w.id, w.agent_id, w.base_url,
       case when w.failures > 0 then 'failing' when w.last_ok_at is null then 'unknown' else 'healthy' end as health,
       w.failures, w.failing_since, w.last_ok_at, w.last_error, w.last_error_at,
       (select percentile_disc(0.5) within group (order by k.duration_ms) from (
           select c.duration_ms from runtime_calls c where c.org_id = w.org_id and c.runtime_id = w.id and c.is_ok
           order by c.id desc limit 20) k) as p50_ms,
       case when w.previous_until > now() then w.previous_until end as previous_until, w.created_at, w.updated_at
from agent_runtimes w
where w.org_id = any (current_orgs()) and w.agent_id = %(agent)s and w.deleted_at is null
"""


class Served(msgspec.Struct, kw_only=True):
    """Where a run is taken: the runtime as its caller needs it. `is_gone`: it was removed."""

    id: UUID
    base_url: str
    secret_version: int
    signs_with_previous: bool
    is_gone: bool

    def secrets(self, root: bytes) -> list[str]:
        """What signs now: the present secret, and the one before while that is still good."""
        versions = [self.secret_version, *([self.secret_version - 1] if self.signs_with_previous else [])]
        return [webhook_secret(root, self.id, version) for version in versions]


async def serve_agent(tx: Tx, actor: Actor, agent_id: UUID, base_url: str, settings: TurnSettings) -> NewAgentRuntime:
    """Serve an agent at an address from its next turn on. Raises CONFLICT where it is served at one."""
    agent = await access_agent(tx, actor, agent_id, "credentials", lock=True)
    if await tx.find(AgentRuntime, _SHOWN, {"agent": agent_id}) is not None:
        raise CONFLICT(f"{agent.name} has a webhook. Change its address, or remove it first.")
    runtime_id = new_id()
    await tx.run(
        """
        insert into agent_runtimes (id, org_id, agent_id, base_url, created_by, updated_by)
        values (%(id)s, %(org)s, %(agent)s, %(base_url)s, %(actor)s, %(actor)s)
        """,
        {"id": runtime_id, "org": actor.org, "agent": agent_id, "base_url": base_url, "actor": actor.id},
    )
    await audit.record(tx, actor, "agent.webhook_created", "agent", agent_id, {"address": base_url})
    return await _with_secret(tx, agent_id, runtime_id, 1, settings)


async def get_runtime(tx: Tx, actor: Actor, agent_id: UUID) -> AgentRuntime:
    """Return where an agent is served, to who manages it and to itself. Raises NOT_FOUND, FORBIDDEN."""
    await access_agent(tx, actor, agent_id, "own_credentials")
    return await _get(tx, agent_id)


async def find_runtime(tx: Tx, agent_id: UUID) -> AgentRuntime | None:
    """Return where an agent is served; None where it is nowhere. The caller has checked its access."""
    return await tx.find(AgentRuntime, _SHOWN, {"agent": agent_id})


async def move_runtime(tx: Tx, actor: Actor, agent_id: UUID, base_url: str) -> AgentRuntime:
    """Serve an agent at another address, with the same secret. What the old one failed at is forgotten."""
    await access_agent(tx, actor, agent_id, "credentials", lock=True)
    found = await _get(tx, agent_id)
    await tx.run(
        """
        update agent_runtimes set base_url = %(base_url)s, failures = 0, failing_since = null, last_error = null,
            last_error_at = null, last_ok_at = null, updated_by = %(actor)s
        where id = %(id)s
        """,
        {"id": found.id, "base_url": base_url, "actor": actor.id},
    )
    await audit.record(tx, actor, "agent.webhook_moved", "agent", agent_id, {"address": base_url})
    return await _get(tx, agent_id)


async def rotate_secret(
    tx: Tx, actor: Actor, agent_id: UUID, data: SecretRotation, settings: TurnSettings
) -> NewAgentRuntime:
    """Sign with a new secret; the old one signs along for the overlap (not at all without one)."""
    await access_agent(tx, actor, agent_id, "credentials", lock=True)
    found = await _get(tx, agent_id)
    version: int = await tx.value(
        """
        update agent_runtimes
        set secret_version = secret_version + 1, updated_by = %(actor)s,
            previous_until = now() + make_interval(secs => %(overlap)s)
        where id = %(id)s returning secret_version
        """,
        {"id": found.id, "actor": actor.id, "overlap": data.overlap_seconds},
    )
    await audit.record(tx, actor, "agent.webhook_rotated", "agent", agent_id, {"overlap_seconds": data.overlap_seconds})
    return await _with_secret(tx, agent_id, found.id, version, settings)


async def remove_runtime(tx: Tx, actor: Actor, agent_id: UUID) -> None:
    """Serve an agent at no address any more: turns that were asked for there end, its model or program takes over.

    The tokens of those turns are taken back at once.
    """
    await access_agent(tx, actor, agent_id, "credentials", lock=True)
    found = await _get(tx, agent_id)
    await tx.run(
        "update agent_runtimes set deleted_at = now(), updated_by = %(actor)s where id = %(id)s",
        {"id": found.id, "actor": actor.id},
    )
    for run_id in await tx.values(
        "select id from runs where org_id = %(org)s and runtime_id = %(id)s and status = 'running'",
        {"org": actor.org, "id": found.id},
    ):
        await revoke(tx, f"run:{run_id}")
        await tx.notify(ANSWERS_CHANNEL, str(run_id))  # who waits for its answer looks, and finds no runtime
    await audit.record(tx, actor, "agent.webhook_removed", "agent", agent_id, {"address": found.base_url})


async def list_calls(
    tx: Tx, actor: Actor, agent_id: UUID, *, after: str | None = None, limit: int | None = None
) -> Page[RuntimeCall]:
    """List the requests that were made to an agent's address, newest first; the last hundred are kept."""
    size, key = check_limit(limit), decode_cursor(after, UUID)
    found = await get_runtime(tx, actor, agent_id)
    rows = await tx.all(
        RuntimeCall,
        """
        select id, run_id, webhook_id, is_ok, status, duration_ms, error, created_at from runtime_calls
        where org_id = any (current_orgs()) and runtime_id = %(runtime)s
          and (%(before)s::uuid is null or id < %(before)s)
        order by id desc limit %(limit)s
        """,
        {"runtime": found.id, "before": key[0] if key else None, "limit": size + 1},
    )
    return page_of(rows, size, lambda row: (row.id,))


async def read_served(tx: Tx, runtime_id: UUID) -> Served:
    """Return a runtime as a turn needs it."""
    return await tx.one(
        Served,
        """
        select id, base_url, secret_version, previous_until > now() is true as signs_with_previous,
               deleted_at is not null as is_gone
        from agent_runtimes where id = %(id)s
        """,
        {"id": runtime_id},
    )


async def record_call(
    tx: Tx,
    org_id: UUID,
    runtime_id: UUID,
    run_id: UUID | None,
    webhook_id: str,
    *,
    status: int | None,
    duration_ms: int,
    error: str | None,
) -> RuntimeCall:
    """Keep how a call went, and what that says of the runtime."""
    error = None if error is None else error.replace("\0", "\ufffd")[:MOST_ERROR]
    values = {
        "id": new_id(), "org": org_id, "runtime": runtime_id, "run": run_id, "webhook": webhook_id, "ok": error is None,
        "status": status, "took": duration_ms, "error": error, "most": MOST_CALLS,
    }  # fmt: skip
    kept = await tx.one(
        RuntimeCall,
        """
        insert into runtime_calls (id, org_id, runtime_id, run_id, webhook_id, is_ok, status, duration_ms, error)
        values (%(id)s, %(org)s, %(runtime)s, %(run)s, %(webhook)s, %(ok)s, %(status)s, %(took)s, %(error)s)
        returning id, run_id, webhook_id, is_ok, status, duration_ms, error, created_at
        """,
        values,
    )
    await tx.run(
        """
        update agent_runtimes
        set failures = case when %(ok)s then 0 else failures + 1 end,
            failing_since = case when %(ok)s then null else coalesce(failing_since, now()) end,
            last_ok_at = case when %(ok)s then now() else last_ok_at end,
            last_error = case when %(ok)s then last_error else %(error)s end,
            last_error_at = case when %(ok)s then last_error_at else now() end
        where id = %(runtime)s
        """,
        values,
    )
    await tx.run(
        """
        delete from runtime_calls where org_id = %(org)s and runtime_id = %(runtime)s and id <= (
            select k.id from runtime_calls k where k.org_id = %(org)s and k.runtime_id = %(runtime)s
            order by k.id desc offset %(most)s limit 1)
        """,
        values,
    )
    return kept


async def _get(tx: Tx, agent_id: UUID) -> AgentRuntime:
    found = await find_runtime(tx, agent_id)
    if found is None:
        raise NOT_FOUND("The agent is served at no address of its own.")
    return found


async def _with_secret(
    tx: Tx, agent_id: UUID, runtime_id: UUID, version: int, settings: TurnSettings
) -> NewAgentRuntime:
    secret = webhook_secret(await read_secret(tx, settings), runtime_id, version)
    return NewAgentRuntime(**msgspec.structs.asdict(await _get(tx, agent_id)), secret=secret)
