"""Quick tasks as they are offered to whoever may give them, each by a name that can be typed: code and title.

Titles are made plain (`mira/sum-up-the-week`); of an agent's tasks that come out the same, the second is `….2`.
"""

from typing import LiteralString
from uuid import UUID

from msgspec import Struct

from crewhall.agents.status import ANSWERING
from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import NOT_FOUND
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

_OFFERED: LiteralString = """
with plain as (
    select t.id, t.agent_id, t.order_index, t.title, t.prompt, a.code, a.name as agent_name, a.visibility,
           coalesce(nullif(btrim(regexp_replace(lower(t.title), '[^[:alnum:]]+', '-', 'g'), '-'), ''), 'task') as words
    from agent_quick_tasks t join agent_details a on a.id = t.agent_id
    where t.org_id = any (current_orgs()) and t.enabled and a.visible and a.status = any (%(answering)s)
      and (%(code)s::text is null or a.code = %(code)s) and (%(agent)s::uuid is null or a.id >= %(agent)s)
), numbered as (
    select p.*, row_number() over (partition by agent_id, words order by order_index, id) as number from plain p
), offered as (
    select n.*, code || '/' || words || case when number > 1 then '.' || number else '' end as name from numbered n
)
select id, agent_id, order_index, name, title, prompt, code, agent_name from offered
"""
_LIST: LiteralString = (
    _OFFERED
    + """
where visibility <> 'hidden'
  and (%(agent)s::uuid is null or (agent_id, order_index, id) > (%(agent)s, %(order)s, %(task)s))
order by agent_id, order_index, id limit %(limit)s
"""
)
_STANDING = {"answering": [str(status) for status in ANSWERING]}


class OfferedTask(Struct, kw_only=True):
    """A quick task of an agent that answers, and the `name` that it goes by."""

    id: UUID
    agent_id: UUID
    order_index: int
    name: str
    title: str
    prompt: str
    code: str
    agent_name: str


async def list_offered_tasks(
    tx: Tx, actor: Actor, *, after: str | None = None, limit: int | None = None
) -> Page[OfferedTask]:
    """List the quick tasks that the actor may give, agent by agent in their order; those of hidden agents are left out.

    Raises FORBIDDEN, INVALID (a damaged cursor).
    """
    check_permission(actor, Permission.AGENTS_READ)
    size = check_limit(limit)
    agent, order, task = decode_cursor(after, UUID, int, UUID) or (None, None, None)
    values = {"code": None, "agent": agent, "order": order, "task": task, "limit": size + 1, **_STANDING}
    rows = await tx.all(OfferedTask, _LIST, values)
    return page_of(rows, size, lambda row: (row.agent_id, row.order_index, row.id))


async def get_offered_task(tx: Tx, actor: Actor, name: str) -> OfferedTask:
    """Return a quick task by its name, of any agent that the actor may see. Raises FORBIDDEN, NOT_FOUND."""
    check_permission(actor, Permission.AGENTS_READ)
    values = {"code": name.partition("/")[0], "agent": None, "name": name, **_STANDING}
    found = None
    if "\0" not in name:
        found = await tx.find(OfferedTask, _OFFERED + " where name = %(name)s", values)
    if found is None:
        raise NOT_FOUND(f"There is no quick task {name[:200]} that you may give.")
    return found
