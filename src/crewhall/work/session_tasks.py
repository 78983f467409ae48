"""What an agent works on in its session: the tasks that it starts, blocks, completes or names."""

from typing import LiteralString
from uuid import UUID

from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.work.facts import TaskFact

_NOTE_TASKS: LiteralString = """
update work_sessions s set tasks_worked_on = (
    select array_agg(w.id order by w.place) from (
        select t.id, min(t.place) as place
        from unnest(s.tasks_worked_on || %(tasks)s::uuid[]) with ordinality as t (id, place)
        group by t.id order by min(t.place) limit 200) w)
where s.org_id = %(org)s and s.agent_id = %(agent)s and s.stopped_at is null
  and not s.tasks_worked_on @> %(tasks)s::uuid[]
"""


async def note_tasks(tx: Tx, actor: Actor, tasks: list[UUID]) -> None:
    """Note that the acting agent works on these tasks, if a session of its is open."""
    if tasks:
        await tx.run(_NOTE_TASKS, {"org": actor.org, "agent": actor.id, "tasks": tasks})


async def on_task(tx: Tx, actor: Actor, fact: TaskFact) -> None:
    """An agent began, blocked or finished a task: it worked on it."""
    if actor.type is ActorType.AGENT:
        await note_tasks(tx, actor, [fact.task_id])
