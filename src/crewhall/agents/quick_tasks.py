"""Quick tasks: what an agent is often asked, in order, each at one click. Who manages the agent writes them."""

from datetime import datetime
from typing import Annotated, LiteralString
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from crewhall.agents.access import access_agent
from crewhall.identity import Permission, is_allowed
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, NOT_FOUND
from crewhall.kernel.ids import new_id

MOST = 50
"""Quick tasks of one agent."""
Title = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^\s*[^\s\u0000][^\u0000\n]*$")]
TaskPrompt = Annotated[
    str,
    Meta(
        min_length=1, max_length=20_000, pattern=r"^\s*[^\s\u0000][^\u0000]*$", description="What is asked, Markdown."
    ),
]
Category = Annotated[str, Meta(min_length=1, max_length=50, pattern=r"^\s*[^\s\u0000][^\u0000\n]*$")]
Icon = Annotated[str, Meta(min_length=1, max_length=16, pattern=r"^[^\s\u0000]+$", description="An emoji.")]
Order = Annotated[int, Meta(ge=0, le=10_000, description="Lower ones come first.")]


class QuickTask(msgspec.Struct, kw_only=True):
    """A task that an agent is given at one click."""

    id: UUID
    agent_id: UUID
    title: str
    prompt: str
    category: str | None
    icon: str | None
    order_index: int
    enabled: bool
    created_at: datetime
    updated_at: datetime


