"""What an organization settles about its groups: when one is idle, and when it archives itself."""

import msgspec

from crewhall.conversations.archiving import ARCHIVINGS_CHANNEL
from crewhall.conversations.schemas_idle import IdlePolicy
from crewhall.identity import Permission, check_permission
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx


async def get_idle_policy(tx: Tx, actor: Actor) -> IdlePolicy:
    """Return what the actor's organization has settled, the defaults until then. Raises FORBIDDEN."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    query = "select idle_after_hours, archive_after_days from idle_policies where org_id = %(org)s"
    return await tx.find(IdlePolicy, query, {"org": actor.org}) or IdlePolicy()


async def set_idle_policy(tx: Tx, actor: Actor, policy: IdlePolicy) -> IdlePolicy:
    """Settle it for every group, those that are idle by now too; audited. Raises FORBIDDEN."""
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    if policy == await get_idle_policy(tx, actor):
        return policy
    await tx.run(
        """
        insert into idle_policies (org_id, idle_after_hours, archive_after_days, created_by, updated_by)
        values (%(org)s, %(idle_after_hours)s, %(archive_after_days)s, %(by)s, %(by)s)
        on conflict (org_id) do update set idle_after_hours = excluded.idle_after_hours,
            archive_after_days = excluded.archive_after_days, updated_by = excluded.updated_by
        """,
        {"org": actor.org, "by": actor.id, **msgspec.structs.asdict(policy)},
    )
    await tx.run(
        """
        update archivings a set look_at = h.last_active_at + idle_after() + archive_after()
        from conversation_heads h
        where a.org_id = %(org)s and a.archived_at is null and not a.stays_open
          and h.conversation_id = a.conversation_id
        """,
        {"org": actor.org},
    )
    await tx.notify(ARCHIVINGS_CHANNEL, "")
    details = msgspec.structs.asdict(policy)
    await audit.record(tx, actor, "idle_policy.changed", "organization", actor.org, details)
    return policy
