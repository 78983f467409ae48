"""Which project a repository is of: linked and unlinked by owners and admins; what is there becomes tasks."""

from typing import LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg.errors import UniqueViolation

from crewhall.identity import Permission, check_permission
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CONFLICT
from crewhall.work.github.repositories import get_repository
from crewhall.work.github.schemas import ProjectLink, Repository
from crewhall.work.issues.pulls import relink
from crewhall.work.issues.rows import find_linked
from crewhall.work.issues.taking import follow_issue
from crewhall.work.project_queries import access_project, check_active

BACKFILLS = "crewhall_github_backfills"
"""Notices that issues wait to become tasks."""
BATCH = 50
_LINK: LiteralString = """
update github_repositories r set project_id = %(project)s, makes_issues = %(makes)s, sends_comments = %(sends)s,
    linked_at = case when r.project_id is not distinct from %(project)s then r.linked_at else clock_timestamp() end,
    tasks_after = 0, tasks_done = 0, tasks_look_at = clock_timestamp(), tasks_attempt = r.tasks_attempt + 1,
    tasks_total = (select count(*) from github_items i where i.org_id = r.org_id and i.repository_id = r.id
                     and i.kind = 'issue' and i.deleted_at is null)
where r.org_id = %(org)s and r.id = %(id)s
"""
_UNLINK: LiteralString = """
update github_repositories set project_id = null, linked_at = null, tasks_look_at = null, tasks_done = 0,
    tasks_total = 0, tasks_attempt = tasks_attempt + 1
where org_id = %(org)s and id = %(id)s
"""
_CLAIM: LiteralString = """
update github_repositories set tasks_attempt = tasks_attempt + 1,
    tasks_look_at = clock_timestamp() + interval '2 minutes'
where id = %(id)s and tasks_look_at <= clock_timestamp() returning id, org_id, tasks_attempt as attempt
"""
_HOLD: LiteralString = """
select tasks_after from github_repositories
where id = %(id)s and tasks_attempt = %(attempt)s and tasks_look_at is not null for no key update
"""
_ISSUES: LiteralString = """
select number from github_items
where org_id = %(org)s and repository_id = %(id)s and kind = 'issue' and number > %(after)s and deleted_at is null
order by number limit %(most)s
"""
_PULLS: LiteralString = """
select number from github_items
where org_id = %(org)s and repository_id = %(id)s and kind = 'pull_request' and data -> 'closes' <> '[]'
order by number
"""
_MOVE: LiteralString = """
update github_repositories set tasks_after = %(after)s, tasks_done = tasks_done + %(done)s,
    tasks_total = greatest(tasks_total, tasks_done + %(done)s),
    tasks_look_at = case when %(is_over)s then null else clock_timestamp() + interval '2 minutes' end
where id = %(id)s
"""


class Backfill(Struct, frozen=True):
    """A repository whose issues this process makes tasks of. What it writes counts while `attempt` is the row's."""

    id: UUID
    org_id: UUID
    attempt: int


async def link_repository(tx: Tx, actor: Actor, repository_id: UUID, data: ProjectLink) -> Repository:
    """Make tasks of a repository's issues in a project, those that are mirrored already too; each follows its issue.

    Raises FORBIDDEN, NOT_FOUND, CONFLICT (it is linked to another project, or the project has another repository).
    """
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    before = await get_repository(tx, actor, repository_id)
    project = await access_project(tx, actor, data.project_id)
    check_active(project)
    if before.project_id not in {None, project.id}:
        raise CONFLICT(f"{before.full_name} is linked to another project. Unlink it there first.", field="project_id")
    values = {
        "org": actor.org, "id": repository_id, "project": project.id, "makes": data.makes_issues,
        "sends": data.sends_comments,
    }  # fmt: skip
    try:
        async with tx.connection.transaction():
            await tx.run(_LINK, values)
    except UniqueViolation as error:
        detail = f"{project.name} has another repository, and numbers of issues are unique in a project."
        raise CONFLICT(f"{detail} Unlink that one first.", field="project_id") from error
    await tx.notify(BACKFILLS, "")
    about = {"name": before.full_name, "project": project.name}
    await audit.record(tx, actor, "github_repository.linked", "github_repository", repository_id, about)
    return await get_repository(tx, actor, repository_id)


async def unlink_repository(tx: Tx, actor: Actor, repository_id: UUID) -> Repository:
    """Make no more tasks of issues. Those that were made stay, and follow no more. Raises FORBIDDEN, NOT_FOUND."""
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    before = await get_repository(tx, actor, repository_id)
    if before.project_id is not None:
        await tx.run(_UNLINK, {"org": actor.org, "id": repository_id})
        about = {"name": before.full_name}
        await audit.record(tx, actor, "github_repository.unlinked", "github_repository", repository_id, about)
    return await get_repository(tx, actor, repository_id)


async def claim_backfill(db: Database, org_id: UUID, repository_id: UUID) -> Backfill | None:
    """Take a repository over whose issues wait to become tasks."""
    async with db.transaction(system_actor(org_id)) as tx:
        return await tx.find(Backfill, _CLAIM, {"id": repository_id})


async def fill_back(db: Database, claimed: Backfill) -> None:
    """Make tasks of what is mirrored, so many at a time; who goes on after a crash begins with the last of them."""
    is_first = True
    while await _fill(db, claimed, with_pulls=is_first):
        is_first = False


async def _fill(db: Database, claimed: Backfill, *, with_pulls: bool) -> bool:
    """The next of them; tells whether there may be more."""
    async with db.transaction(system_actor(claimed.org_id)) as tx:
        values = {"id": claimed.id, "attempt": claimed.attempt, "org": claimed.org_id, "most": BATCH}
        after = await tx.value(_HOLD, values)
        linked = await find_linked(tx, repository_id=claimed.id)
        if after is None or linked is None:
            return False
        if with_pulls:
            for number in await tx.values(_PULLS, values):
                await relink(tx, claimed.org_id, claimed.id, number)
        numbers = await tx.values(_ISSUES, values | {"after": after})
        for number in numbers:
            await follow_issue(tx, linked, number=number)
        is_over = len(numbers) < BATCH
        last = numbers[-1] if numbers else after
        await tx.run(_MOVE, {"id": claimed.id, "after": last, "done": len(numbers), "is_over": is_over})
    return not is_over