class QuickTaskInput(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A new quick task; without an `order_index` it is the last."""

    title: Title
    prompt: TaskPrompt
    category: Category | None = None
    icon: Icon | None = None
    order_index: Order | None = None
    enabled: bool = True


class QuickTaskPatch(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change of a quick task; what is left out stays, null takes category or icon away."""

    title: Title | UnsetType = UNSET
    prompt: TaskPrompt | UnsetType = UNSET
    category: Category | UnsetType | None = UNSET
    icon: Icon | UnsetType | None = UNSET
    order_index: Order | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


_COLUMNS: LiteralString = "id, agent_id, title, prompt, category, icon, order_index, enabled, created_at, updated_at"
_LIST: LiteralString = (
    "select "
    + _COLUMNS
    + """ from agent_quick_tasks
where org_id = any (current_orgs()) and agent_id = %(agent)s and (enabled or %(all)s) order by order_index, id
"""
)
_ONE: LiteralString = (
    "select "
    + _COLUMNS
    + " from agent_quick_tasks where org_id = any (current_orgs()) and agent_id = %(agent)s and id = %(id)s"
)
_INSERT: LiteralString = """
insert into agent_quick_tasks (id, org_id, agent_id, title, prompt, category, icon, order_index, enabled, created_by,
                               updated_by)
values (%(id)s, %(org)s, %(agent)s, %(title)s, %(prompt)s, %(category)s, %(icon)s, coalesce(%(order_index)s, (
    select coalesce(max(t.order_index), -1) + 1 from agent_quick_tasks t where t.agent_id = %(agent)s)), %(enabled)s,
    %(actor)s, %(actor)s)
"""
_UPDATE: LiteralString = """
update agent_quick_tasks set title = %(title)s, prompt = %(prompt)s, category = %(category)s, icon = %(icon)s,
    order_index = %(order_index)s, enabled = %(enabled)s, updated_by = %(actor)s
where id = %(id)s
"""


async def list_quick_tasks(tx: Tx, actor: Actor, agent_id: UUID) -> list[QuickTask]:
    """List an agent's quick tasks in order; those that are switched off to who may change them. Raises NOT_FOUND."""
    agent = await access_agent(tx, actor, agent_id)
    sees_all = agent.owner_user_id == actor.id or is_allowed(actor, Permission.AGENTS_UPDATE)
    return await tx.all(QuickTask, _LIST, {"agent": agent_id, "all": sees_all})


async def get_quick_task(tx: Tx, actor: Actor, agent_id: UUID, task_id: UUID) -> QuickTask:
    """Return a quick task of an agent that the actor may see. Raises NOT_FOUND."""
    await access_agent(tx, actor, agent_id)
    found = await tx.find(QuickTask, _ONE, {"agent": agent_id, "id": task_id})
    if found is None:
        raise NOT_FOUND("This agent has no such quick task.")
    return found


async def add_quick_task(tx: Tx, actor: Actor, agent_id: UUID, data: QuickTaskInput) -> QuickTask:
    """Give an agent another quick task. Raises NOT_FOUND, FORBIDDEN, CONFLICT (it has enough)."""
    await access_agent(tx, actor, agent_id, "update", lock=True)
    there = await tx.value("select count(*) from agent_quick_tasks where agent_id = %(agent)s", {"agent": agent_id})
    if there >= MOST:
        raise CONFLICT(f"An agent has {MOST} quick tasks at most. Take one away first.")
    task_id = new_id()
    values = msgspec.structs.asdict(data) | {"title": data.title.strip()}
    await tx.run(_INSERT, values | {"id": task_id, "org": actor.org, "agent": agent_id, "actor": actor.id})
    made = await get_quick_task(tx, actor, agent_id, task_id)
    await _record(tx, actor, "quick_task.added", made)
    return made


async def change_quick_task(tx: Tx, actor: Actor, agent_id: UUID, task_id: UUID, data: QuickTaskPatch) -> QuickTask:
    """Change a quick task. Raises NOT_FOUND, FORBIDDEN."""
    await access_agent(tx, actor, agent_id, "update", lock=True)
    before = await get_quick_task(tx, actor, agent_id, task_id)
    given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    values = {name: getattr(before, name) for name in QuickTaskPatch.__struct_fields__} | given
    await tx.run(_UPDATE, values | {"id": task_id, "actor": actor.id})
    changed = await get_quick_task(tx, actor, agent_id, task_id)
    await _record(tx, actor, "quick_task.changed", changed, changed=sorted(given))
    return changed


async def move_quick_task(tx: Tx, actor: Actor, agent_id: UUID, task_id: UUID) -> None:
    """Let a quick task change places with the one before it. Raises NOT_FOUND, FORBIDDEN."""
    await access_agent(tx, actor, agent_id, "update", lock=True)
    await get_quick_task(tx, actor, agent_id, task_id)
    order = [task.id for task in await tx.all(QuickTask, _LIST, {"agent": agent_id, "all": True})]
    at = order.index(task_id)
    if at > 0:
        order[at - 1], order[at] = order[at], order[at - 1]
    await tx.run(
        """
        update agent_quick_tasks t set order_index = o.place - 1, updated_by = %(actor)s
        from unnest(%(order)s::uuid[]) with ordinality as o (id, place)
        where t.id = o.id and t.order_index <> o.place - 1
        """,
        {"order": order, "actor": actor.id},
    )


async def remove_quick_task(tx: Tx, actor: Actor, agent_id: UUID, task_id: UUID) -> None:
    """Take a quick task away. Raises NOT_FOUND, FORBIDDEN."""
    await access_agent(tx, actor, agent_id, "update", lock=True)
    found = await get_quick_task(tx, actor, agent_id, task_id)
    await tx.run("delete from agent_quick_tasks where id = %(id)s", {"id": task_id})
    await _record(tx, actor, "quick_task.removed", found)


async def quick_tasks_of(tx: Tx, agent_id: UUID) -> list[QuickTask]:
    """All quick tasks of an agent in order, for its copies."""
    return await tx.all(QuickTask, _LIST, {"agent": agent_id, "all": True})


async def copy_quick_tasks(tx: Tx, actor: Actor, tasks: list[QuickTask], copy_id: UUID) -> None:
    """Give a new agent the quick tasks of the one that it was made from."""
    for task in tasks:
        values = msgspec.structs.asdict(task) | {"id": new_id(), "org": actor.org, "agent": copy_id, "actor": actor.id}
        await tx.run(_INSERT, values)


async def _record(tx: Tx, actor: Actor, action: str, task: QuickTask, **details: object) -> None:
    about = {"title": task.title, "agent_id": str(task.agent_id)}
    await audit.record(tx, actor, action, "quick_task", task.id, about | details)
