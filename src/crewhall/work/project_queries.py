"""Reads of projects: `readable_projects()` of the schema says which there are for somebody."""

from typing import LiteralString
from uuid import UUID

from crewhall.identity import Permission, check_permission, is_allowed
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, NOT_FOUND
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.work.project_schemas import Project, ProjectMember

_PROJECT: LiteralString = """
select p.id, p.slug, p.name, p.description, p.repository_url, p.github_installation_id, p.mvp_document_url, p.is_active,
       p.conversation_id, coalesce(n.tasks, '{}') as tasks,
       (select count(*) from tasks t where t.project_id = p.id and t.deadline < now() and t.deleted_at is null
          and t.status not in ('completed', 'cancelled')) as late,
       (select count(*) from agents a where a.org_id = p.org_id and a.project_id = p.id and a.deleted_at is null)
           + (select count(*) from project_members m join agents a on a.org_id = m.org_id and a.id = m.member_id
              where m.project_id = p.id and m.member_type = 'agent' and a.deleted_at is null) as agents,
       (select count(*) from project_members m join memberships s on s.org_id = m.org_id and s.user_id = m.member_id
        where m.project_id = p.id and m.member_type = 'user') as people,
       p.created_by, p.created_at, p.updated_at
from projects p left join lateral (
    select jsonb_object_agg(c.status, c.number) as tasks from (
        select k.status, sum(k.number) as number from project_task_counts k
        where k.org_id = p.org_id and k.project_id = p.id group by k.status having sum(k.number) <> 0) c) n on true
where p.org_id = any (current_orgs()) and p.id in (select readable_projects())
"""
_MEMBERS: LiteralString = """
select m.* from (
    select m.member_type, m.member_id, coalesce(u.name, a.name, 'Somebody') as name,
           coalesce(u.handle, a.code, '') as handle,
           false as is_own, m.created_at as added_at
    from project_members m
    left join users u on m.member_type = 'user' and u.id = m.member_id
    left join agents a on m.member_type = 'agent' and a.org_id = m.org_id and a.id = m.member_id
    where m.org_id = any (current_orgs()) and m.project_id = %(id)s
      and case m.member_type when 'agent' then a.deleted_at is null else exists (
          select from memberships s where s.org_id = m.org_id and s.user_id = m.member_id) end
    union all
    select 'agent', a.id, a.name, a.code, true, a.created_at from agents a
    where a.org_id = any (current_orgs()) and a.project_id = %(id)s and a.deleted_at is null) m
where (m.member_type = 'user' or m.member_id in (select d.id from agent_details d where d.visible))
"""


async def list_projects(
    tx: Tx,
    actor: Actor,
    *,
    q: str | None = None,
    active: bool | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[Project]:
    """List the projects that the actor may see, active ones first, then by name."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    size, key = check_limit(limit), decode_cursor(after, bool, str, UUID)
    sql: LiteralString = (
        _PROJECT
        + """ and (%(active)s::boolean is null or p.is_active = %(active)s)
        and (%(q)s::text is null or starts_with(lower(p.name), lower(%(q)s)) or strpos(lower(p.name), lower(%(q)s)) > 0
             or starts_with(p.slug, lower(%(q)s)))
        and (%(name)s::text is null or (not p.is_active, lower(p.name), p.id) > (%(rest)s, %(name)s, %(id)s))
        order by not p.is_active, lower(p.name), p.id limit %(limit)s"""
    )
    values: Params = {
        "q": q.strip() if q and q.strip() else None, "active": active, "rest": key[0] if key else None,
        "name": key[1] if key else None, "id": key[2] if key else None, "limit": size + 1,
    }  # fmt: skip
    rows = await tx.all(Project, sql, values)
    return page_of(rows, size, lambda row: (not row.is_active, row.name.lower(), row.id))


async def access_project(tx: Tx, actor: Actor, project_id: UUID, *, manage: bool = False) -> Project:
    """Return a project that the actor may see, or manage. Raises NOT_FOUND, FORBIDDEN.

    Owners and admins manage every project, and whoever began one that.
    """
    check_permission(actor, Permission.ORGANIZATION_READ)
    found = await tx.find(Project, _PROJECT + " and p.id = %(id)s", {"id": project_id})
    if found is None:
        raise NOT_FOUND("There is no such project.")
    if manage and not may_manage(actor, found):
        raise FORBIDDEN(
            "Only who began this project, owners and admins may change it.", permission=str(Permission.PROJECTS_UPDATE)
        )
    return found


def may_manage(actor: Actor, project: Project) -> bool:
    """Whether the actor may change a project that it sees."""
    own = actor.type is ActorType.USER and actor.id == project.created_by
    return (own and not actor.behalf) or is_allowed(actor, Permission.PROJECTS_UPDATE)


def check_active(project: Project) -> None:
    """Refuse a project that is archived. Raises CONFLICT."""
    if not project.is_active:
        raise CONFLICT(f"{project.name} is archived: restore it first.", field="project_id")


async def find_project(tx: Tx, actor: Actor, name: str) -> Project:
    """Return the project of that slug or id. Raises NOT_FOUND."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    try:
        return await access_project(tx, actor, UUID(name))
    except ValueError:
        found = await tx.find(Project, _PROJECT + " and p.slug = %(slug)s", {"slug": name.lower()})
    if found is None:
        raise NOT_FOUND("There is no such project.")
    return found


async def list_members(
    tx: Tx, actor: Actor, project_id: UUID, *, after: str | None = None, limit: int | None = None
) -> Page[ProjectMember]:
    """List who works on a project: its own agents, then people and agents of the organization, by name."""
    await access_project(tx, actor, project_id)
    size, key = check_limit(limit), decode_cursor(after, bool, str, UUID)
    sql: LiteralString = (
        _MEMBERS
        + """ and (%(name)s::text is null or (not m.is_own, lower(m.name), m.member_id) > (%(own)s, %(name)s, %(last)s))
        order by not m.is_own, lower(m.name), m.member_id limit %(limit)s"""
    )
    values: Params = {
        "id": project_id, "own": key[0] if key else None, "name": key[1] if key else None,
        "last": key[2] if key else None, "limit": size + 1,
    }  # fmt: skip
    rows = await tx.all(ProjectMember, sql, values)
    return page_of(rows, size, lambda row: (not row.is_own, row.name.lower(), row.member_id))
