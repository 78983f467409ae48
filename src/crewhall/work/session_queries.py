"""Reads of work sessions: they are seen by whoever sees their agent, and is in scope of their project."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.errors import NOT_FOUND
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.work.session_schemas import WorkSession
from crewhall.work.session_vocabulary import SessionShow

COLUMNS: LiteralString = """
select s.id, json_build_object('type', 'agent', 'id', a.id, 'name', a.name) as agent,
       case when p.id is not null then json_build_object('id', p.id, 'slug', p.slug, 'name', p.name) end as project,
       s.status, s.goal, s.started_at, s.stopped_at, s.duration_seconds, s.stop_reason,
       case when s.stopped_by is not null
            then json_build_object('type', s.stopped_by_type, 'id', s.stopped_by, 'name', s.stopped_by_name)
       end as stopped_by,
       s.hand_off, s.log_count, s.tasks_worked_on, s.heard_at, s.previous_id
"""
FROM: LiteralString = """
from work_sessions s join agents a on a.org_id = s.org_id and a.id = s.agent_id
left join projects p on p.org_id = s.org_id and p.id = s.project_id
where s.org_id = %(org)s and may_see_agent(a) and (s.project_id is null or sees_project(s.project_id))
"""
_LIST: LiteralString = (
    COLUMNS
    + FROM
    + """
  and (%(agent)s::uuid is null or s.agent_id = %(agent)s)
  and (%(me)s::uuid is null or s.agent_id = %(me)s)
  and (%(project)s::uuid is null or s.project_id = %(project)s)
  and (%(show)s::text is null or case %(show)s when 'open' then s.stopped_at is null
       when 'over' then s.stopped_at is not null else s.stop_reason = %(show)s end)
  and (%(at)s::timestamptz is null or (s.started_at, s.id) < (%(at)s, %(id)s::uuid))
order by s.started_at desc, s.id desc limit %(limit)s
"""
)


async def list_sessions(
    tx: Tx,
    actor: Actor,
    *,
    agent_id: UUID | None = None,
    project_id: UUID | None = None,
    show: SessionShow | None = None,
    mine: bool = False,
    after: str | None = None,
    limit: int | None = None,
) -> Page[WorkSession]:
    """List work sessions within the actor's reach, the newest first."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    size, key = check_limit(limit), decode_cursor(after, datetime, UUID) or (None, None)
    values: Params = {
        "org": actor.org, "agent": agent_id, "project": project_id, "show": str(show) if show else None,
        "me": actor.id if mine else None,
        "at": key[0], "id": key[1], "limit": size + 1,
    }  # fmt: skip
    return page_of(await tx.all(WorkSession, _LIST, values), size, lambda row: (row.started_at, row.id))


async def access_session(tx: Tx, actor: Actor, session_id: UUID) -> WorkSession:
    """Return a session that the actor may see, or raise NOT_FOUND."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    found = await tx.find(WorkSession, COLUMNS + FROM + " and s.id = %(id)s", {"org": actor.org, "id": session_id})
    if found is None:
        raise NOT_FOUND("There is no such work session.")
    return found


async def find_open_session(tx: Tx, actor: Actor, agent_id: UUID) -> WorkSession | None:
    """Return the open session of an agent, as far as the actor may see it."""
    return await tx.find(
        WorkSession,
        COLUMNS + FROM + " and s.agent_id = %(agent)s and s.stopped_at is null",
        {"org": actor.org, "agent": agent_id},
    )
