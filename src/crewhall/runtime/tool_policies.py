"""The policy of an organization for its agents' tools: read by who judges a call, settled by owners and admins."""

import msgspec
from psycopg.types.json import Jsonb

from crewhall.identity import Permission, check_permission
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.runtime.judging import ToolPolicy


async def get_tool_policy(tx: Tx, actor: Actor) -> ToolPolicy:
    """Return the policy of the actor's organization, the default one until it has settled any."""
    kept = await tx.value("select policy from tool_policies where org_id = %(org)s", {"org": actor.org})
    return msgspec.convert(kept or {}, ToolPolicy)


async def read_tool_policy(tx: Tx, actor: Actor) -> ToolPolicy:
    """As get_tool_policy, for who may see settings; raises FORBIDDEN."""
    check_permission(actor, Permission.SETTINGS_READ)
    return await get_tool_policy(tx, actor)


async def set_tool_policy(tx: Tx, actor: Actor, policy: ToolPolicy) -> ToolPolicy:
    """Settle the policy as a whole; audited with the names of what changed. Raises FORBIDDEN."""
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    before = await get_tool_policy(tx, actor)
    changed = [name for name in policy.__struct_fields__ if getattr(before, name) != getattr(policy, name)]
    if not changed:
        return before
    await tx.run(
        """
        insert into tool_policies (org_id, policy, created_by, updated_by)
        values (%(org)s, %(policy)s, %(by)s, %(by)s)
        on conflict (org_id) do update set policy = excluded.policy, updated_by = excluded.updated_by
        """,
        {"org": actor.org, "policy": Jsonb(msgspec.to_builtins(policy)), "by": actor.id},
    )
    details = {"changed": changed}
    await audit.record(tx, actor, "tool_policy.changed", "organization", actor.org, details)
    return policy
