"""What tasks follow: who leaves, or may not work any more, gives back what it had to do."""

from uuid import UUID

from crewhall.agents import AgentDeleted, AgentStatus, AgentStatusChanged
from crewhall.identity import MemberDeactivated, MemberLeft
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.db import Params, Tx
from crewhall.work.task_queries import access_task
from crewhall.work.task_telling import tell_change

_AWAY = frozenset({AgentStatus.INACTIVE, AgentStatus.TERMINATED})


async def on_status_changed(tx: Tx, actor: Actor, event: AgentStatusChanged) -> None:
    """An agent that answers nobody any more has nothing to do; one on probation nothing critical."""
    if event.after in _AWAY:
        await give_back(tx, actor, event.org_id, event.agent_id)
    elif event.after is AgentStatus.PROBATION:
        await give_back(tx, actor, event.org_id, event.agent_id, priority="P0")


async def on_agent_deleted(tx: Tx, actor: Actor, event: AgentDeleted) -> None:
    """What it had to do is anybody's again."""
    await give_back(tx, actor, event.org_id, event.agent_id)


async def on_member_deactivated(tx: Tx, actor: Actor, event: MemberDeactivated) -> None:
    """They may come back, and what they had to do cannot wait for that. On their projects they stay."""
    await give_back(tx, actor, event.org_id, event.user_id)


async def on_member_left(tx: Tx, actor: Actor, event: MemberLeft) -> None:
    """What they had to do is anybody's again, and they are on no project any more."""
    await give_back(tx, actor, event.org_id, event.user_id)
    await tx.run(
        "delete from project_members where org_id = %(org)s and member_id = %(id)s",
        {"org": event.org_id, "id": event.user_id},
    )


async def give_back(
    tx: Tx, actor: Actor, org_id: UUID, who: UUID, *, priority: str | None = None, tasks: list[UUID] | None = None
) -> None:
    """Make what somebody had to do anybody's again: all of it, or what is as urgent as that, or these tasks alone."""
    values: Params = {"org": org_id, "who": who, "priority": priority, "tasks": tasks, "by": actor.id}
    found = await tx.values(
        """
        select id from tasks where org_id = %(org)s and %(who)s in (assigned_agent_id, assigned_user_id)
          and status not in ('completed', 'cancelled') and deleted_at is null
          and (%(priority)s::text is null or priority = %(priority)s)
          and (%(tasks)s::uuid[] is null or id = any (%(tasks)s)) order by id for update
        """,
        values,
    )
    system = system_actor(org_id)
    for task_id in found:
        before = await access_task(tx, system, task_id)
        await tx.run(
            """
            update tasks set assigned_agent_id = null, assigned_user_id = null, version = version + 1,
                updated_by = %(by)s, status = case when status = 'blocked' then status else 'backlog' end
            where org_id = %(org)s and id = %(id)s
            """,
            values | {"id": task_id},
        )
        now = await access_task(tx, system, task_id)
        await tell_change(tx, actor, before, now, ["assignee", "status"])
