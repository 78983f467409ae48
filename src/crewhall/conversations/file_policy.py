"""What an organization settles about files: how long they are kept once their conversation is archived."""

from crewhall.conversations.file_schemas import FilePolicy
from crewhall.conversations.sweeping import CHANNEL as SWEEP_CHANNEL
from crewhall.identity import Permission, check_permission
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx


async def get_file_policy(tx: Tx, actor: Actor) -> FilePolicy:
    """Return what the actor's organization has settled, the default until then. Raises FORBIDDEN."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    query = "select keep_days from file_policies where org_id = %(org)s"
    return await tx.find(FilePolicy, query, {"org": actor.org}) or FilePolicy()


async def set_file_policy(tx: Tx, actor: Actor, policy: FilePolicy) -> FilePolicy:
    """Settle it, for conversations that are archived already, too: theirs count from when they were; audited.

    Raises FORBIDDEN.
    """
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    if policy == await get_file_policy(tx, actor):
        return policy
    values = {"org": actor.org, "by": actor.id, "days": policy.keep_days}
    await tx.run(
        """
        insert into file_policies (org_id, keep_days, created_by, updated_by)
        values (%(org)s, %(days)s, %(by)s, %(by)s)
        on conflict (org_id) do update set keep_days = excluded.keep_days, updated_by = excluded.updated_by
        """,
        values,
    )
    await tx.run(
        """
        update files f set expires_at = coalesce(a.archived_at, now()) + files_kept_for(f.org_id)
        from conversations c left join archivings a on a.conversation_id = c.id
        where f.org_id = %(org)s and c.id = f.conversation_id and c.status = 'archived' and f.attached_at is not null
        """,
        values,
    )
    await tx.notify(SWEEP_CHANNEL, "")
    details = {} if policy.keep_days is None else {"keep_days": policy.keep_days}
    await audit.record(tx, actor, "file_policy.changed", "organization", actor.org, details)
    return policy
